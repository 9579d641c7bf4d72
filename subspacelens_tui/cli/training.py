"""Sparse autoencoders from the command line: training that is started detached and followed, and pickles."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.program import PROGRAM, is_dumb, say

if TYPE_CHECKING:
    from subspacelens_tui.analysis.sparse_training import PlannedTraining
    from subspacelens_tui.sparse.layouts import ReadPickle

_LOOK_SECONDS = 0.5
_CLEAR = "\r\x1b[K"


def train(plan: Callable[[], PlannedTraining], session: str) -> Path:
    """See that everything planned is trained, and return the folder of the job.

    Raises:
        SparseError: the training failed or was stopped.
    """
    from subspacelens_tui.analysis.sparse_training import write_training
    from subspacelens_tui.sessions.trainings import TrainingWatch
    from subspacelens_tui.training.spawn import start_trainer

    while (planned := plan()).missing:
        # One may be under way, of other layers of this job: what is missing afterwards is trained then.
        process = None
        if not TrainingWatch(planned.folder).now().alive:
            write_training(planned)
            process = start_trainer(planned.folder)
            say(f"training {planned.missing} autoencoders, {planned.steps} steps in all")
        try:
            _follow(planned.folder, process)
        except KeyboardInterrupt:
            say(f"the training goes on; `{PROGRAM} sparse {session} --sae stop` stops it")
            raise
    return planned.folder


def _follow(folder: Path, process: subprocess.Popen[bytes] | None) -> None:
    """Show progress until the training ends."""
    from subspacelens_tui.sessions import Phase
    from subspacelens_tui.sessions.trainings import TrainingWatch
    from subspacelens_tui.sparse import SparseError

    watch, watched = TrainingWatch(folder), not is_dumb(sys.stderr)
    while True:
        # Before the log is read: what ended has written its last line.
        ended = None if process is None else process.poll() is not None
        state = watch.now()
        if ended or (ended is None and not state.alive):
            break
        if watched:
            words = state.words if state.alive else "starting"
            print(f"{_CLEAR}training: {words}", end="", file=sys.stderr, flush=True)
        time.sleep(_LOOK_SECONDS)
    if watched:
        print(_CLEAR, end="", file=sys.stderr, flush=True)
    if state.phase is not Phase.FINISHED or (process is not None and process.returncode):
        raise SparseError(f"the training {state.words}; the same command goes on from there")


def stop_training(session: Path) -> int:
    """Ask all trainings of a session to stop; how many were asked."""
    from subspacelens_tui.sessions.control import ask
    from subspacelens_tui.sessions.trainings import TrainingWatch, jobs_of

    running = [folder for folder in jobs_of(session) if TrainingWatch(folder).now().alive]
    for folder in running:
        ask(folder, "stop")
    return len(running)


def pickle_reader() -> ReadPickle:
    """What reads pickled autoencoders; it needs torch, which takes seconds to import."""
    from subspacelens_tui.training.pickled import read_pickle

    return read_pickle
