"""The sessions of a steering run, `RUN~…`, which one process records one after the other."""

from pathlib import Path

from subspacelens_tui.sessions.catalog import session_names
from subspacelens_tui.sessions.control import ask, requested
from subspacelens_tui.sessions.reader import open_session


def keys_of_run(folder: Path, run: str) -> list[str]:
    """What follows the `~` in the names of a run's sessions, newest first."""
    found = [session.rpartition("~") for session in session_names(folder)]
    return [key for name, _, key in found if name == run]


def stop_run(folder: Path, run: str) -> int:
    """Ask a run to stop, in all of its sessions: the one that is being recorded may be finished meanwhile.

    Returns:
        How many of its sessions are being recorded.

    Raises:
        SessionError: a session cannot be read or written.
    """
    paths = [folder / f"{run}~{key}" for key in keys_of_run(folder, run)]
    running = sum(open_session(path).state.phase.running for path in paths)
    for path in paths if running else ():
        ask(path, "stop")
    return running


def is_stopped(session: Path) -> bool:
    """Whether a session that was recorded just now was asked to stop, or to stop what comes after it."""
    return requested(session) == "stop"
