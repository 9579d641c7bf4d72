import os
from pathlib import Path

import pytest

from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.files import names_inside, open_plain, read_plain
from tests.sessions.hostile import NOT_PLAIN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sessions" / "one"
    (made / "images").mkdir(parents=True)
    (made / "images" / "a.webp").write_bytes(b"abc")
    return made


def test_a_plain_file_is_read(folder: Path) -> None:
    assert read_plain(folder, "images", "a.webp", at_most=3) == b"abc"
    with open_plain(folder, "images", "a.webp") as file:
        assert file.read() == b"abc"
    assert names_inside(folder, "images", at_most=1) == ["a.webp"]
    assert names_inside(folder, "nothing", at_most=1) == []


@pytest.mark.parametrize("kind", sorted(NOT_PLAIN))
def test_anything_else_is_refused_at_once(folder: Path, kind: str) -> None:
    NOT_PLAIN[kind](folder / "images" / "a.webp")
    with pytest.raises(SessionError, match="not a plain file"):
        read_plain(folder, "images", "a.webp", at_most=100)


@pytest.mark.parametrize(
    "inside",
    [("..", "one", "images", "a.webp"), ("images/a.webp",), ("images", ".."), ("/etc/passwd",), (), ("a\0",)],
)
def test_a_path_that_leaves_the_session_is_refused(folder: Path, inside: tuple[str, ...]) -> None:
    with pytest.raises(SessionError, match="not a plain file"):
        open_plain(folder, *inside)


def test_what_is_too_much_is_refused(folder: Path) -> None:
    with pytest.raises(SessionError, match="is larger than 0 KiB"):
        read_plain(folder, "images", "a.webp", at_most=2)
    for name in "bcd":
        (folder / "images" / name).touch()
    with pytest.raises(SessionError, match="holds more than 3 files"):
        names_inside(folder, "images", at_most=3)


def test_a_folder_that_is_none_is_refused(folder: Path) -> None:
    (folder / "linked").symlink_to(folder / "images")
    os.mkfifo(folder / "pipe")
    for name in ("linked", "pipe"):
        with pytest.raises(SessionError, match="not a plain folder"):
            names_inside(folder, name, at_most=9)
        with pytest.raises(SessionError, match="not a plain file"):
            open_plain(folder, name, "a.webp")


def test_descriptors_are_given_back(folder: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    NOT_PLAIN["pipe"](folder / "pipe")
    for _ in range(5):
        for inside in (("pipe",), ("images", "none"), ("pipe", "a"), ("images", "a.webp", "b")):
            with pytest.raises((SessionError, FileNotFoundError)):
                read_plain(folder, *inside, at_most=9)
        names_inside(folder, at_most=9)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
