"""Stop a recording from anywhere that sees its folder."""

from __future__ import annotations

import argparse
import sys

from subspacelens_tui.cli.command import Command
from subspacelens_tui.options.common import SESSION


def run(arguments: argparse.Namespace) -> int:
    """Ask its recorder to stop."""
    from subspacelens_tui.sessions import Phase, SessionError, open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.control import ask
    from subspacelens_tui.sessions.sanitise import plain
    from subspacelens_tui.sessions.steering_runs import keys_of_run, stop_run

    sessions = sessions_folder(arguments.sessions)
    if keys_of_run(sessions, arguments.session):
        if not stop_run(sessions, arguments.session):
            raise SessionError(f"nothing of the steering run {arguments.session} is being recorded")
        name = plain(arguments.session)
        print(f"asked the steering run {name} to stop; the same `steer` command resumes it", file=sys.stderr)
        return 0
    folder = find_session(arguments.session, sessions)
    session = open_session(folder)
    state = session.state
    if not state.phase.running and state.phase is not Phase.STALE:
        raise SessionError(f"{folder.name} is not being recorded: it is {state.phase}")
    ask(folder, "stop")
    name = plain(folder.name)
    goes_on = "" if session.manifest.not_resumable else f"; `record --resume {name}` resumes it"
    print(f"asked the recorder of {name} to stop{goes_on}", file=sys.stderr)
    return 0


COMMAND = Command(
    "stop", "stop a recording or a steering run cleanly", run, (SESSION,), order=50, needs_arrays=False
)
