"""The commands that record.

Each command imports what it needs: `--help` is instant, and the app never sees torch.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.cli.program import PROGRAM, need_terminal

if TYPE_CHECKING:
    from subspacelens_tui.planning import Estimate, Request
    from subspacelens_tui.sessions.format import Manifest


def record(arguments: argparse.Namespace) -> int:
    """Record a new session, or go on with one."""
    from subspacelens_tui.planning import plan
    from subspacelens_tui.sessions.catalog import new_session_path, sessions_folder
    from subspacelens_tui.sessions.writer import create_session

    if not arguments.headless:
        need_terminal("a recording: add --headless to record without a screen")
    if arguments.resume is not None:
        return _resume(arguments)
    manifest = plan(_request(arguments))
    folder = new_session_path(sessions_folder(arguments.sessions), arguments.name, Path(arguments.model).name)
    create_session(folder, manifest)
    _say_what_it_takes(manifest, folder.parent)
    return _start(arguments, folder)


def _say_what_it_takes(manifest: Manifest, sessions: Path) -> None:
    from subspacelens_tui.planning.estimate import estimate_of

    for line in estimate_of(manifest, sessions).lines:
        print(line, file=sys.stderr)


def _resume(arguments: argparse.Namespace) -> int:
    from subspacelens_tui.sessions import Phase, SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = find_session(arguments.resume, sessions_folder(arguments.sessions))
    state = open_session(folder).state
    if state.phase is Phase.FINISHED:
        raise SessionError(f"{folder.name} is finished: `{PROGRAM} replay {folder.name}` opens it")
    if state.phase in (Phase.LOADING, Phase.RECORDING, Phase.PAUSED):
        raise SessionError(f"{folder.name} is being recorded: `{PROGRAM} replay {folder.name}` shows it")
    return _start(arguments, folder)


def _start(arguments: argparse.Namespace, folder: Path) -> int:
    from subspacelens_tui.recording.process import start_recorder
    from subspacelens_tui.sessions.catalog import sessions_folder

    if arguments.headless:
        return _record_here(folder)
    process = start_recorder(folder)
    status = _watch(folder, sessions_folder(arguments.sessions))
    process.poll()
    return status


def _record_here(folder: Path) -> int:
    from subspacelens_tui.recording.process import print_progress
    from subspacelens_tui.recording.recorder import Recorder

    status = Recorder(folder, on_progress=print_progress).run()
    print(folder)
    return status


def _watch(folder: Path, sessions: Path) -> int:
    """The live screen; afterwards a line on how the recording stands, because the screen is gone."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions import Phase, open_session
    from subspacelens_tui.sessions.plain import plain

    status = run(sessions, folder)
    state = open_session(folder).state
    if state.phase is Phase.FAILED:
        print(f"{PROGRAM}: the recording failed: {plain(state.detail)}", file=sys.stderr)
        return status or 1
    if state.phase.running:
        print(
            f"{folder.name} goes on recording; `{PROGRAM} replay {folder.name}` shows it again",
            file=sys.stderr,
        )
    return status


def _request(arguments: argparse.Namespace) -> Request:
    from subspacelens_tui.planning import Request

    return Request(
        model=arguments.model,
        prompts=arguments.prompts,
        seeds=arguments.seeds,
        steps=arguments.steps,
        guidance=arguments.guidance,
        capture=arguments.capture,
        batch_size=arguments.batch_size,
        tokens=arguments.tokens,
        device=arguments.device,
        dtype=arguments.dtype,
        revision=arguments.revision,
        variant=arguments.variant,
        components_from=arguments.components_from,
        random_init=arguments.random_init,
        compiled=arguments.compile,
        seeds_per_subject=arguments.seeds_per_subject,
    )


def stop(arguments: argparse.Namespace) -> int:
    """Stop a recording."""
    from subspacelens_tui.sessions import SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.control import ask

    folder = find_session(arguments.session, sessions_folder(arguments.sessions))
    state = open_session(folder).state
    if not state.phase.running:
        raise SessionError(f"{folder.name} is not being recorded: it is {state.phase}")
    ask(folder, "stop")
    print(
        f"asked the recorder of {folder.name} to stop; `record --resume {folder.name}` goes on",
        file=sys.stderr,
    )
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Say what this machine can run, and what recording a model will take."""
    from subspacelens_tui.recording.doctor import examine

    for line in examine():
        print(line)
    if arguments.model is not None:
        for line in _model_estimate(arguments).lines:
            print(f"{'recording':18} {line}")
    return 0


def _model_estimate(arguments: argparse.Namespace) -> Estimate:
    from subspacelens_tui.planning import Request, estimate
    from subspacelens_tui.sessions.catalog import sessions_folder

    request = Request(
        model=arguments.model,
        revision=arguments.revision,
        variant=arguments.variant,
        components_from=arguments.components_from,
        device=arguments.device,
        dtype=arguments.dtype,
    )
    return estimate(request, sessions_folder(arguments.sessions))
