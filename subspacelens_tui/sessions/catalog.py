"""The folder of sessions: finding one by name, listing them, choosing a name for a new one."""

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.reader import open_session
from subspacelens_tui.sessions.state import RunState

ENVIRONMENT = "SUBSPACELENS_SESSIONS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def sessions_folder(given: str | Path | None = None) -> Path:
    """The folder of sessions: the one given, or `$SUBSPACELENS_SESSIONS`, or `./sessions`."""
    return Path(given or os.environ.get(ENVIRONMENT) or "sessions")


def find_session(session: str, folder: Path) -> Path:
    """The folder of a session given by name or path.

    Raises:
        SessionError: if there is none, with the names that come nearest.
    """
    for path in (folder / session, Path(session)):
        if (path / MANIFEST).is_file():
            return path
    if Path(session).is_dir():
        raise SessionError(f"{session} is no session: it has no {MANIFEST}")
    names = session_names(folder)
    hint = f"it has {', '.join(names[:8])}" if names else "it is empty"
    raise SessionError(f"there is no session {session!r} in {folder} ({hint})")


def session_names(folder: Path) -> list[str]:
    """Names of the sessions in a folder, newest first."""
    try:
        found = [path.parent for path in folder.glob(f"*/{MANIFEST}")]
    except OSError:
        return []
    return [path.name for path in sorted(found, key=lambda p: (-_modified(p), p.name))]


def _modified(folder: Path) -> float:
    try:
        return (folder / MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True)
class Listing:
    """A line of the list of sessions; `problem` says why one could not be opened."""

    name: str
    path: Path
    created: str
    model: str
    bytes: int
    state: RunState | None
    problem: str | None = None


def list_sessions(folder: Path) -> list[Listing]:
    """All sessions of a folder, newest first; damaged ones are listed with their problem.

    Raises:
        SessionError: if the folder is not there.
    """
    if not folder.is_dir():
        raise SessionError(f"there is no folder {folder}: record a session first, or give --sessions DIR")
    return [_listing(folder / name) for name in session_names(folder)]


def _listing(path: Path) -> Listing:
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    try:
        session = open_session(path)
    except SessionError as error:
        return Listing(path.name, path, "", "", size, None, str(error))
    return Listing(path.name, path, session.manifest.created, session.manifest.model.id, size, session.state)


def new_session_path(folder: Path, name: str | None, stem: str) -> Path:
    """A free path for a new session; without a name, one is made of the stem and the time.

    Raises:
        SessionError: if the name is not fit for a folder.
    """
    if name is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', stem).strip('-.') or 'session'}-{stamp}"
    if not _NAME.fullmatch(name):
        raise SessionError(
            f"{name!r} is no name for a session: use letters, digits, '.', '_' and '-', at most 100, no '/'"
        )
    return folder / name


def delete_session(path: Path) -> None:
    """Delete a session's folder.

    Raises:
        SessionError: if it is not a session, or cannot be deleted.
    """
    if not (path / MANIFEST).is_file():
        raise SessionError(f"{path} is no session: nothing was deleted")
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise SessionError(f"cannot delete {path}: {error.strerror or error}") from None
