"""How often the 95 % jackknife interval holds the expected metric, against its Monte-Carlo value.

Data sets are the layers of sessions: unlike permutation nulls, the error bars of two layers share nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis import Analyzer, LayerResult, Settings
from subspacelens_tui.analysis.settings import ErrorsBy
from validation.markdown import percent, table
from validation.planted_sessions import Effects, Layout, analyzer_of

LAYOUT = Layout()
WIDTHS = (48, 192)
RATES = ("R", "Rc", "delta_R", "ratio")
HEADINGS = ("R", "Rc", "ΔR", "Rc/R")  # of RATES
# Data sets in one session.
LAYERS = 50
# Data sets behind the expected metric for each one behind the coverage.
TRUTH = 2


@dataclass(frozen=True)
class Scenario:
    """A law of data: `fixed` effects are the same in all data sets, `fresh` ones are drawn for each."""

    name: str
    fixed: Effects
    fresh: Effects


SCENARIOS = (
    Scenario("independent images", Effects(category=0.5), Effects()),
    Scenario("seed effect 0.5", Effects(category=0.5, subject=0.5), Effects(seed=0.5)),
    Scenario("subject effect 0.5", Effects(category=0.5), Effects(subject=0.5)),
    Scenario("both effects 0.5", Effects(category=0.5), Effects(subject=0.5, seed=0.5)),
)
TESTS: tuple[tuple[str, ErrorsBy], ...] = (
    ("coarse", "image"),
    ("coarse", "seed"),
    ("coarse", "subject"),
    ("fine", "image"),
    ("fine", "seed"),
)

Numbers = npt.NDArray[np.float64]


def run(data_sets: int = 2000) -> dict[str, Any]:
    """Coverage and standard errors for every scenario, width, labels and kind of jackknife."""
    return {
        "data_sets": data_sets,
        "truth": TRUTH * data_sets,
        "layout": asdict(LAYOUT),
        "images": LAYOUT.images,
        "rows": [
            row
            for number in range(len(SCENARIOS))
            for width in WIDTHS
            for row in _rows(number, width, data_sets)
        ],
    }


def _rows(number: int, width: int, data_sets: int) -> Iterator[dict[str, Any]]:
    bars: dict[tuple[str, str], list[Numbers]] = {test: [] for test in TESTS}
    values: dict[str, list[Numbers]] = {labels: [] for labels, _ in TESTS}
    for analyzer in sessions(number, width, data_sets):
        for labels, by in TESTS:
            result = analyzer.result(Settings(labels=labels, errors=by))
            bars[labels, by] += [error_bars(layer, RATES) for layer in result.layers]
    for analyzer in sessions(number, width, TRUTH * data_sets, first=data_sets):
        for labels, found in values.items():
            result = analyzer.result(Settings(labels=labels))
            found += [np.array([getattr(layer, rate) for rate in RATES]) for layer in result.layers]
    stacked: dict[tuple[str, str], Numbers] = {test: np.stack(found) for test, found in bars.items()}
    stacked["coarse", "seed + subject"] = _combined(stacked["coarse", "seed"], stacked["coarse", "subject"])
    for (labels, left_out), intervals in stacked.items():
        yield {
            "data": SCENARIOS[number].name,
            "width": width,
            "labels": labels,
            "by": left_out,
            **_summary(intervals, np.stack(values[labels])),
        }


def sessions(number: int, width: int, data_sets: int, first: int = 0) -> Iterator[Analyzer]:
    """Sessions that hold so many data sets of one law; another `first` gives other ones."""
    scenario = SCENARIOS[number]
    fixed = scenario.fixed.shared(LAYOUT, width, np.random.default_rng([number, width]))
    for start in range(first, first + data_sets, LAYERS):
        rng = np.random.default_rng([number, width, start])
        layers = [scenario.fresh.draw(LAYOUT, width, rng, fixed) for _ in range(LAYERS)]
        with analyzer_of(LAYOUT, layers) as analyzer:
            yield analyzer


def error_bars(layer: LayerResult, metrics: Iterable[str]) -> Numbers:
    """Standard error, low and high of each metric: (metrics, 3)."""
    bars = [layer.errors[metric] for metric in metrics]
    return np.array([(bar.standard_error, bar.low, bar.high) for bar in bars])


def _combined(first: Numbers, second: Numbers) -> Numbers:
    """Error bars (n, rates, 3) whose standard errors and half-widths are the roots of the sums of squares."""
    value = first[:, :, 1:].mean(axis=2)
    half = np.hypot(*((bars[:, :, 2] - bars[:, :, 1]) / 2 for bars in (first, second)))
    return np.stack([np.hypot(first[:, :, 0], second[:, :, 0]), value - half, value + half], axis=2)


def _summary(bars: Numbers, values: Numbers) -> dict[str, Any]:
    """Coverage and mean standard error of `bars` (n, rates, 3), given `values` (m, rates) of other data."""
    expected, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    covered = ((bars[:, :, 1] <= expected) & (expected <= bars[:, :, 2])).sum(axis=0)
    error = bars[:, :, 0].mean(axis=0) / spread
    return {
        "expected": dict(zip(RATES, expected.tolist(), strict=True)),
        "spread": dict(zip(RATES, spread.tolist(), strict=True)),
        "covered": dict(zip(RATES, covered.tolist(), strict=True)),
        "error_over_spread": dict(zip(RATES, error.tolist(), strict=True)),
    }


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    rows = sorted(result["rows"], key=lambda row: str(row["labels"]))
    headings = ["data", "labels", "left out", *HEADINGS, "s.e. of ΔR ÷ true", "s.e. of Rc/R ÷ true"]
    tables = {
        f"at_{width}": table(
            headings,
            [_cells(row, result["data_sets"]) for row in rows if row["width"] == width],
        )
        for width in WIDTHS
    }
    return {**{name: str(result[name]) for name in ("data_sets", "truth", "images")}, **tables}


def _cells(row: dict[str, Any], data_sets: int) -> list[str]:
    return [
        *(row[name] for name in ("data", "labels", "by")),
        *(percent(row["covered"][rate], data_sets) for rate in RATES),
        *(f"{row['error_over_spread'][rate]:.2f}" for rate in ("delta_R", "ratio")),
    ]
