"""Write notes and tags of a session, or print them."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.options.common import JSON, SESSION
from subspacelens_tui.options.option import Option, words


def run(arguments: argparse.Namespace) -> int:
    """Change what is asked, then print what there is."""
    from subspacelens_tui.analysis.output import print_notes
    from subspacelens_tui.sessions.catalog import find_session, sessions_folder
    from subspacelens_tui.sessions.notes import read_notes, write_notes

    folder = find_session(arguments.session, sessions_folder(arguments.sessions))
    before = read_notes(folder)
    notes = before if arguments.text is None else before.saying(arguments.text)
    notes = notes.untagged(*arguments.untag or ()).tagged(*arguments.tag or ())
    if notes != before:
        write_notes(folder, notes)
    print_notes(folder.resolve().name, notes, as_json=arguments.json)
    return 0


COMMAND = Command(
    "note",
    "write notes and tags of a session, or print them",
    run,
    (
        SESSION,
        Option("--text", "T", "replace the notes with this text; empty to clear them"),
        Option("--tag", "A[,B…]", "add tags", words),
        Option("--untag", "A[,B…]", "remove tags", words),
        JSON,
    ),
    order=61,
    needs_arrays=False,
)
