"""Automatic names are valid, readable and never shared, however many processes want one at once."""

import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.manifest_reader import read_manifest
from subspacelens_tui.sessions.names import automatic_paths, session_path
from subspacelens_tui.sessions.writer import SessionAlreadyThereError, create_new_session
from tests.conftest import PlantedSessionFactory

AT_ONCE = 6
EACH = 5
# Every process has the same second, and starts when all are there.
MAKER = """
import sys, time
from pathlib import Path
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.writer import create_new_session

sessions, manifest, each, here, everyone = sys.argv[1:]
time.strftime = lambda *_: "20260101-120000"
manifest = Manifest.model_validate_json(Path(manifest).read_text())
Path(here).touch()
while len(list(Path(here).parent.glob("*.ready"))) < int(everyone):
    pass
for _ in range(int(each)):
    print(create_new_session(Path(sessions), None, manifest).name, flush=True)
"""


@pytest.fixture
def manifest(planted: PlantedSessionFactory) -> Manifest:
    return planted().manifest


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "strftime", lambda *_: "20260101-120000")


def test_processes_that_want_a_name_at_once_get_one_each(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    sessions = tmp_path / "fresh"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER, sessions, tmp_path / "manifest.json", str(EACH)]
            + [tmp_path / f"{n}.ready", str(AT_ONCE)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(AT_ONCE)
    ]
    names = [name for maker in makers for name in maker.communicate(timeout=300)[0].split()]
    assert all(maker.returncode == 0 for maker in makers)
    first = "planted-20260101-120000"
    # Nothing half made is left, and no number is left out.
    assert sorted(names) == sorted(path.name for path in sessions.iterdir())
    assert set(names) == {first, *(f"{first}-{n}" for n in range(2, AT_ONCE * EACH + 1))}
    assert all(read_manifest(sessions / name) == manifest for name in names)


@pytest.mark.usefixtures("one_second")
def test_whatever_is_in_the_way_is_passed_over(manifest: Manifest, tmp_path: Path) -> None:
    taken = tmp_path / "planted-20260101-120000"
    taken.write_text("a file")
    taken.with_name(f"{taken.name}-2").symlink_to("nowhere")
    taken.with_name(f"{taken.name}-3").mkdir()
    assert create_new_session(tmp_path, None, manifest).name == f"{taken.name}-4"
    assert taken.read_text() == "a file"


@pytest.mark.usefixtures("one_second")
def test_a_name_taken_between_the_look_and_the_making_costs_a_number_only(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a network file system that does not show yet what another machine has made."""
    first = create_new_session(tmp_path, None, manifest)
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert create_new_session(tmp_path, None, manifest).name == f"{first.name}-2"
    assert len(list(tmp_path.glob("planted*"))) == 2


def test_a_name_that_was_given_is_never_changed(manifest: Manifest, tmp_path: Path) -> None:
    sessions = tmp_path / "fresh"
    create_new_session(sessions, "mine", manifest)
    with pytest.raises(SessionAlreadyThereError, match="there is a session .*mine already: choose another"):
        create_new_session(sessions, "mine", manifest)
    (sessions / "note").write_text("")
    with pytest.raises(SessionAlreadyThereError, match="there is a file or folder .*note already"):
        create_new_session(sessions, "note", manifest)
    assert sorted(path.name for path in sessions.iterdir()) == ["mine", "note"]


def test_a_sessions_folder_that_is_a_file_is_said_once(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SessionError, match="cannot make the session .*File exists"):
        create_new_session(tmp_path / "file", None, manifest)


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("demo", "demo"),
        ("PixArt-alpha/PixArt-XL-2-512x512", "PixArt-XL-2-512x512"),
        ("/models/some model/", "some-model"),
        ("/models/.hidden", "hidden"),
        ("/models/_private_", "private"),
        ("/models/modèle Größe", "modele-Groe"),
        ("/models/模型", "session"),
        ("/models/模型-v2", "v2"),
        ("/models/---", "session"),
        (".", "session"),
        ("/", "session"),
        ("", "session"),
        ("x" * 300, "x" * 60),
        ("a" * 59 + "----b", "a" * 59),
    ],
)
def test_names_are_made_of_any_model(tmp_path: Path, model: str, name: str) -> None:
    first, second = islice(automatic_paths(tmp_path, model), 2)
    assert first == session_path(tmp_path, f"{name}-20260101-120000")
    assert second == session_path(tmp_path, f"{name}-20260101-120000-2")


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-flag", "x" * 101, "a\x1b[2J"])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SessionError, match="is no name for a session"):
        session_path(tmp_path, name)
