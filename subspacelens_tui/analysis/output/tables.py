"""Summary tables, as text and as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.tables import Tables
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar
from subspacelens_tui.geometry import NullSummary
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import step_name


def print_tables(tables: Tables, as_json: bool) -> None:
    """Print the tables on stdout."""
    if as_json:
        print_json(tables_json(tables))
        return
    for title, name, headers, rows in _parts(tables):
        out = console()
        out.print(Text(f"\n{title}", style="bold"))
        if name in tables.missing:
            out.print(Text(plain(tables.missing[name])))
        else:
            out.print(PlainTable(headers, rows))
    said = f"{INTERVAL} is half the 95 % confidence interval, by the jackknife over what the images share"
    for line in (tables.moves, said, *tables.notes):
        console().print(Text(plain(line)))


def _parts(tables: Tables) -> Iterable[tuple[str, str, list[str], list[list[str]]]]:
    yield (
        "Rc/R at the first, middle and last layer recorded",
        "ratio",
        ["labels", "design", "layer", "Rc/R", INTERVAL, "null", "excess", INTERVAL, "p"],
        [
            [
                plain(row.labels),
                row.design,
                str(row.layer),
                number(row.ratio),
                _error(row.error),
                *_null(row.null)[:2],
                _error(row.excess_error),
                _null(row.null)[2],
            ]
            for row in tables.ratio
        ],
    )
    yield (
        "ΔR of the conditional and the unconditional branch (nats)",
        "branches",
        ["layer", "cond", "uncond", "uncond - cond", INTERVAL],
        [
            [
                str(row.layer),
                *(number(v) for v in (row.delta_R.a, row.delta_R.b, row.delta_R.difference)),
                number(row.delta_R.half_width),
            ]
            for row in tables.branches
        ],
    )
    yield (
        "ΔR of the finest labels, against random labels of the same sizes inside each coarse class (nats)",
        "equal_size",
        ["layer", "fine", "null", "excess", "p"],
        [[str(row.layer), number(row.fine), *_null(row.null)] for row in tables.equal_size],
    )
    yield (
        "The layer of least overlap at each captured step",
        "separation",
        ["step", "layer", "or", "overlap", "null", "excess", "p"],
        [
            [
                step_name(row.step, row.timestep),
                "–" if row.layer is None else str(row.layer),
                ranges([layer for layer in row.candidates if layer != row.layer]),
                number(row.overlap),
                *_null(row.null),
            ]
            for row in tables.separation
        ],
    )


def _error(error: ErrorBar | None) -> str:
    return number(error.half_width if error else None)


def _null(null: NullSummary | None) -> list[str]:
    return [number(value) for value in ((null.mean, null.excess, null.p) if null else (None, None, None))]


def tables_json(tables: Tables) -> dict[str, Any]:
    """The tables as one object."""
    content = asdict(tables)
    del content["losses"]  # they are among the notes
    for row in content["ratio"]:
        for error in (row["error"], row["excess_error"]):
            if error:
                # One value for each image is no part of a table.
                del error["left_out"], error["strata"]
    return content
