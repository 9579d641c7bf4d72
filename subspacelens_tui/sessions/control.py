"""What viewers ask of a running recorder: one word in the file `control`.

A file rather than a signal, so that it works from another machine that shares the file system and for
every rank at once. The recorder looks at it between denoising steps.
"""

from pathlib import Path
from typing import Literal

from subspacelens_tui.sessions.atomic_files import whole_file
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain

Request = Literal["run", "pause", "stop"]

_LONGEST = 64
_WORDS: dict[bytes, Request] = {b"pause": "pause", b"stop": "stop"}
_FILE = "control"


def ask(folder: Path, request: Request) -> None:
    """Ask the recorders of this session to run on, pause or stop.

    Raises:
        SessionError: if the session's folder cannot be written.
    """
    try:
        with whole_file(folder / _FILE) as temporary:
            temporary.write_text(request, encoding="ascii")
    except OSError as error:
        raise SessionError(
            f"cannot ask the recorder of {folder} to {request}: {error.strerror or error}"
        ) from None


def requested(folder: Path) -> Request:
    """What was last asked; "run" if nothing was."""
    try:
        word = read_plain(folder, _FILE, at_most=_LONGEST).strip()
    except (OSError, SessionError):
        return "run"
    return _WORDS.get(word, "run")


class Requests:
    """What is asked of one recorder.

    Args:
        folder: the session.
        heed_present: whether what the file says now is meant for this recorder; otherwise it is left from an
            earlier one, and only what is asked from now on counts.
    """

    def __init__(self, folder: Path, heed_present: bool) -> None:
        self._folder = folder
        self._passed_over = None if heed_present else _stamp(folder)

    def now(self) -> Request:
        """What was last asked; "run" if nothing was."""
        if self._passed_over is not None and _stamp(self._folder) == self._passed_over:
            return "run"
        return requested(self._folder)


def _stamp(folder: Path) -> tuple[int, int] | None:
    try:
        found = (folder / _FILE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
