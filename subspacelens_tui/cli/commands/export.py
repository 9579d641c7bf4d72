"""Write the metrics of a session to files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from subspacelens_tui.cli.analysis import open_session, say_losses, say_problems, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import EPS, FEATURES, evidence
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import Option, numbers, path, switch, words
from subspacelens_tui.standard_streams import print_path


def run(arguments: argparse.Namespace) -> int:
    """Every label scheme, branch, captured step and guidance scale, or some."""
    from subspacelens_tui.analysis.output import Part, export, parse_formats

    formats = parse_formats(arguments.format)
    session = open_session(arguments, arguments.session)
    say_problems(session)
    losses: list[str] = []
    with progress() as say:
        paths = export(
            session,
            Path(arguments.to),
            settings_of(arguments),
            formats,
            say,
            losses.append,
            Part(**{option.name.removeprefix("only_"): getattr(arguments, option.name) for option in PART}),
            arguments.force,
        )
    say_losses(losses)
    for written in paths:
        print_path(written)
    return 0


def _tuple(kind: type[int] | type[float]) -> Callable[[str], tuple[float, ...]]:
    parse = numbers(kind)
    return lambda text: tuple(parse(text))


PART = (
    Option(
        "--metric",
        "KEY[,…]",
        "only these metrics, or `lenses` of tokens (default: all metrics)",
        words,
        dest="only_metrics",
        more="keys from [metrics.md](metrics.md); `excess`, `KEY.z`, … are plotted as named, and select their "
        "metric in tables; `lenses` are those of [sparse.md](sparse.md), computed only on request because they "
        "take a second or more per layer",
    ),
    Option("--labels", "SCHEME[,…]", "only these label schemes (default: all)", words, dest="only_labels"),
    Option("--branch", "BRANCH[,…]", "only these branches (default: all)", words, dest="only_branches"),
    Option("--step", "S[,…]", "only these captured steps (default: all)", _tuple(int), dest="only_steps"),
    Option(
        "--guidance",
        "G[,…]",
        "only these scales (default: all)",
        _tuple(float),
        dest="only_guidance",
    ),
)

COMMAND = Command(
    "export",
    "write the metrics to files",
    run,
    (
        SESSION,
        Option("--to", "DIR", "folder for the files", path, required=True),
        Option(
            "--format",
            "F[,F…]",
            "csv, json, parquet, svg and png, or all (default: %(default)s)",
            default="csv,json",
        ),
        *PART,
        switch("--force", "overwrite existing files"),
        EPS,
        FEATURES,
        *evidence(permutations=200),
    ),
    order=90,
)
