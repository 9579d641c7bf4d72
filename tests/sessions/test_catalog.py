import os
from pathlib import Path

import pytest

from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.catalog import (
    delete_session,
    find_session,
    list_sessions,
    rename_session,
    sessions_folder,
)
from subspacelens_tui.sessions.trainings import FOLDER, JOB
from tests.conftest import PlantedSessionFactory


def test_the_folder_is_given_or_of_the_variable_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBSPACELENS_SESSIONS", raising=False)
    assert sessions_folder() == Path("sessions")
    monkeypatch.setenv("SUBSPACELENS_SESSIONS", "/data/runs")
    assert sessions_folder() == Path("/data/runs")
    assert sessions_folder("here") == Path("here")


def test_sessions_are_found_by_name_and_by_path(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = planted("one")
    assert find_session("one", session.path.parent) == session.path
    assert find_session(str(session.path), tmp_path / "elsewhere") == session.path
    with pytest.raises(SessionError, match=r"no session 'two' in .* \(it has one\)"):
        find_session("two", session.path.parent)
    with pytest.raises(SessionError, match="is no session"):
        find_session(str(tmp_path), session.path.parent)


def test_the_list_is_newest_first_and_shows_the_damaged(planted: PlantedSessionFactory) -> None:
    for age, name in enumerate(("newest", "damaged", "oldest")):
        session = planted(name).start().record()
        manifest = session.path / "session.json"
        if name == "damaged":
            manifest.write_text("{")
        os.utime(manifest, (1e9 - age, 1e9 - age))
    listings = list_sessions(session.path.parent)
    assert [listing.name for listing in listings] == ["newest", "damaged", "oldest"]
    assert listings[0].state is not None
    assert listings[0].state.phase is Phase.FINISHED
    assert listings[0].bytes > 100_000
    assert listings[1].state is None
    assert "is damaged" in (listings[1].problem or "")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="record a session first"):
        list_sessions(tmp_path / "nowhere")


def trainer_of(session: Path) -> EventWriter:
    """One that is at work."""
    folder = session / FOLDER / "cond-step0-0"
    folder.mkdir(parents=True)
    (folder / JOB).write_text("{}")
    events = EventWriter(folder)
    events.write("recording")
    return events


def test_a_session_is_renamed_when_its_trainer_is_through(planted: PlantedSessionFactory) -> None:
    session = planted().start().record()
    events = trainer_of(session.path)
    with pytest.raises(SessionError, match="is being trained: .* --sae stop` stops it"):
        rename_session(session.path, "other")
    assert session.path.exists()
    events.write("stopped", reason="asked to")
    events.close()
    renamed = session.path.with_name("other")
    assert rename_session(session.path, "other") == {session.path: renamed}


def test_a_control_is_renamed_with_its_session(planted: PlantedSessionFactory) -> None:
    session, control = planted("run").start().record(), planted("run~control").start().record()
    folder = session.path.parent
    assert rename_session(session.path, "other") == {
        session.path: folder / "other",
        control.path: folder / "other~control",
    }
    assert {path.name for path in folder.iterdir()} == {"other", "other~control"}
    # Neither goes where one of both cannot.
    planted("third~control").start().record()
    with pytest.raises(SessionError, match="there is a third~control"):
        rename_session(folder / "other", "third")
    with pytest.raises(SessionError, match="at most 100"):
        rename_session(folder / "other", "x" * 95)
    assert {path.name for path in folder.iterdir()} == {"other", "other~control", "third~control"}


def test_a_control_that_cannot_be_renamed_leaves_both_as_they_were(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, control = planted("run").start().record(), planted("run~control").start().record()
    before = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path == control.path:
            raise PermissionError(13, "Permission denied")
        return before(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(SessionError, match=r"cannot rename .*run~control: Permission denied"):
        rename_session(session.path, "other")
    assert {path.name for path in session.path.parent.iterdir()} == {"run", "run~control"}


def test_only_sessions_are_deleted(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = planted()
    with pytest.raises(SessionError, match="nothing was deleted"):
        delete_session(tmp_path)
    assert tmp_path.exists()
    events = EventWriter(session.path)
    events.write("recording", steps=2)
    with pytest.raises(SessionError, match="is being recorded"):
        delete_session(session.path)
    events.write("stopped", reason="asked to")
    events.close()
    trainer = trainer_of(session.path)
    with pytest.raises(SessionError, match="--sae stop` stops it"):
        delete_session(session.path)
    trainer.write("finished")
    trainer.close()
    delete_session(session.path)
    assert not session.path.exists()
    delete_session(planted("no recorder yet").path)


def test_a_folder_that_cannot_be_read_is_no_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(SessionError, match="cannot be read: Permission denied"):
        list_sessions(tmp_path)
