"""Starting recorders: detached, so that they outlive the terminal, or in this process."""

import subprocess
import sys
from pathlib import Path

from subspacelens_tui.sessions import Phase, Session
from subspacelens_tui.sessions.detached import start_detached
from subspacelens_tui.sessions.errors import SessionError

ALLOW_PICKLE = "--allow-pickle"
ALLOW_NONFINITE = "--allow-nonfinite"


def log_file(folder: Path, rank: int = 0) -> Path:
    """Where a recorder leaves what is too long for the event log, as tracebacks."""
    return folder / ("recorder.log" if rank == 0 else f"recorder.{rank}.log")


def start_recorder(
    folder: Path, allow_pickle: bool = False, allow_nonfinite: bool = False
) -> "subprocess.Popen[bytes]":
    """Start a recorder of this session in a process of its own session.

    A plain child or a worker thread would die with the terminal when an SSH connection drops.
    """
    options = [ALLOW_PICKLE] * allow_pickle + [ALLOW_NONFINITE] * allow_nonfinite
    try:
        return start_detached("subspacelens_tui.recording", folder, options, log_file(folder).name)
    except OSError as error:
        raise SessionError(f"the recorder of {folder} cannot be started: {error.strerror or error}") from None


def print_progress(session: Session) -> None:
    """One line about the recording on stderr; on a terminal it replaces the one before."""
    state = session.state
    line = f"recording {state.recorded}/{state.planned}"
    if state.rate:
        line += f"  {state.rate:.1f} img/s"
    if state.eta is not None:
        line += f"  ETA {int(state.eta) // 60}:{int(state.eta) % 60:02d}"
    if state.left_out and state.phase is not Phase.FINISHED:
        line += f"  {state.left_out} left out"
    live = sys.stderr.isatty() and state.phase is not Phase.FINISHED
    try:
        print(f"\r{line}   " if live else line, end="" if live else "\n", file=sys.stderr, flush=True)
    except OSError:
        # The terminal is gone (a dropped connection); the recording is not.
        return
