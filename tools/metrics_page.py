"""Write docs/metrics.md from the declarations of the metrics: `python -m tools.metrics_page`.

`--check` says whether the page is what it would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from subspacelens_tui.analysis.metrics import METRICS, Cost, Metric, Shape
from subspacelens_tui.analysis.quantities import glossary
from subspacelens_tui.analysis.statistics.base import LayerStatistics
from subspacelens_tui.analysis.statistics.scatter import ScatterLayer
from subspacelens_tui.analysis.statistics.tokens import TokenLayer
from tools.pages import escaped, write_or_check

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
INTRODUCTION = """\
# Metrics: reference and glossary

Written by `python -m tools.metrics_page` from the declarations in `subspacelens_tui/analysis/metrics/`; a
test holds it to them. [reading-metrics.md](reading-metrics.md) explains how to read metrics,
[extending.md](extending.md) how to add one.

Z is (d, N): a column for each image, the token mean of a block's output. Class k has Nₖ images. λ are
the eigenvalues of ZᵀZ, σ their square roots. ε is not squared (the MCR², ReduNet and CRATE code bases call ε²
`eps`). r is the dimension of the class subspaces (`--subspace-dim`). "key" is the name in JSON, in tables
on disk and in Python; "short" the one on screens and in the text report.

In the metrics of a block's update, Z is the block's input (for the first block, what the recorder kept of it),
Z′ its output and Δ = Z′ − Z, all centred whatever the transform.

A metric with a null also has values relative to it, under their own names: `KEY.excess` (value minus the mean
of the null, which is of permuted labels unless the entry says otherwise), `KEY.z` (the excess in standard
deviations of the null), `KEY.p` ((1 + #{permuted at least as extreme})/(1 + permutations), one-sided), and
`KEY.null_mean`, `KEY.null_std`, `KEY.null_low`, `KEY.null_high` (mean, standard deviation, 2.5 % and 97.5 %
quantiles). `analyze --sweep` takes a metric's key or one of these names. Without a key they refer to ΔR:
`excess` is `delta_R.excess`.
"""
_KINDS: dict[str, type[LayerStatistics]] = {"`--every-image`": ScatterLayer, "`--tokens`": TokenLayer}


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_families(), *_glossary()])


def _families() -> Iterator[str]:
    for family, metrics in METRICS.families().items():
        yield f"## {family.title}\n"
        for metric in metrics:
            yield f"### {metric.label}\n"
            yield f"{metric.about}\n"
            yield "| | |\n|---|---|"
            for name, value in _rows(metric):
                yield f"| {name} | {escaped(value)} |"
            yield ""


def _rows(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "key, short", f"`{metric.key}`, {metric.short}"
    yield "definition", metric.formula
    if metric.unit:
        yield "unit", metric.unit
    if metric.source:
        yield "source", metric.source
    if metric.relations:
        yield "elsewhere", metric.relations
    if metric.shape is not Shape.SCALAR:
        yield "value", metric.shape.value + f" ({', '.join(metric.columns)})" * bool(metric.columns)
    yield "null", _null(metric)
    yield "error", _error(metric)
    yield "computed", metric.cost.value
    for kind, statistics in _KINDS.items():
        reasons = [statistics.lacks[need] for need in metric.needs if need in statistics.lacks]
        if reasons:
            yield f"not with {kind}", reasons[0]


def _null(metric: Metric) -> str:
    if metric.null is None:
        return metric.no_null
    tail = "both tails count" if metric.null == "either" else f"{metric.null} values mean more structure"
    return f"{metric.null_by}; {tail}"


def _error(metric: Metric) -> str:
    if metric.error is None:
        return metric.no_error
    return "jackknife" if metric.error is Cost.FIRST else f"jackknife, {Cost.DEFERRED.value}"


def _glossary() -> Iterator[str]:
    yield "## Abbreviations\n"
    yield "| short | |\n|---|---|"
    for short, label in sorted(glossary().items(), key=lambda item: item[0].lower()):
        yield f"| {short} | {label} |"
    yield ""


def main() -> int:
    """Write the page, or check it."""
    return write_or_check(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
