"""List the sessions."""

from __future__ import annotations

import argparse

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import UsageError
from subspacelens_tui.options.common import JSON
from subspacelens_tui.options.option import Option, words


def run(arguments: argparse.Namespace) -> int:
    """State, model, images, size, settings and tags of each."""
    from subspacelens_tui.analysis.output import print_listing
    from subspacelens_tui.sessions.catalog import list_sessions, sessions_folder
    from subspacelens_tui.sessions.listing import ORDERS
    from subspacelens_tui.sessions.lookalikes import canonical

    if arguments.sort not in ORDERS:
        raise UsageError(f"there is no order {arguments.sort!r}: use {', '.join(ORDERS)}")
    every = ORDERS[arguments.sort].sorted(list_sessions(sessions_folder(arguments.sessions)))
    tags = [canonical(tag) for tag in arguments.tag or ()]
    found = [listing for listing in every if listing.matches(arguments.filter, tags)]
    print_listing(found, as_json=arguments.json)
    return 0


COMMAND = Command(
    "list",
    "list the sessions",
    run,
    (
        Option(
            "--filter",
            "TEXT",
            "only sessions with these words, ignoring case",
            default="",
            more="in name, model, state, prompt set, steps, guidance, tags or notes, such as `20 steps guidance 3`",
        ),
        Option("--tag", "T[,T…]", "only sessions with these tags", words),
        Option(
            "--sort",
            "KEY",
            "created, name, model, state, prompts, steps, guidance, images, size, tags (%(default)s)",
            default="created",
            more="newest, most images and largest first; sessions without a value to sort by come last",
        ),
        JSON,
    ),
    order=60,
    needs_arrays=False,
)
