"""Delete a session."""

from __future__ import annotations

import argparse
import sys

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import UsageError, say
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import switch


def run(arguments: argparse.Namespace) -> int:
    """Ask first, unless told not to."""
    from subspacelens_tui.sessions.catalog import delete_session, find_session, sessions_folder
    from subspacelens_tui.sessions.sanitise import plain

    folder = find_session(arguments.session, sessions_folder(arguments.sessions))
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise UsageError(f"nobody can be asked whether to delete {plain(folder)}: add --yes")
        print(f"delete {plain(folder)} for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say(f"{folder.name} was kept")
            return 1
    delete_session(folder)
    say(f"deleted {folder.name}")
    return 0


COMMAND = Command(
    "delete",
    "delete a session for good",
    run,
    (SESSION, switch("--yes", "do not ask")),
    order=64,
    needs_arrays=False,
)
