"""A sweep, as a table of configurations by layers and as JSON."""

import math
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import PlainTable, console, number, print_json
from subspacelens_tui.analysis.sweep import Sweep
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import step_name


def print_sweep(sweep: Sweep, as_json: bool) -> None:
    """Print a sweep on stdout."""
    if as_json:
        print_json(_json(sweep))
        return
    out = console()
    out.print(Text(f"{sweep.figure}: ▲ the most prominent maximum between the ends, ▼ the same minimum"))
    headers = ["guidance", "step", *(f"L{layer}" for layer in range(sweep.values.shape[1]))]
    rows = []
    for index, row in enumerate(sweep.rows):
        marks = {sweep.dips[index]: "▼", sweep.peaks[index]: "▲"}
        cells = [
            number(None if math.isnan(value) else value) + marks.get(layer, " ")
            for layer, value in enumerate(sweep.values[index].tolist())
        ]
        rows.append([f"{row.guidance:g}", step_name(row.step, sweep.timesteps[index]), *cells])
    out.print(PlainTable(headers, rows))
    for note in sweep.notes:
        out.print(Text(plain(note)))


def _json(sweep: Sweep) -> dict[str, Any]:
    return {
        "figure": sweep.figure,
        "rows": [
            {
                "guidance": row.guidance,
                "step": row.step,
                "timestep": timestep,
                "branch": row.branch,
                "values": [None if math.isnan(value) else value for value in values],
                "peak": peak,
                "dip": dip,
            }
            for row, timestep, values, peak, dip in zip(
                sweep.rows, sweep.timesteps, sweep.values.tolist(), sweep.peaks, sweep.dips, strict=True
            )
        ],
        "notes": list(sweep.notes),
    }
