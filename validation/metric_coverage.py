"""Coverage of the 95 % jackknife intervals of ranks, overlap and sparsity, as `coverage` has of rates."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis import Settings
from subspacelens_tui.analysis.settings import ErrorsBy
from validation.coverage import SCENARIOS, Numbers, error_bars, sessions
from validation.markdown import percent, table

METRICS = {
    "effective_rank": "effective rank",
    "participation_ratio_unbiased": "PR, unbiased",
    "stable_rank": "stable rank",
    "overlap_mean": "overlap",
    "explained_mean": "explained",
    "hoyer": "Hoyer",
}
# N < d, as in the article.
WIDTH = 192
TESTS: tuple[ErrorsBy, ...] = ("image", "seed", "subject", "seed+subject")


def run(data_sets: int = 100) -> dict[str, Any]:
    """Coverage for every scenario and kind of jackknife, coarse labels."""
    return {
        "data_sets": data_sets,
        "truth": 4 * data_sets,
        "rows": [row for number in range(len(SCENARIOS)) for row in _rows(number, data_sets)],
    }


def _rows(number: int, data_sets: int) -> list[dict[str, Any]]:
    bars: dict[str, list[Numbers]] = {by: [] for by in TESTS}
    for analyzer in sessions(number, WIDTH, data_sets):
        for by in TESTS:
            result = analyzer.result(Settings(errors=by, thorough=True))
            bars[by] += [error_bars(layer, METRICS) for layer in result.layers]
    values = [
        np.array([getattr(layer, metric) for metric in METRICS])
        for analyzer in sessions(number, WIDTH, 4 * data_sets, first=data_sets)
        for layer in analyzer.result(Settings()).layers
    ]
    expected, spread = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
    return [
        {
            "data": SCENARIOS[number].name,
            "by": by,
            **_summary(np.stack(found), expected, spread),
        }
        for by, found in bars.items()
    ]


def _summary(bars: Numbers, expected: Numbers, spread: Numbers) -> dict[str, Any]:
    covered = ((bars[:, :, 1] <= expected) & (expected <= bars[:, :, 2])).sum(axis=0)
    error = bars[:, :, 0].mean(axis=0) / spread
    return {
        "covered": dict(zip(METRICS, covered.tolist(), strict=True)),
        "error_over_spread": dict(zip(METRICS, error.tolist(), strict=True)),
    }


def texts(result: dict[str, Any]) -> dict[str, str]:
    """What docs/validation.md shows of it."""
    headings = ["data", "left out", *METRICS.values()]
    rows = [_cells(row, result["data_sets"]) for row in result["rows"]]
    return {
        **{name: str(result[name]) for name in ("data_sets", "truth")},
        "width": str(WIDTH),
        "table": table(headings, rows),
    }


def _cells(row: dict[str, Any], data_sets: int) -> list[str]:
    return [
        row["data"],
        row["by"],
        *(
            f"{percent(row['covered'][metric], data_sets)}; {row['error_over_spread'][metric]:.2f}"
            for metric in METRICS
        ),
    ]
