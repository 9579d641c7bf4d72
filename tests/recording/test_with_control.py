"""A session and its control, at random weights, by one command."""

from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.cli import main
from subspacelens_tui.recording import __main__ as detached
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.random_control import control_of, next_control
from tests.recording.conftest import prompt_file

pytestmark = pytest.mark.usefixtures("own_signals")


def plan(tmp_path: Path) -> list[str]:
    prompts = prompt_file(tmp_path, "lion", "panda")
    plan = ["--prompts", prompts, "--seeds", "1", "--steps", "2", "--capture", "1", "--name", "run"]
    return ["record", *plan, "--sessions", str(tmp_path / "sessions")]


def check(session: Session, control: Session) -> None:
    assert not session.manifest.model.random_init
    assert control.manifest.model.random_init
    assert control.manifest.images == session.manifest.images
    ours, theirs = (of.features(11, "cond", 1) for of in (session, control))
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() > 0.1


def test_both_are_recorded_and_the_report_finds_the_control(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*plan(tmp_path), "--headless", "--with-control"]) == 0
    folder = tmp_path / "sessions" / "run"
    assert capsys.readouterr().out == f"{folder}\n"
    session = open_session(folder)
    control = control_of(session)
    assert control is not None
    check(session, control)
    assert next_control(folder) is None
    folder.rename(folder.with_name("moved"))
    assert main([*plan(tmp_path), "--headless", "--with-control"]) == 1
    assert "run~control exists already: choose another --name" in capsys.readouterr().err
    assert not folder.exists()


def test_a_detached_recorder_goes_on_with_the_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subspacelens_tui.cli.commands.record._start", lambda *_: 0)
    monkeypatch.setattr("subspacelens_tui.cli.commands.record.need_terminal", lambda _: None)
    assert main([*plan(tmp_path), "--with-control"]) == 0
    folder = tmp_path / "sessions" / "run"
    assert next_control(folder) is None, "the session itself comes first"
    assert control_of(open_session(folder)) is None
    assert detached.main([str(folder)]) == 0
    session = open_session(folder)
    control = control_of(session)
    assert control is not None
    check(session, control)


def test_a_control_that_was_killed_is_resumed_by_its_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*plan(tmp_path), "--headless", "--with-control"]) == 0
    folder = tmp_path / "sessions" / "run"
    resume = ["record", "--headless", "--resume", "run", "--sessions", str(folder.parent)]
    control = folder.with_name("run~control")
    whole = open_session(control).features(11, "cond", 1)
    for file in (control / "features").iterdir():
        file.unlink()
    events = (control / "events.jsonl").read_text().replace('"finished"', '"stopped"')
    (control / "events.jsonl").write_text(events)
    assert next_control(folder) == control
    capsys.readouterr()
    assert main(resume) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    np.testing.assert_array_equal(open_session(control).features(11, "cond", 1), whole)
    assert main(resume) == 1, "both are finished"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--random-init",), "leave --random-init out"),
        (("--resume", "run"), "--resume resumes both"),
    ],
)
def test_what_makes_no_sense_beside_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
) -> None:
    asked = [*plan(tmp_path)[:1], *options, "--with-control", "--headless", "--sessions", str(tmp_path)]
    assert main(asked) == 2
    assert says in capsys.readouterr().err
