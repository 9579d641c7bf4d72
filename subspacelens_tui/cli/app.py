"""The app, which opens where no command is given."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.preferences import setup
from subspacelens_tui.cli.program import need_terminal
from subspacelens_tui.options.common import APPEARANCE


def run(arguments: argparse.Namespace) -> int:
    """The list of sessions."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import sessions_folder

    need_terminal("the list of sessions: `subspacelens-tui list` prints it, `show` a session of it")
    return run(sessions_folder(arguments.sessions), setup=setup(arguments))


APP = Command("", "the list of sessions", run, APPEARANCE, order=0)
