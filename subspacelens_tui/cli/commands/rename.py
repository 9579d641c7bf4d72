"""Give a session another name."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import say
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import Option
from subspacelens_tui.standard_streams import print_path


def run(arguments: argparse.Namespace) -> int:
    """Print its new path; on stderr what became of its control, or that it is the control of another."""
    from subspacelens_tui.sessions.catalog import find_session, rename_session, sessions_folder
    from subspacelens_tui.sessions.names import has_as_control

    folder = find_session(arguments.session, sessions_folder(arguments.sessions))
    of = has_as_control(folder)
    (_, new), *others = rename_session(folder, arguments.new).items()
    for old, renamed in others:
        say(f"its control {old.name} is {renamed.name} now")
    if of is not None and new != folder:
        say(f"{folder.name} was the control of {of.name}, which has none now")
    print_path(new)
    return 0


COMMAND = Command(
    "rename",
    "rename a session, and its control with it",
    run,
    (SESSION, Option("new", "NAME", "letters, digits, '.', '_', '-' and '~'")),
    order=62,
    needs_arrays=False,
)
