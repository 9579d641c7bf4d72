"""Starting recorders: detached, so that they outlive the terminal, or in this process."""

import os
import subprocess
import sys
from pathlib import Path

import subspacelens_tui
from subspacelens_tui.sessions import Phase, Session
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import append_plain

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
        with append_plain(folder, log_file(folder).name) as log:
            return subprocess.Popen(
                [sys.executable, "-m", "subspacelens_tui.recording", str(folder.resolve()), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
    except OSError as error:
        raise SessionError(f"the recorder of {folder} cannot be started: {error.strerror or error}") from None


def _environment() -> dict[str, str]:
    """Ours, but `python -m` imports nothing from the working folder, where the user may have a random.py."""
    try:
        run_from_here = Path(subspacelens_tui.__file__).parent.parent.samefile(Path.cwd())
    except OSError:  # the working folder was deleted
        run_from_here = False
    return {**os.environ} if run_from_here else {**os.environ, "PYTHONSAFEPATH": "1"}


def leave_deleted_folder() -> None:
    """Go to the root folder if the working folder was deleted; torch's MKL would end the process there."""
    try:
        Path.cwd()
    except OSError:
        os.chdir("/")


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
