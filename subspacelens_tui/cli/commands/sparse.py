"""Print what it takes to code the tokens of a session as one Gaussian, by class or by learned subspaces."""

from __future__ import annotations

import argparse
import functools

from subspacelens_tui.cli.analysis import open_session, say_losses, settings_of
from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.program import UsageError
from subspacelens_tui.cli.progress import progress
from subspacelens_tui.options.analysis import LABELS_FILE, SELECTION
from subspacelens_tui.options.common import JSON, SESSION
from subspacelens_tui.options.option import Option, layer_numbers, path, switch

_TAKEN = ("--labels", "--branch", "--step", "--guidance")
_TO = Option("--to", "FILE", "also write a row for each layer and lens: .csv, .json or .parquet", path)


def run(arguments: argparse.Namespace) -> int:
    """As text or JSON, and to a file where one is named."""
    from pathlib import Path

    from subspacelens_tui.analysis.output import TABLE_FORMATS, print_sparse, write_table
    from subspacelens_tui.analysis.output.files import need, refuse_existing
    from subspacelens_tui.analysis.output.sparse import sparse_rows
    from subspacelens_tui.analysis.sparse_results import sparse_comparison

    table = None if arguments.to is None else Path(arguments.to)
    if table is not None:
        if (kind := table.suffix.removeprefix(".")) not in TABLE_FORMATS:
            raise UsageError(f"a table is .csv, .json or .parquet, not {table.name!r}")
        need(kind)
        refuse_existing([table])
    session = open_session(arguments, arguments.session)
    with progress() as say:
        found = sparse_comparison(
            session,
            settings_of(arguments),
            arguments.distortion,
            arguments.layers,
            functools.partial(say, "layers"),
        )
    print_sparse(session, found, arguments.json, arguments.bits)
    if table is not None:
        write_table(table, sparse_rows(session, found, arguments.bits))
    say_losses(found.losses)
    return 0


COMMAND = Command(
    "sparse",
    "print what tokens take as one Gaussian, by class and by learned subspaces",
    run,
    (
        SESSION,
        Option("--layers", "A-B[,…]", "only these layers (default: all)", layer_numbers),
        Option(
            "--distortion",
            "D",
            "compare rates at this squared error, a share of the variance (default: %(default)s)",
            float,
            0.1,
            more="rates are of held-out tokens, see [sparse.md](sparse.md)",
        ),
        switch("--bits", "rates in bits (default: nats)"),
        *(option for option in SELECTION if option.flag in _TAKEN),
        Option(
            "--seed", "N", "random seed for held-out images, permuted classes and starts (default: 0)", int
        ),
        LABELS_FILE,
        _TO,
        JSON,
    ),
    order=75,
)
