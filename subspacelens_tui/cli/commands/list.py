"""List the sessions."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.options.common import JSON


def run(arguments: argparse.Namespace) -> int:
    """State, model, images and size of each."""
    from subspacelens_tui.analysis.output import print_listing
    from subspacelens_tui.sessions.catalog import list_sessions, sessions_folder

    print_listing(list_sessions(sessions_folder(arguments.sessions)), as_json=arguments.json)
    return 0


COMMAND = Command("list", "list the sessions", run, (JSON,), order=60, needs_arrays=False)
