"""Give a session another name."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import Option
from subspacelens_tui.standard_streams import print_path


def run(arguments: argparse.Namespace) -> int:
    """Print its new path."""
    from subspacelens_tui.sessions.catalog import find_session, rename_session, sessions_folder

    print_path(
        rename_session(find_session(arguments.session, sessions_folder(arguments.sessions)), arguments.new)
    )
    return 0


COMMAND = Command(
    "rename",
    "give a session another name",
    run,
    (SESSION, Option("new", "NAME", "letters, digits, '.', '_', '-' and '~'")),
    order=62,
    needs_arrays=False,
)
