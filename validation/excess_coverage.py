"""Coverage of the 95 % jackknife interval of an excess over permuted labels, as `coverage` has of rates."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from subspacelens_tui.analysis import Analyzer, LayerResult, Settings
from subspacelens_tui.analysis.settings import ErrorsBy
from subspacelens_tui.analysis.uncertainty.jackknife import combined_error, error_bar
from validation.coverage import SCENARIOS, Numbers, sessions
from validation.markdown import percent, table

WIDTHS = (48, 192)
# The same in every data set, as with any two recordings of one plan.
PERMUTATIONS = 20
# Of both kinds together there is each kind as well.
TESTS: tuple[tuple[str, ErrorsBy], ...] = (("coarse", "image"), ("coarse", "seed+subject"), ("fine", "seed"))
TRUTH = 2


def run(data_sets: int = 2000) -> dict[str, Any]:
    """Coverage for every scenario, width, labels and kind of jackknife."""
    return {
        "data_sets": data_sets,
        "truth": TRUTH * data_sets,
        "permutations": PERMUTATIONS,
        "rows": [
            row
            for number in range(len(SCENARIOS))
            for width in WIDTHS
            for row in _rows(number, width, data_sets)
        ],
    }


def _settings(labels: str, errors: ErrorsBy | None = None) -> Settings:
    return Settings(
        labels=labels, errors=errors, permutations=PERMUTATIONS, overlap_permutations=0, quick=True
    )


def _rows(number: int, width: int, data_sets: int) -> Iterator[dict[str, Any]]:
    bars: dict[tuple[str, str], list[Numbers]] = {}
    values: dict[str, list[float]] = {labels: [] for labels, _ in TESTS}
    for analyzer in sessions(number, width, data_sets):
        for labels, by in TESTS:
            for layer in _layers(analyzer, labels, by):
                for kinds, bar in _error_bars(layer, by):
                    bars.setdefault((labels, kinds), []).append(bar)
    for analyzer in sessions(number, width, TRUTH * data_sets, first=data_sets):
        for labels, found in values.items():
            found += [_excess(layer) for layer in _layers(analyzer, labels)]
    for (labels, by), found_bars in bars.items():
        yield {
            "data": SCENARIOS[number].name,
            "width": width,
            "labels": labels,
            "by": by,
            **_summary(np.stack(found_bars), np.asarray(values[labels])),
        }


def _layers(analyzer: Analyzer, labels: str, by: ErrorsBy | None = None) -> tuple[LayerResult, ...]:
    return analyzer.result(_settings(labels, by)).layers


def _excess(layer: LayerResult) -> float:
    assert layer.null is not None
    return layer.null.excess


def _error_bars(layer: LayerResult, by: ErrorsBy) -> Iterator[tuple[str, Numbers]]:
    """For each kind left out, and all together: s.e., low, high, s.e. without strata, and that of ΔR."""
    excess, rate = layer.errors["excess"], layer.errors["delta_R"].left_out
    kinds = by.split("+")
    every = {kind: [place] for place, kind in enumerate(kinds)} | {by: list(range(len(kinds)))}
    for name, places in every.items():
        left_out, strata = ([of[place] for place in places] for of in (excess.left_out, excess.strata))
        bar = error_bar(_excess(layer), left_out, strata)
        (one_mean, _), (of_rate, _) = combined_error(left_out), combined_error([rate[at] for at in places])
        yield name, np.array([bar.standard_error, bar.low, bar.high, one_mean, of_rate])


def _summary(bars: Numbers, values: Numbers) -> dict[str, Any]:
    """Coverage and mean standard errors of `bars` (n, 5), given `values` (m,) of other data."""
    expected, spread = float(values.mean()), float(values.std(ddof=1))
    covered = int(((bars[:, 1] <= expected) & (expected <= bars[:, 2])).sum())
    return {
        "expected": expected,
        "spread": spread,
        "covered": covered,
        "error_over_spread": float(bars[:, 0].mean()) / spread,
        "error_without_strata_over_spread": float(bars[:, 3].mean()) / spread,
        "error_of_rate_over_spread": float(bars[:, 4].mean()) / spread,
    }


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    headings = [
        *("data", "labels", "left out"),
        *(
            f"d = {width}, {what}"
            for width in WIDTHS
            for what in ("covered", "s.e. ÷ true", "from one mean", "of ΔR")
        ),
    ]
    by_case: dict[tuple[str, str, str], list[str]] = {}
    for row in result["rows"]:
        by_case.setdefault((row["data"], row["labels"], row["by"]), []).extend(
            (
                percent(row["covered"], result["data_sets"]),
                f"{row['error_over_spread']:.2f}",
                f"{row['error_without_strata_over_spread']:.2f}",
                f"{row['error_of_rate_over_spread']:.2f}",
            )
        )
    cases = sorted(by_case.items(), key=lambda case: case[0][1])
    return {
        **{name: str(result[name]) for name in ("data_sets", "truth", "permutations")},
        "table": table(headings, [[*case, *cells] for case, cells in cases]),
    }
