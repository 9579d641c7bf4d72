"""The error of a metric by the jackknife. Why no bootstrap: see `geometry.jackknife`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS, Cost, Family, Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import ErrorsBy
from subspacelens_tui.analysis.statistics.base import Codes, LayerStatistics
from subspacelens_tui.geometry import GeometryError, jackknife_error

Float64Array = npt.NDArray[np.float64]
Strata = Sequence[Codes | None]
"""For each kind left out the class of each group, as of `strata_of`; None for deviations from one mean."""


@dataclass(frozen=True)
class ErrorBar:
    """Jackknife standard error of a metric and its 95 % interval.

    Attributes:
        standard_error, low, high: in the unit of the metric.
        left_out: the metric without each image, seed or subject in turn; two of them where both are left out.
        strata: for each of these, the classes within which errors are pooled; empty for none.
    """

    standard_error: float
    low: float
    high: float
    left_out: tuple[Float64Array, ...] = field(compare=False, repr=False)
    strata: Strata = field(default=(), compare=False, repr=False)

    @property
    def half_width(self) -> float:
        """Of the interval: what ± stands for in tables and on screens."""
        return (self.high - self.low) / 2

    def to_json(self) -> dict[str, float]:
        """Without what was left out."""
        return {"standard_error": self.standard_error, "low": self.low, "high": self.high}


def error_bar(value: float, left_out: Sequence[Float64Array], strata: Strata = ()) -> ErrorBar:
    """The error bar of a metric from its values without each image or group; several kinds add in squares.

    Raises:
        GeometryError: if one of them is fewer than two values.
    """
    error, margin = combined_error(left_out, strata=strata)
    return ErrorBar(error, value - margin, value + margin, tuple(left_out), strata)


def combined_error(
    left_out: Sequence[Float64Array], level: float = 0.95, strata: Strata = ()
) -> tuple[float, float]:
    """Standard error, and half the width of the interval: each the root of the sum of squares."""
    within = strata or [None] * len(left_out)
    found = [jackknife_error(values, level, of) for values, of in zip(left_out, within, strict=True)]
    return tuple(float(np.sqrt(sum(part[i] ** 2 for part in found))) for i in (0, 1))  # type: ignore[return-value]


def add_errors(layer: Measured, by: ErrorsBy, wanted: Callable[[str], bool], watch: Watch) -> None:
    """Give every metric of a layer its error bar, or the reason why it has none.

    Args:
        layer: whose metrics are there.
        by: what is left out in turn; with both, the variances of the two add up (docs/metrics.md).
        wanted: of which metrics, by key, also the errors that are by recomputation; of others only where
            they are known already.
        watch: progress and cancellation.

    Raises:
        Cancelled: see `Watch`.
    """
    if layer.statistics.images < 2:
        return
    for family, metrics in METRICS.families().items():
        for cost in (Cost.FIRST, Cost.DEFERRED):
            able = [metric for metric in metrics if metric.error is cost and metric.key in layer.values]
            if cost is Cost.DEFERRED and not layer.statistics.knows(_key(able, layer, by)):
                able = [metric for metric in able if wanted(metric.key)]
            if able:
                _add(layer, family, able, by, watch)


def _key(metrics: Sequence[Metric], layer: Measured, by: ErrorsBy) -> tuple[object, ...]:
    """What the values without each group depend on beside ε."""
    return "left out", tuple(metric.key for metric in metrics), by, settings_of(metrics, layer)


def settings_of(metrics: Sequence[Metric], layer: Measured) -> tuple[object, ...]:
    """The values of those settings that some metrics depend on beside ε."""
    names = dict.fromkeys(name for metric in metrics for name in metric.depends_on)
    return tuple(getattr(layer.statistics.settings, name) for name in names)


def _add(layer: Measured, family: Family, metrics: list[Metric], by: ErrorsBy, watch: Watch) -> None:
    missing = f"error of {family.evidence}" if family.evidence else "errors"
    add_bars(layer, metrics, _key(metrics, layer, by), lambda: _bars(layer, metrics, by, watch), missing)


def add_bars(
    layer: Measured,
    metrics: Sequence[Metric],
    key: tuple[object, ...],
    bars: Callable[[], dict[str, ErrorBar | str]],
    missing: str,
) -> None:
    """Put error bars into a layer, from what it keeps under a key; the reason for none goes to `missing`."""
    statistics = layer.statistics
    try:
        if any(metric.depends_on_eps for metric in metrics):
            found = statistics.keep_last(key, statistics.eps, bars)
        else:
            found = statistics.keep(key, bars)
    except GeometryError as error:
        layer.missing[missing] = str(error)
        return
    for name, bar in found.items():
        if isinstance(bar, str):
            layer.missing[f"error of {name}"] = bar
        else:
            layer.errors[name] = bar


def _bars(layer: Measured, metrics: list[Metric], by: ErrorsBy, watch: Watch) -> dict[str, ErrorBar | str]:
    """The error bar of each metric, or why it has none.

    Raises:
        GeometryError: if the first of them, and so all of them, has none.
    """
    kinds = [layer.statistics.left_out(kind, watch) for kind in by.split("+")]
    for kind in kinds:
        kind.prepare(metrics)
    found: dict[str, ErrorBar | str] = {}
    for metric in metrics:
        try:
            left_out = [kind.values([metric])[metric.key] for kind in kinds]
            value = kinds[0].observed(metric, float(layer.values[metric.key]))
            found[metric.key] = error_bar(value, left_out)
        except GeometryError as error:
            if metric is metrics[0]:
                raise
            found[metric.key] = str(error)
    return found


def overlap_error(
    statistics: LayerStatistics, by: ErrorsBy, watch: Watch, place: int = 0, layers: int = 1
) -> ErrorBar:
    """The error bar of the mean overlap of a layer, with the overlaps without each seed or subject.

    Raises:
        GeometryError: if the layer has no overlap, or none without one of them.
        Cancelled: see `Watch`.
    """
    watch.report("error bars of the overlap", place, layers)
    metric = METRICS["overlap_mean"]
    of_subspaces = [other for other in metric.family_members if other.error]
    layer = Measured(statistics, {other.key: other.value(statistics) for other in of_subspaces})
    add_errors(layer, by, lambda key: True, watch)
    if metric.key not in layer.errors:
        raise GeometryError(next(iter(layer.missing.values())))
    return layer.errors[metric.key]
