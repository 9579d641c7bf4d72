"""Write the metrics of a session to files."""

from __future__ import annotations

import argparse
from pathlib import Path

from subspacelens_tui.cli.analysis import open_session, say_losses, say_problems, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import EPS, FEATURES, evidence
from subspacelens_tui.options.common import SESSION
from subspacelens_tui.options.option import Option, path
from subspacelens_tui.standard_streams import print_path


def run(arguments: argparse.Namespace) -> int:
    """Every label scheme, branch, captured step and guidance scale."""
    from subspacelens_tui.analysis.output import export, parse_formats

    formats = parse_formats(arguments.format)
    session = open_session(arguments, arguments.session)
    say_problems(session)
    losses: list[str] = []
    with progress() as say:
        paths = export(session, Path(arguments.to), settings_of(arguments), formats, say, losses.append)
    say_losses(losses)
    for written in paths:
        print_path(written)
    return 0


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
        EPS,
        FEATURES,
        *evidence(permutations=200),
    ),
    order=90,
)
