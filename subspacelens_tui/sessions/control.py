"""What viewers ask of a running recorder: one word in the file `control`.

A file rather than a signal, so that it works from another machine that shares the file system and for
every rank at once. The recorder looks at it between denoising steps.
"""

import os
from pathlib import Path
from typing import Literal

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain

Request = Literal["run", "pause", "stop"]

_LONGEST = 64
_WORDS: dict[bytes, Request] = {b"pause": "pause", b"stop": "stop"}


def ask(folder: Path, request: Request) -> None:
    """Ask the recorders of this session to run on, pause or stop.

    Raises:
        SessionError: if the session's folder cannot be written.
    """
    temporary = folder / f"control.{os.getpid()}.tmp"
    try:
        temporary.write_text(request)
        temporary.replace(folder / "control")
    except OSError as error:
        raise SessionError(
            f"cannot ask the recorder of {folder} to {request}: {error.strerror or error}"
        ) from None


def requested(folder: Path) -> Request:
    """What was last asked; "run" if nothing was."""
    try:
        word = read_plain(folder, "control", at_most=_LONGEST).strip()
    except (OSError, SessionError):
        return "run"
    return _WORDS.get(word, "run")
