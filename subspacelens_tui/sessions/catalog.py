"""The folder of sessions: finding one by name, listing, renaming and deleting them."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.features import FOLDER as FEATURES
from subspacelens_tui.sessions.files import names_inside
from subspacelens_tui.sessions.format import IMAGES, MANIFEST
from subspacelens_tui.sessions.listing import Listing
from subspacelens_tui.sessions.names import control_path, session_path
from subspacelens_tui.sessions.notes import Notes, read_notes
from subspacelens_tui.sessions.reader import Session, open_session
from subspacelens_tui.sessions.state import Phase
from subspacelens_tui.sessions.text_files import from_home
from subspacelens_tui.sessions.trainings import training_phases

ENVIRONMENT = "SUBSPACELENS_SESSIONS"
_FILES_COUNTED = 1_000_000


def sessions_folder(given: str | Path | None = None) -> Path:
    """The folder of sessions: the one given, or `$SUBSPACELENS_SESSIONS`, or `./sessions`.

    A ~ is resolved here, because shells leave it alone in `--sessions=~/runs` and in quotes.

    Raises:
        SessionError: if there is no such home folder.
    """
    folder = from_home(given or os.environ.get(ENVIRONMENT) or "sessions")
    if str(folder).startswith("~"):
        raise SessionError(f"there is no home folder for {folder}: write the path in full")
    return folder


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
        # A hidden folder is a session that is being made.
        found = [path.parent for path in folder.glob(f"[!.]*/{MANIFEST}")]
    except OSError:
        return []
    return [path.name for path in sorted(found, key=lambda p: (-_modified(p), p.name))]


def _modified(folder: Path) -> float:
    try:
        return (folder / MANIFEST).stat().st_mtime
    except OSError:
        return 0.0


class SessionList:
    """The sessions of a folder, read again and again: of one that is known only what is new is read.

    Args:
        folder: the folder of sessions.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Session] = {}

    def read(self) -> list[Listing]:
        """All sessions, the one whose `session.json` was last replaced first; damaged ones are listed with their problem.

        Raises:
            SessionError: if the folder is not there or cannot be read.
        """
        try:
            os.scandir(self._folder).close()
        except (FileNotFoundError, NotADirectoryError):
            raise SessionError(
                f"there is no folder {self._folder}: record a session first, or give --sessions DIR"
            ) from None
        except OSError as error:
            raise SessionError(f"the folder {self._folder} cannot be read: {error.strerror}") from error
        known, self._open = self._open, {}
        return [self._listing(name, known.get(name)) for name in session_names(self._folder)]

    def _listing(self, name: str, session: Session | None) -> Listing:
        path = self._folder / name
        size, modified = _size(path), _modified(path)
        try:
            if session is None or session.replaced:
                session = open_session(path)
            else:
                session.refresh()
        except SessionError as error:
            return Listing(name, path, "", "", size, None, str(error), modified=modified)
        self._open[name] = session
        manifest, problems = session.manifest, tuple(session.problems)
        try:
            notes = read_notes(path)
        except SessionError as error:
            notes, problems = Notes(), (*problems, str(error))
        return Listing(
            name,
            path,
            manifest.created,
            manifest.model.id,
            size,
            session.state,
            problems=problems,
            modified=modified,
            prompt_set=manifest.prompt_set,
            steps=manifest.steps,
            guidance=tuple(manifest.guidance),
            notes=notes,
            steering=None if manifest.steering is None else manifest.steering.words,
            untrained=manifest.model.random_init,
        )


def list_sessions(folder: Path) -> list[Listing]:
    """All sessions of a folder, once; see `SessionList.read`."""
    return SessionList(folder).read()


def _size(path: Path) -> int:
    """Bytes of what a session holds, where a session holds something: no further, whatever else is there."""
    total = 0
    for inside in ((), (FEATURES,), (IMAGES,)):
        with contextlib.suppress(OSError, SessionError):
            for name in names_inside(path, *inside, at_most=_FILES_COUNTED):
                found = path.joinpath(*inside, name).lstat()
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def delete_session(path: Path) -> None:
    """Delete a session's folder.

    Raises:
        SessionError: if it is not a session, a recorder or trainer is at work in it, or it cannot be deleted.
    """
    if not (path / MANIFEST).is_file():
        raise SessionError(f"{path} is no session: nothing was deleted")
    phase, trainings = Phase.WAITING, list[Phase]()
    # One that cannot be opened is damaged, and may go.
    with contextlib.suppress(SessionError):
        phase = open_session(path).state.phase
    with contextlib.suppress(SessionError):
        trainings = training_phases(path)
    if _at_work(phase):
        raise SessionError(f"{path.name} is being recorded: stop the recording first")
    if any(map(_at_work, trainings)):
        raise SessionError(_trained(path))
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise SessionError(f"cannot delete {path}: {error.strerror or error}") from None


def rename_session(path: Path, name: str) -> dict[Path, Path]:
    """Give a session's folder another name, and its control the name that goes with it.

    Returns:
        The new path of each folder by its old one, the session's first; of a session that keeps its name, its own.

    Raises:
        SessionError: if one of both is being recorded or trained on or may be, a name is not fit or taken, or it
            cannot be renamed.
    """
    target = session_path(path.parent, name)
    if not (path / MANIFEST).is_file():
        raise SessionError(f"{path} is no session: nothing was renamed")
    if target.name == path.name:
        return {path: path}
    renamed = {path: target}
    if (control_path(path) / MANIFEST).is_file():
        renamed[control_path(path)] = session_path(path.parent, control_path(target).name)
    for old, new in renamed.items():
        _refuse_renaming(old, new)
    done: list[Path] = []
    try:
        for old, new in renamed.items():
            old.rename(new)
            done.append(old)
    except OSError as error:
        for first in done:
            renamed[first].rename(first)
        raise SessionError(f"cannot rename {old}: {error.strerror or error}") from None
    return renamed


def _refuse_renaming(path: Path, target: Path) -> None:
    if target.exists():
        raise SessionError(f"there is a {target.name} in {target.parent} already: choose another name")
    phase = open_session(path).state.phase
    if phase.running or phase is Phase.STALE:
        # Its recorder knows it by its path.
        raise SessionError(f"{path.name} is being recorded ({phase}): stop the recording first")
    if any(_at_work(training) or training is Phase.STALE for training in training_phases(path)):
        raise SessionError(_trained(path))


def _at_work(phase: Phase) -> bool:
    return phase.running and phase is not Phase.WAITING


def _trained(path: Path) -> str:
    return (
        f"an autoencoder of {path.name} is being trained: `subspacelens-tui sparse {path.name} --sae stop` "
        "stops it"
    )
