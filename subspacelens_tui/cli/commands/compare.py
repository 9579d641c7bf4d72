"""Print the difference between two sides."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from subspacelens_tui.cli.analysis import open_session, say_losses, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import QUICK_PERMUTATIONS, SETTINGS
from subspacelens_tui.options.common import JSON
from subspacelens_tui.options.option import Option

if TYPE_CHECKING:
    from subspacelens_tui.analysis.analyzer import Analyzer
    from subspacelens_tui.analysis.result import Result


def run(arguments: argparse.Namespace) -> int:
    """B minus A, metric by metric, with its error."""
    from subspacelens_tui.analysis.analyzer import Analyzer
    from subspacelens_tui.analysis.compare import compare, side_settings, split_side, with_cka
    from subspacelens_tui.analysis.deferred import with_deferred_errors
    from subspacelens_tui.analysis.output import print_comparison

    sides: list[Result] = []
    analyzers: list[Analyzer] = []
    for side in (arguments.a, arguments.b):
        name, changes = split_side(side)
        settings = side_settings(settings_of(arguments, permutations=QUICK_PERMUTATIONS), changes)
        with progress() as say:
            session = open_session(arguments, name, say_notes=not sides)
            analyzers.append(Analyzer(session))
            side_result = analyzers[-1].result(settings, progress=say)
            sides.append(with_deferred_errors(analyzers[-1], side_result, progress=say))
    found = compare(*sides)
    if sides[0].settings.wants("cka"):
        found = with_cka(found, *analyzers)
    print_comparison((arguments.a, arguments.b), found, as_json=arguments.json)
    say_losses([line for result in sides for line in result.losses])
    return 0


COMMAND = Command(
    "compare",
    "print the difference between two sides",
    run,
    (
        *(Option(side, side.upper(), "SESSION, or SESSION@branch=uncond,step=5,…") for side in "ab"),
        *SETTINGS,
        JSON,
    ),
    order=80,
)
