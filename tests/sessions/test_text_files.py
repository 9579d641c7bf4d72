"""TOML as editors and shells leave it: any encoding that can be told for sure, any line ends; else one line."""

import os
import socket
from pathlib import Path

import pytest

from subspacelens_tui.sessions.text_files import TextFileError, from_home, read_toml, without_mark

TEXT = 'name = "größe"\ntext = """two\nlines"""\n'
SAID = {"name": "größe", "text": "two\nlines"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_what_is_certain_is_read(tmp_path: Path, encoding: str, ends: str) -> None:
    path = tmp_path / "file.toml"
    path.write_bytes(TEXT.replace("\n", ends).encode(encoding))
    assert read_toml(path) == SAID


def test_big_endian_marks_count_too(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    for encoding in ("utf-16-be", "utf-32-be"):
        path.write_bytes(("\ufeff" + TEXT).encode(encoding))
        assert read_toml(path) == SAID


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TEXT.encode("utf-16-le"), "seems to be UTF-16 without a byte-order mark: save it as UTF-8"),
        (TEXT.encode("utf-16-be"), "seems to be UTF-16 without a byte-order mark: save it as UTF-8"),
        (
            ("\ufeff" + TEXT).encode("utf-16-le")[:-1],
            "is not the UTF-16 that its byte-order mark says: save it as UTF-8",
        ),
        (
            TEXT.encode("latin-1"),
            "is not UTF-8, by byte 0xf6 in line 1: it seems to be Windows-1252 or Latin-1; save it as UTF-8",
        ),
        (b"\n\r\n\r'\xe9'", "is not UTF-8, by byte 0xe9 in line 4: it seems to be Windows-1252"),
        ("name = '狮子和大象'".encode("gbk"), "is not UTF-8, by byte 0xd7 in line 1: save it as UTF-8"),
        (b"name = 'a\0b'\n", "has a NUL byte in line 1: it is damaged, or no text file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "has a NUL byte in line 3: it is damaged, or no text file"),
        (b"name", "is not TOML: Expected '='"),
        (b"a = " + b"[" * 100_000, "is not TOML: it is nested too deeply"),
        (b"a = " + b"1" * 10_000, "is not TOML: a number has too many digits"),
    ],
)
def test_what_is_not_is_said_with_what_it_seems_to_be(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "file.toml"
    path.write_bytes(content)
    with pytest.raises(TextFileError) as raised:
        read_toml(path)
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


def test_what_is_no_file_is_said_and_nothing_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    with (tmp_path / "vast").open("wb") as file:
        file.truncate(2**40)
    for path, line in (
        (tmp_path / "pipe", "is a pipe, not a file"),
        (tmp_path / "folder", "is a folder, not a file"),
        (tmp_path / "socket", "cannot be read: No such device or address"),
        (Path("/dev/zero"), "is a device, not a file"),
        (tmp_path / "vast", "is larger than 16 MiB"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
        (tmp_path / "vast" / "inside", "cannot be read: Not a directory"),
        (Path("a\0b"), "cannot be read: embedded null"),
    ):
        with pytest.raises(TextFileError, match=line):
            read_toml(path)
    (tmp_path / "dead").symlink_to("nowhere")
    for path in (tmp_path / "nowhere", tmp_path / "dead"):
        with pytest.raises(FileNotFoundError):
            read_toml(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.touch(mode=0)
    with pytest.raises(TextFileError, match="cannot be read: Permission denied"):
        read_toml(path)


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read_toml(tmp_path / "empty") == {}


def test_text_without_a_mark_is_left_as_it_is() -> None:
    assert without_mark(b"\xff {}") == b"\xff {}"
    assert without_mark("{}".encode("utf-16")) == b"{}"


def test_home_is_where_a_shell_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert from_home("~/models") == Path("/home/me/models")
    assert from_home("~nobody-of-that-name/models") == Path("~nobody-of-that-name/models")
    assert from_home("./~") == Path("~")
