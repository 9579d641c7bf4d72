"""Starting recorders: detached, so that they outlive the terminal, or in this process."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui.sessions import Phase, Session
from subspacelens_tui.sessions.detached_processes import start_detached
from subspacelens_tui.sessions.errors import SessionError

ALLOW_PICKLE = "--allow-pickle"
ALLOW_NONFINITE = "--allow-nonfinite"
_STEERING_LOG = "steering.log"


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


@dataclass(frozen=True)
class StartedSteering:
    """A steering run in a process of its own, and the log that it writes."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def stop(self) -> bool:
        """Ask it to stop: after the denoising step that is under way, or at once while it fits."""
        if self.process.poll() is not None:
            return False
        self.process.terminate()
        return True

    def failure(self) -> str | None:
        """Why it ended, in one line; None while it runs, and if it ended well."""
        if self.process.poll() in (None, 0):
            return None
        try:
            lines = self.log.read_text(errors="replace").split("\n")
        except OSError:
            lines = []
        said = next((line for line in reversed(lines) if line.strip()), "it ended without a word")
        return said.removeprefix("subspacelens-tui: ")


def start_steering(session: Path, options: Sequence[str]) -> StartedSteering:
    """Start `steer` of a session with these options in a process of its own session, which its log says.

    Raises:
        SessionError: it cannot be started.
    """
    folder = session.resolve()
    words = [*options, f"--sessions={folder.parent}"]
    try:
        process = start_detached("subspacelens_tui", folder, words, _STEERING_LOG, command=("steer",))
    except OSError as error:
        raise SessionError(f"steering from {session} cannot be started: {error.strerror or error}") from None
    return StartedSteering(process, folder / _STEERING_LOG)


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
