"""Print the panes of a session once."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.analysis import checked_selection, labels_file, say_problems
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.preferences import setup
from subspacelens_tui.options.analysis import LABELS_FILE, LAYER, SELECTION
from subspacelens_tui.options.common import APPEARANCE, SESSION


def run(arguments: argparse.Namespace) -> int:
    """For a pipe, or a terminal that cannot move its cursor."""
    from subspacelens_tui.app.print_session import show
    from subspacelens_tui.sessions import open_session
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    session = find_session(arguments.session, sessions_folder(arguments.sessions))
    used = setup(arguments)
    settings = checked_selection(arguments, session, used.preferences)
    say_problems(open_session(session))
    labels = labels_file(arguments)
    return show(session, settings, arguments.layer, preferences=used.preferences, labels_file=labels)


COMMAND = Command(
    "show",
    "print the panes of a session once",
    run,
    (SESSION, LAYER, *APPEARANCE, *SELECTION, LABELS_FILE),
    order=40,
)
