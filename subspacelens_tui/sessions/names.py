"""Names of sessions: which ones a folder can have, and readable ones for sessions that were given none."""

import itertools
import os
import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_NO_ENDS = "-._"
_CONTROL = "~control"
# Leaves room for the time and a number.
_LONGEST_MODEL = 60


def session_path(folder: Path, name: str) -> Path:
    """The path of a session of this name.

    Raises:
        SessionError: if the name is not fit for a folder.
    """
    if not _NAME.fullmatch(name):
        raise SessionError(
            f"{name!r} is no name for a session: use letters, digits, '.', '_', '-' and '~', at most 100, no '/'"
        )
    return folder / name


def control_path(folder: Path) -> Path:
    """Where the control of a session is, if it has one: the session beside it, of the same name and ~control."""
    return folder.with_name(f"{folder.name}{_CONTROL}")


def has_as_control(folder: Path) -> Path | None:
    """The session beside it that a session is the control of by its name; None if there is none."""
    session = folder.with_name(folder.name.removesuffix(_CONTROL))
    return session if session.name != folder.name and session.is_dir() else None


def automatic_paths(folder: Path, model: str) -> Iterator[Path]:
    """Free paths for a session of this model, named by model and time; the later ones end in -2, -3, ….

    Another process may take each of them before it is used, so there is always a next one.
    """
    first = f"{_readable(model)}-{time.strftime('%Y%m%d-%H%M%S')}"
    for name in itertools.chain([first], (f"{first}-{n}" for n in itertools.count(2))):
        # A file or a dead link is in the way as well.
        if not os.path.lexists(folder / name):
            yield folder / name


def _readable(model: str) -> str:
    """What a model is called, in the letters that a name may have."""
    plain = unicodedata.normalize("NFKD", Path(model).name).encode("ascii", "ignore").decode()
    return _OTHERS.sub("-", plain).strip(_NO_ENDS)[:_LONGEST_MODEL].rstrip(_NO_ENDS) or "session"
