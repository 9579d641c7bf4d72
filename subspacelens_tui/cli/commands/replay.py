"""Open a session in the app."""

from __future__ import annotations

import argparse
from dataclasses import replace

from subspacelens_tui.cli.analysis import checked_selection, labels_file
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.preferences import setup
from subspacelens_tui.cli.program import need_terminal
from subspacelens_tui.options.analysis import LABELS_FILE, LAYER, SELECTION
from subspacelens_tui.options.common import APPEARANCE, SESSION


def run(arguments: argparse.Namespace) -> int:
    """Open it where it was left, or where the options say."""
    from subspacelens_tui.app.main import run
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder

    folder = sessions_folder(arguments.sessions)
    session = find_session(arguments.session, folder)
    need_terminal("a session: `subspacelens-tui show` prints its panes, `analyze` its metrics")
    used = replace(setup(arguments), labels_file=labels_file(arguments))
    asked = checked_selection(arguments, session, used.preferences)
    # Without options it opens as it was left.
    settings = asked if any(getattr(arguments, option.name) is not None for option in SELECTION) else None
    return run(folder, session, settings, arguments.layer, used)


COMMAND = Command(
    "replay",
    "open a session, finished or running; without options it opens as it was left",
    run,
    (SESSION, LAYER, *APPEARANCE, *SELECTION, LABELS_FILE),
    order=30,
)
