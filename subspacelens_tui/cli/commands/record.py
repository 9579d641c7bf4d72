"""Record a model, or resume a recording."""

from __future__ import annotations

import argparse
import contextlib
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.command import Command, given
from subspacelens_tui.cli.preferences import setup
from subspacelens_tui.cli.program import PROGRAM, UsageError, need_terminal, say
from subspacelens_tui.options.common import APPEARANCE
from subspacelens_tui.options.recording import (
    ALLOW_PICKLE,
    DEVICES,
    MODEL,
    PIPELINE,
    RECORDING,
    RESUME,
    SOURCE,
)
from subspacelens_tui.standard_streams import NOBODY_READS, OutputError, drop_output, print_path

if TYPE_CHECKING:
    from subspacelens_tui.planning import Request
    from subspacelens_tui.recording.distributed import Rank
    from subspacelens_tui.sessions.format import Manifest


@dataclass(frozen=True)
class _Allowed:
    """What the user allows a recorder; none of it is kept in the session."""

    pickle: bool
    nonfinite: bool


def run(arguments: argparse.Namespace) -> int:
    """Record a new session, or go on with one; under a launcher, as one rank of several."""
    from subspacelens_tui.planning import plan, prompts_of
    from subspacelens_tui.recording.distributed import rank_of
    from subspacelens_tui.sessions.catalog import sessions_folder
    from subspacelens_tui.sessions.names import session_path
    from subspacelens_tui.sessions.random_control import plan_control, refuse_control
    from subspacelens_tui.sessions.writer import create_new_session, create_or_join_session

    rank = rank_of()
    if not rank.alone:
        _check_ranks(arguments, rank)
    elif not arguments.headless:
        need_terminal(
            "a recording: add --headless to record without a screen, `subspacelens-tui show` prints it"
        )
        setup(arguments)  # what is wrong with the settings is said before anything is started
    _check_control(arguments, rank)
    if arguments.resume is not None:
        return _resume(arguments, rank)
    request = asked(arguments)
    manifest = plan(request)
    sessions = sessions_folder(arguments.sessions)
    if manifest.moments is not None:
        _refuse_moments(manifest, sessions, rank)
    if rank.alone:
        if arguments.with_control and arguments.name is not None:
            refuse_control(session_path(sessions, arguments.name))
        folder = create_new_session(sessions, arguments.name, manifest)
        if arguments.with_control:
            plan_control(folder, manifest)
    else:
        folder = session_path(sessions, arguments.name)
        create_or_join_session(folder, manifest)
    if rank.index == 0:
        for note in prompts_of(request).notes:
            say(note)
        _say_what_it_takes(manifest, sessions)
        if arguments.with_control:
            print("its control takes as much again", file=sys.stderr)
    return _start(arguments, folder, rank, folder)


def asked(arguments: argparse.Namespace) -> Request:
    """What is to be recorded: what is typed, then what the preset says, then the defaults."""
    from subspacelens_tui.planning import PRESETS, Request

    return Request(**{**PRESETS.get(arguments.preset, {}), **given(arguments, Request)})


def _say_what_it_takes(manifest: Manifest, sessions: Path) -> None:
    from subspacelens_tui.planning.estimate import estimate_of
    from subspacelens_tui.sessions.sanitise import plain

    for line in estimate_of(manifest, sessions).lines:
        print(plain(line), file=sys.stderr)


def _refuse_moments(manifest: Manifest, sessions: Path, rank: Rank) -> None:
    """Before a session is made that could not be finished."""
    from subspacelens_tui.planning.estimate import estimate_of

    if not rank.alone:
        raise UsageError("--moments sums in one process: record without a launcher")
    estimate_of(manifest, sessions).refuse_moments()


def _check_ranks(arguments: argparse.Namespace, rank: Rank) -> None:
    """Refuse what ranks could not agree on; one of them says why."""
    problem = None
    if arguments.resume is None and arguments.name is None:
        problem = (
            f"{rank.said_by}={rank.world} is set, and {rank.world} ranks must agree on a session: "
            "add --name NAME, or unset it to record alone"
        )
    elif arguments.device is not None and ":" in arguments.device:
        problem = (
            f"--device {arguments.device} is one GPU, and each of {rank.world} ranks takes its own: "
            "say --device cuda"
        )
    if problem is not None:
        if rank.index == 0:
            raise UsageError(problem)
        sys.exit(2)


def _check_control(arguments: argparse.Namespace, rank: Rank) -> None:
    if not arguments.with_control:
        return
    if arguments.random_init:
        raise UsageError("--with-control records random weights beside the session: leave --random-init out")
    if arguments.resume is not None:
        raise UsageError("a session keeps its control: --resume resumes both, without --with-control")
    if not rank.alone:
        raise UsageError("--with-control is for one process: record the control with --random-init")


def _resume(arguments: argparse.Namespace, rank: Rank) -> int:
    from subspacelens_tui.sessions import Phase, SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.moments_file import unsummed_images
    from subspacelens_tui.sessions.random_control import next_control

    named = folder = find_session(arguments.resume, sessions_folder(arguments.sessions))
    session = open_session(folder)
    # Of a session that is finished its control may not be.
    if rank.alone and not unsummed_images(session) and (control := next_control(folder)) is not None:
        folder, session = control, open_session(control)
    if (why := session.manifest.not_resumable) is not None:
        raise SessionError(f"{folder.name} cannot be resumed: {why}")
    if session.steps_problem is not None:
        # Said before the model is loaded: more images would come under other steps than those that are there.
        raise SessionError(f"{folder.name} cannot be resumed: {session.steps_problem}")
    if rank.alone:
        state = session.state
        if state.complete and not unsummed_images(session):
            raise SessionError(f"{folder.name} is {state.words}: `{PROGRAM} replay {folder.name}` opens it")
        if state.phase in (Phase.LOADING, Phase.RECORDING, Phase.PAUSED):
            raise SessionError(f"{folder.name} is being recorded: `{PROGRAM} replay {folder.name}` shows it")
    return _start(arguments, folder, rank, named)


def _start(arguments: argparse.Namespace, folder: Path, rank: Rank, named: Path) -> int:
    """Record into a folder: of the session that was named, or of its control."""
    from subspacelens_tui.recording.spawn import start_recorder
    from subspacelens_tui.sessions.catalog import sessions_folder

    allowed = _Allowed(arguments.allow_pickle, arguments.allow_nonfinite)
    if not rank.alone:
        return _record_as_rank(folder, rank, allowed)
    if arguments.headless:
        status = _record_here(folder, allowed)
        _print_session(named)
        return status
    process = start_recorder(folder, allowed.pickle, allowed.nonfinite)
    status = _watch(arguments, folder, sessions_folder(arguments.sessions))
    process.poll()
    return status


def _record_here(folder: Path, allowed: _Allowed) -> int:
    from subspacelens_tui.sessions.random_control import next_control

    status = _record_one(folder, allowed)
    if status == 0 and (control := next_control(folder)) is not None:
        say(f"{folder.name} is recorded; now its control, {control.name}")
        status = _record_one(control, allowed)
    return status


def _record_one(folder: Path, allowed: _Allowed) -> int:
    from subspacelens_tui.recording.recorder import Recorder
    from subspacelens_tui.recording.spawn import print_progress

    with _only_the_path_on_stdout():
        status = Recorder(
            folder,
            on_progress=print_progress,
            on_note=say,
            allow_pickle=allowed.pickle,
            allow_nonfinite=allowed.nonfinite,
        ).run()
    _say_what_is_missing(folder)
    return status


def _only_the_path_on_stdout() -> AbstractContextManager[object]:
    """What a library prints goes to stderr: a program may be waiting for the path, or stdout be closed."""
    return contextlib.redirect_stdout(sys.stderr)


def _print_session(folder: Path) -> None:
    try:
        print_path(folder)
    except OutputError as error:
        # The terminal may be gone; the recording is there.
        if error.errno not in NOBODY_READS:
            raise
        drop_output()


def _say_what_is_missing(folder: Path) -> None:
    """A line on a session that is not just finished."""
    from subspacelens_tui.sessions import open_session

    state = open_session(folder).state
    if state.left_out or state.without_picture:
        say(f"{folder.name}: {state.words}: {state.detail}")


def _record_as_rank(folder: Path, rank: Rank, allowed: _Allowed) -> int:
    """Record a share; only the first rank reports progress and prints the session."""
    from subspacelens_tui.recording.errors import RecordingError
    from subspacelens_tui.recording.recorder import Recorder
    from subspacelens_tui.recording.spawn import print_progress
    from subspacelens_tui.sessions import open_session

    if open_session(folder).state.complete:
        # A launcher starts its ranks again after a failure, and some come when the others are through.
        say(f"rank {rank.index}: {folder.name} is finished")
        return 0
    first = rank.index == 0
    recorder = Recorder(
        folder,
        rank,
        on_progress=print_progress if first else lambda session: None,
        on_note=say,
        allow_pickle=allowed.pickle,
        allow_nonfinite=allowed.nonfinite,
    )
    try:
        with _only_the_path_on_stdout():
            status = recorder.run()
    except RecordingError as error:
        say(f"rank {rank.index}: {error}")
        recorder.outlast_the_others()
        return 1
    if first:
        _say_what_is_missing(folder)
        _print_session(folder)
    return status


def _watch(arguments: argparse.Namespace, folder: Path, sessions: Path) -> int:
    """The live screen; afterwards a line on how the recording stands, because the screen is gone."""
    from subspacelens_tui.app.main import run as watch
    from subspacelens_tui.sessions import Phase, open_session
    from subspacelens_tui.sessions.sanitise import plain

    status = watch(sessions, folder, setup=setup(arguments))
    state = open_session(folder).state
    if state.phase is Phase.FAILED:
        say(f"the recording failed: {state.detail}")
        return status or 1
    if state.phase.running:
        name = plain(folder.name)
        print(f"{name} goes on recording; `{PROGRAM} replay {name}` shows it again", file=sys.stderr)
    return status


COMMAND = Command(
    "record",
    "record a model and watch it live",
    run,
    (*APPEARANCE, *RECORDING, *PIPELINE, RESUME, MODEL, *SOURCE, *DEVICES, ALLOW_PICKLE),
    order=20,
)
