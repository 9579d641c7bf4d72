"""Steer images of one class towards another, with controls of equal energy, and judge what came of it."""

from __future__ import annotations

import argparse
import contextlib
import functools
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.command import Command, given
from subspacelens_tui.cli.program import say
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.cli.training import pickle_reader
from subspacelens_tui.options.common import JSON, SESSION
from subspacelens_tui.options.recording import ALLOW_PICKLE
from subspacelens_tui.options.steering import FIELDS

if TYPE_CHECKING:
    from subspacelens_tui.planning.steering_sessions import PlannedSession
    from subspacelens_tui.recording.loaded_pipeline import Loaded


def run(arguments: argparse.Namespace) -> int:
    """Fit, record a session for each strength and control, and print what they show."""
    from subspacelens_tui.analysis.output import print_steering
    from subspacelens_tui.analysis.steering_results import steering_result
    from subspacelens_tui.planning.steering import SteeringRequest, plan_steering
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = open_session(find_session(arguments.session, sessions_folder(arguments.sessions)))
    request = SteeringRequest(**given(arguments, SteeringRequest))
    if arguments.allow_pickle:
        request = replace(request, read_pickle=pickle_reader())
    with progress() as on_progress:
        plan = plan_steering(session, request, functools.partial(on_progress, "fitting"))
    for note in plan.notes:
        say(note)
    folder, images = session.path.parent, sum(len(planned.manifest.images) for planned in plan.sessions)
    say(f"{plan.name}: {len(plan.sessions)} sessions, {images} images in all")
    status = record_sessions(folder, plan.sessions, arguments.allow_pickle)
    if status is not None:
        say("stopped: the same command records what is missing")
        return status
    print_steering(steering_result(folder, plan.name), arguments.json)
    return 0


def record_sessions(
    folder: Path, sessions: Sequence[PlannedSession], allow_pickle: bool = False
) -> int | None:
    """Record what is not there yet, all with one loaded model.

    Returns:
        The exit status to end with, if it was stopped before all was recorded.
    """
    from subspacelens_tui.recording.errors import RecordingError
    from subspacelens_tui.sessions.names import session_path

    loaded: Loaded | None = None
    for planned in sessions:
        try:
            status, loaded = _record_one(session_path(folder, planned.name), planned, allow_pickle, loaded)
        except RecordingError as error:
            # Not every pipeline has another prompt's tokens; the other controls do without.
            of = planned.manifest.steering
            if of is None or of.control is None or not of.partners:
                raise
            say(f"{planned.name}: {error}")
            continue
        if status is not None:
            return status
    return None


def _record_one(
    path: Path, planned: PlannedSession, allow_pickle: bool, loaded: Loaded | None
) -> tuple[int | None, Loaded | None]:
    """Why to end, as an exit status, if the recording is not finished; and the model that it has loaded."""
    from subspacelens_tui.recording.recorder import Recorder
    from subspacelens_tui.recording.spawn import print_progress
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.steering_file import write_steering
    from subspacelens_tui.sessions.steering_runs import is_stopped
    from subspacelens_tui.sessions.writer import create_or_join_session
    from subspacelens_tui.steering.intervention_arrays import to_arrays

    def fill(making: Path) -> None:
        if planned.intervention is not None:
            write_steering(making, to_arrays(planned.intervention.changes))

    create_or_join_session(path, planned.manifest, fill)
    if open_session(path).state.complete:
        return None, loaded
    say(planned.name)
    recorder = Recorder(
        path, on_progress=print_progress, on_note=say, allow_pickle=allow_pickle, loaded=loaded
    )
    heeds = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with contextlib.redirect_stdout(sys.stderr):  # of libraries: stdout is for the result
        status = recorder.run()
    for number, handler in heeds.items():  # a recorder takes these for good
        signal.signal(number, handler)
    # A viewer may have asked between two sessions, when no recorder heard it.
    through = open_session(path).state.complete and not is_stopped(path)
    return (None if through else status), recorder.loaded


COMMAND = Command(
    "steer",
    "steer images of one class towards another, with controls of equal energy",
    run,
    (
        SESSION,
        *FIELDS,
        ALLOW_PICKLE,
        JSON,
    ),
    order=76,
)
