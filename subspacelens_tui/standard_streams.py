"""Standard input, output and errors, whatever they are at the start: closed, full, of any encoding."""

from __future__ import annotations

import errno
import io
import os
import re
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from subspacelens_tui.ascii_fallback import encode_alike

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Nobody will ever read it: the terminal or the pipe is gone, or the descriptor was closed from the start.
NOBODY_READS = (errno.EBADF, errno.EIO, errno.EPIPE)
# What `repr` makes of the bytes of an argument or a file name that cannot be decoded.
_UNDECODED = re.compile(r"\\udc[89a-f][0-9a-f]")


class OutputError(OSError):
    """Standard output cannot be written."""

    def __str__(self) -> str:
        return f"the output cannot be written: {self.strerror}"


def _write(write: Callable[[ReadableBuffer], int | None], to: io.FileIO, data: ReadableBuffer) -> int:
    """Write, and wait where another program that has the same pipe or terminal made it non-blocking."""
    while (written := write(data)) is None:
        select.select([], [to], [])
    return written


class _Output(io.FileIO):
    """A descriptor whose errors are told from those of other files."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return _write(super().write, self, data)
        except OSError as error:
            raise OutputError(error.errno, error.strerror) from None


class _Messages(io.FileIO):
    """A descriptor for messages: if they cannot be written they are lost, and nothing else is."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return _write(super().write, self, data)
        except OSError:
            return len(memoryview(data).cast("B"))


def prepare() -> None:
    """Make the three streams usable; what else has replaced them in this process stays as it is.

    A closed descriptor is opened: otherwise the next file of a session gets its number, and what is printed
    goes there. Input is empty then, output cannot be written, and messages are lost.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_if_closed(descriptor, flags)
    if sys.stdin is None:
        sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    encode_alike(sys.__stderr__)  # Textual draws on it
    if sys.stdout is sys.__stdout__:
        sys.stdout = _stream(sys.stdout, _Output(1, "w", closefd=False))
    if sys.stderr is sys.__stderr__:
        sys.stderr = _stream(sys.stderr, _Messages(2, "w", closefd=False), line_buffering=True)


def _open_if_closed(descriptor: int, flags: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        # The lowest number that is free: those below are open by now.
        os.set_inheritable(os.open(os.devnull, flags), True)


def _stream(before: TextIO | None, raw: io.FileIO, line_buffering: bool = False) -> TextIO:
    """A text stream on `raw`, of the encoding of the one there was."""
    encodings = (getattr(stream, "encoding", None) for stream in (before, sys.__stdout__, sys.__stderr__))
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=next(filter(None, encodings), "utf-8"),
        line_buffering=line_buffering or raw.isatty(),
    )
    encode_alike(stream)
    return stream


def flush_output() -> None:
    """Write what has been printed.

    Raises:
        OutputError: if it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_output() -> None:
    """Print nothing more, not even what is held back."""
    sys.stdout = None


def print_path(path: Path) -> None:
    """Print a path for programs: its bytes, whatever the encoding of the output.

    Raises:
        OutputError: if it cannot be written.
    """
    if (buffer := getattr(sys.stdout, "buffer", None)) is None:
        print(path)
        return
    flush_output()
    buffer.write(os.fsencode(path) + b"\n")
    buffer.flush()


def complain(program: str, message: str, more: str = "") -> None:
    """Say on stderr, in one line, what is wrong."""
    if not (message.isascii() and message.isprintable()):
        from subspacelens_tui.sessions.sanitise import plain  # it brings much along, which takes time

        message = plain(message)
    print(f"{program}: {_UNDECODED.sub('?', message)}{more}", file=sys.stderr)
