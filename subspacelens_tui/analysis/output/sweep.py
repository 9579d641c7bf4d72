"""A sweep, as a table of configurations by layers and as JSON."""

import math
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.output.console import PlainTable, console, number, print_json
from subspacelens_tui.analysis.sweep import Sweep
from subspacelens_tui.analysis.uncertainty.multiple_tests import MultipleTests, tests_json
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import step_name


def print_sweep(sweep: Sweep, as_json: bool) -> None:
    """Print a sweep on stdout."""
    if as_json:
        print_json(_json(sweep))
        return
    out = console()
    out.print(
        Text(
            f"{sweep.metric}: ▲ the most prominent maximum between the ends, ▼ the same minimum, beyond noise"
        )
    )
    headers = ["guidance", "step", *(f"L{number}" for number in sweep.numbers)]
    rows, passes = [], sweep.passes
    for index, row in enumerate(sweep.rows):
        marks = {sweep.dips[index]: "▼", sweep.peaks[index]: "▲"}
        cells = [
            number(None if math.isnan(value) else value)
            + marks.get(layer, " ")
            + " *"[int(passes[index, layer])]
            for layer, value in enumerate(sweep.values[index].tolist())
        ]
        rows.append([f"{row.guidance:g}", step_name(row.step, sweep.timesteps[index]), *cells])
    out.print(PlainTable(headers, rows))
    if sweep.tests is not None:
        out.print(Text(f"* {sweep.tests.words('layers and configurations')}"))
    for note in sweep.notes:
        out.print(Text(plain(note)))


def _tests(tests: MultipleTests) -> dict[str, Any]:
    return {"multiple_tests": tests_json() | {"over": "layers and configurations", "count": tests.count}}


def _json(sweep: Sweep) -> dict[str, Any]:
    return {
        "figure": sweep.metric,
        "rows": [
            {
                "guidance": row.guidance,
                "step": row.step,
                "timestep": timestep,
                "branch": row.branch,
                "values": [None if math.isnan(value) else value for value in values],
                "peak": peak,
                "dip": dip,
                **({} if sweep.tests is None else {"passes": passes}),
            }
            for row, timestep, values, peak, dip, passes in zip(
                sweep.rows,
                sweep.timesteps,
                sweep.values.tolist(),
                sweep.peaks,
                sweep.dips,
                sweep.passes.tolist(),
                strict=True,
            )
        ],
        **(_tests(sweep.tests) if sweep.tests is not None else {}),
        "notes": list(sweep.notes),
    }
