"""Print the metrics of every layer of a session."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from subspacelens_tui.cli.analysis import open_session, say_losses, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import QUICK_PERMUTATIONS, SETTINGS
from subspacelens_tui.options.common import JSON, SESSION
from subspacelens_tui.options.option import Group, Option, switch

if TYPE_CHECKING:
    from subspacelens_tui.sessions import Session


def run(arguments: argparse.Namespace) -> int:
    """As text or JSON, in the way that was asked for."""
    from subspacelens_tui.analysis import Analyzer
    from subspacelens_tui.analysis.class_pairs import pairs
    from subspacelens_tui.analysis.every_image import every_image_result
    from subspacelens_tui.analysis.output import (
        print_over_eps,
        print_pairs,
        print_result,
        print_sweep,
        print_tables,
        print_tokens,
    )
    from subspacelens_tui.analysis.over_eps import over_eps
    from subspacelens_tui.analysis.sweep import sweep
    from subspacelens_tui.analysis.tables import article_tables
    from subspacelens_tui.analysis.token_results import token_result

    session = open_session(arguments, arguments.session)
    # A permutation of tokens or of d × d matrices takes what hundreds of others take.
    quick = 0 if arguments.tokens or arguments.every_image else QUICK_PERMUTATIONS
    settings = settings_of(arguments, permutations=quick)
    analyzer, as_json = Analyzer(session), arguments.json
    if arguments.tables:
        with progress() as say:
            tables = article_tables(analyzer, settings, progress=say)
        print_tables(tables, as_json)
        say_losses(tables.losses)
    elif arguments.sweep:
        with progress() as say:
            swept = sweep(analyzer, settings, arguments.sweep, progress=say)
        _refuse_empty(session, swept.absent)
        print_sweep(swept, as_json)
        say_losses(swept.losses)
    elif arguments.pairs:
        with progress() as say:
            of_pairs = pairs(analyzer, settings, arguments.layer, progress=say)
        print_pairs(of_pairs, as_json)
        say_losses(of_pairs.losses)
    elif arguments.over_eps:
        with progress() as say:
            over = over_eps(analyzer, settings, arguments.layer, progress=say)
        print_over_eps(over, as_json)
        say_losses(over.of.losses)
    elif arguments.tokens:
        with progress() as say:
            tokens = token_result(session, settings, functools.partial(say, "layers"))
        _refuse_empty(session, tokens.result.absent)
        print_tokens(session, tokens, as_json)
        say_losses(tokens.result.losses)
    else:
        with progress() as say:
            if arguments.every_image:
                result = every_image_result(session, settings, progress=say)
            else:
                result = analyzer.result(settings, progress=say)
        _refuse_empty(session, result.absent)
        print_result(session, result, as_json)
        say_losses(result.losses)
    return 0


def _refuse_empty(session: Session, absent: str) -> None:
    """Say why there is nothing to print, rather than print a table without rows."""
    from subspacelens_tui.analysis.excluded_images import NoImagesError

    if absent:
        raise NoImagesError(f"{session.name}: {absent}")


_KIND = Group(exclusive=True)
COMMAND = Command(
    "analyze",
    "print the metrics of every layer",
    run,
    (
        SESSION,
        Option(
            "--sweep",
            "METRIC",
            "one metric at every guidance scale and step",
            group=_KIND,
            more="given by its key, or as a value relative to its null (`overlap_mean.z`, see "
            "[metrics.md](metrics.md)); peak and dip over the layers are marked if they stand out from the noise",
        ),
        switch(
            "--pairs",
            "the pairs of classes at --layer, the most overlapping first",
            more="each computed from the images of its two classes alone, with its own null and error",
            group=_KIND,
        ),
        switch(
            "--over-eps",
            "excess and z at --layer for ε from an eighth to eight times --eps",
            group=_KIND,
        ),
        switch(
            "--tables",
            "summary tables: Rc/R by depth, cond vs uncond, …",
            more="the depths are the first, middle and last block; also fine labels vs random ones of the "
            "same sizes, and the layer of smallest overlap at each step",
            group=_KIND,
        ),
        switch(
            "--tokens",
            "metrics of single tokens (for sessions recorded with --tokens)",
            more="with their parts within and between images: see [reading-metrics.md](reading-metrics.md)",
            group=_KIND,
        ),
        switch(
            "--every-image",
            "use every image exactly; only metrics computable from d × d matrices",
            group=_KIND,
        ),
        Option("--layer", "L", "the layer of --pairs and --over-eps (default: the last)", int),
        *SETTINGS,
        JSON,
    ),
    order=70,
)
