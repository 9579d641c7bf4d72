"""The two bundled models and their controls: `python -m validation.two_architectures SESSIONS`.

Records what is not in the folder yet, draws the figures of docs/two-architectures.md and writes its tables.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.deferred import with_deferred_errors
from subspacelens_tui.analysis.output import curve_plot, write_plot
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.relative_depth import at_same_depth
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.sessions import open_session
from validation.markdown import table

SEEDS = 4
PERMUTATIONS = 199
RATE = 20.0
"""Of every layer in nats, by its ε, where rates are compared: they grow with the width."""

MODELS: dict[str, tuple[str, ...]] = {
    "pixart": ("--model", "demo"),
    "mmdit": ("--model", "demo-mmdit"),
    "pixart-control": ("--model", "demo", "--random-init"),
    "mmdit-control": ("--model", "demo-mmdit", "--random-init"),
}
STEPS = {"pixart": 19, "mmdit": 15}
"""Captured steps of like noise, 0.18 and 0.27 of the signal; the last of a flow has next to none."""
PAGE = Path("docs/two-architectures.md")
FIGURES = Path("docs/two-architectures")
DEPTHS = (0, 4, 9)
"""Layers of the shallower model whose values stand in the tables: first, middle, last."""


@dataclass(frozen=True)
class Drawn:
    """A figure: one quantity under some settings."""

    name: str
    key: str
    settings: Settings


_BASE = Settings(labels="coarse", permutations=PERMUTATIONS, overlap_permutations=50, errors="auto")
_ISO = Settings(
    labels="coarse", permutations=PERMUTATIONS, overlap_permutations=0, errors="auto", iso_rate=RATE
)
DRAWN = (
    Drawn("excess-equal-rate", "excess", _ISO),
    Drawn("ratio", "ratio.excess", _BASE),
    Drawn("overlap", "overlap_mean", _BASE),
    Drawn("effective-rank", "effective_rank", _BASE),
)


def main() -> None:
    """Record, draw, write."""
    parser = argparse.ArgumentParser(prog="python -m validation.two_architectures", description=__doc__)
    parser.add_argument("sessions", type=Path, help="folder of the four sessions")
    folder = parser.parse_args().sessions
    for name, options in MODELS.items():
        if not (folder / name).exists():
            record(folder, name, options)
    with threadpool_limits(1):
        analyzers = {name: Analyzer(open_session(folder / name)) for name in MODELS}
        found = {drawn: results(analyzers, drawn.settings) for drawn in DRAWN}
    for drawn, of in found.items():
        plot = curve_plot(drawn.name, list(of.values()), drawn.key, list(of))
        write_plot(plot, FIGURES, formats=("png",), data=())
    write_tables(found)


def record(folder: Path, name: str, options: Sequence[str]) -> None:
    """A session by the command line."""
    size = ["--seeds", str(SEEDS), "--device", "cpu", "--sessions", str(folder), "--name", name]
    command = [sys.executable, "-m", "subspacelens_tui", "record", "--headless", *size, *options]
    subprocess.run(command, check=True)


def results(analyzers: Mapping[str, Analyzer], settings: Settings) -> dict[str, Result]:
    """Of each model at its step."""
    found = {}
    for name, analyzer in analyzers.items():
        asked = replace(settings, step=STEPS[name.removesuffix("-control")])
        found[name] = with_deferred_errors(analyzer, analyzer.result(asked))
    return found


def write_tables(found: Mapping[Drawn, Mapping[str, Result]]) -> None:
    """Put the tables between their marks in the page, and all numbers beside the figures."""
    text = PAGE.read_text(encoding="utf-8")
    for drawn, of in found.items():
        before, _, rest = text.partition(f"<!-- {drawn.name} -->\n")
        _, _, after = rest.partition("<!-- end -->\n")
        text = f"{before}<!-- {drawn.name} -->\n\n{_table(drawn.key, of)}\n\n<!-- end -->\n{after}"
    PAGE.write_text(text, encoding="utf-8")


def _table(key: str, of: Mapping[str, Result]) -> str:
    headings = ["", *("first", "middle", "last"), "layers that pass"]
    return table(headings, ([name, *_cells(key, result)] for name, result in of.items()))


def _cells(key: str, result: Result) -> Iterable[str]:
    asked, layers = quantity(key), len(result.layers)
    for depth in DEPTHS:
        layer = result.layers[at_same_depth(depth, max(DEPTHS) + 1, layers)]
        value, (low, high) = asked.value(layer), asked.error_band(layer)
        between = "" if low is None else f" [{low:.2g}, {high:.2g}]"
        yield f"L{layer.layer}: {value:.3g}{between}"
    tests = result.tests(asked.metric.key)
    yield f"{sum(tests.survive)} of {tests.count}" if tests.count else "–"


if __name__ == "__main__":
    main()
