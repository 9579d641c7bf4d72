"""Files that people name and write: prompt sets, label files, settings; and JSON that went through an editor."""

import codecs
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

# As large as a session.json may be, which a prompt set ends up in.
_BYTES_AT_MOST = 16 * 2**20
# Not blocking: opening a pipe that nobody writes to would wait for ever.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# UTF-32 first: the mark of UTF-16 is the beginning of its.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_SAVE = "save it as UTF-8"


class TextFileError(Exception):
    """A file cannot be read as text; the message is what a line says after the name of the file."""


def from_home(path: str | Path) -> Path:
    """A path as people type it, where `~` is their home: a form has no shell that would expand it."""
    return Path(os.path.expanduser(path))  # noqa: PTH111, Path's fails where there is no such home


def read_text(path: Path) -> str:
    """What a text file of the user says: UTF-8, or what its byte-order mark says, with any line ends.

    Raises:
        FileNotFoundError: if it is not there.
        TextFileError: if it is no file, cannot be read, or is no text.
    """
    return _text(_content(path))


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file of the user says: UTF-8, or what its byte-order mark says, with any line ends.

    Raises:
        FileNotFoundError: if it is not there.
        TextFileError: if it is no file, cannot be read, is no text or no TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except RecursionError:
        raise TextFileError("is not TOML: it is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise TextFileError(f"is not TOML: {error}") from None
    except ValueError:
        raise TextFileError("is not TOML: a number has too many digits") from None


def without_mark(content: bytes) -> bytes:
    """The same text in UTF-8 without a byte-order mark; what has no mark comes back as it is.

    Raises:
        UnicodeDecodeError: if the text is not in the encoding of its mark.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding).encode()
    return content


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, _FLAGS)
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            os.close(descriptor)
            raise TextFileError(f"is a {_kind(kind)}, not a file")
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(_BYTES_AT_MOST + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise TextFileError(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the path
        raise TextFileError(f"cannot be read: {error}") from None
    if len(content) > _BYTES_AT_MOST:
        raise TextFileError(f"is larger than {_BYTES_AT_MOST >> 20} MiB")
    return content


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    return "pipe" if stat.S_ISFIFO(mode) else "device"


def _text(content: bytes) -> str:
    try:
        text = without_mark(content).decode()
    except UnicodeDecodeError as error:
        raise TextFileError(_not_unicode(content, error)) from None
    if "\0" in text:
        raise TextFileError(_with_nul(content))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_nul(content: bytes) -> str:
    if _alternates(content):
        return f"seems to be UTF-16 without a byte-order mark: {_SAVE}"
    return f"has a NUL byte in {_line(content, content.index(0))}: it is damaged, or no text file"


def _not_unicode(content: bytes, error: UnicodeDecodeError) -> str:
    if error.encoding != "utf-8":
        return f"is not the {error.encoding[:6].upper()} that its byte-order mark says: {_SAVE}"
    if 0 in content:
        return _with_nul(content)
    # Most European languages have single letters beyond ASCII, in one byte each; others have runs of them.
    single = max(map(len, _NOT_ASCII.findall(content))) <= 2
    seems = "it seems to be Windows-1252 or Latin-1; " if single else ""
    return (
        f"is not UTF-8, by byte 0x{content[error.start]:02x} in {_line(content, error.start)}: {seems}{_SAVE}"
    )


def _alternates(content: bytes) -> bool:
    """Whether every other byte is mostly NUL, as in text of ASCII in UTF-16."""
    few, many = sorted((content[::2].count(0), content[1::2].count(0)))
    return many > len(content) // 10 and few < many // 10 + 1


def _line(content: bytes, at: int) -> str:
    return f"line {len(content[: at + 1].splitlines())}"
