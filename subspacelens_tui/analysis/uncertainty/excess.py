"""The error of an excess: the jackknife of a metric less its null mean, both without the same images.

Taking the mean of the null for a constant would give an excess the error of its metric. It is not one: images
that raise ΔR raise it under permuted labels too, and the excess is known up to seven times better
(docs/validation.md). The permutations stay the same, each restricted to the images that are left.

The excess without a subject of one category is on average another than without one of another category:
categories are what they are, and that is no error. So deviations are from the mean of the category, as of
strata. From one mean, standard errors over subjects came out 2.4 to 8.4 times too large; so 1.1 to 2.2 times.
Those of ΔR, R, Rc and Rc/R would be too small that way, and are from one mean.
"""

from collections.abc import Callable, Sequence
from functools import partial

from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS, Cost, Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.quantities import excess_name
from subspacelens_tui.analysis.settings import ErrorsBy
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar, add_bars, error_bar, settings_of
from subspacelens_tui.geometry import GeometryError


def add_excess_errors(
    layer: Measured, by: ErrorsBy, labelings: Labelings, wanted: Callable[[str], bool], watch: Watch
) -> None:
    """Give the excess of every metric of a layer its error bar, or the reason why it has none.

    Args:
        layer: whose metrics have their nulls and their own errors.
        by: what is left out in turn.
        labelings: those of the nulls.
        wanted: of which metrics, by key, also errors that are by recomputation; of others only known ones.
        watch: progress and cancellation.

    Raises:
        Cancelled: see `Watch`.
    """
    for cost in (Cost.FIRST, Cost.DEFERRED):
        for metrics in METRICS.families().values():
            able = [
                metric
                for metric in metrics
                if metric.error is cost
                and metric.key in layer.nulls
                and metric.key in layer.errors
                # The mean of a null in closed form is 0, or known as well as the metric.
                and metric.own_null is None
            ]
            if not able:
                continue
            of_null = labelings.first(layer.nulls[able[0].key].permutations)
            key = _key(able, layer, by, of_null)
            if cost is Cost.FIRST or wanted(able[0].key) or layer.statistics.knows(key):
                bars = partial(_bars, layer, able, by, of_null, watch)
                add_bars(layer, able, key, bars, f"error of {excess_name(able[0])}")


def _key(
    metrics: Sequence[Metric], layer: Measured, by: ErrorsBy, labelings: Labelings
) -> tuple[object, ...]:
    """What the means of the nulls without each group depend on beside ε."""
    keys = tuple(metric.key for metric in metrics)
    return "null left out", keys, by, labelings.key, len(labelings.codes), settings_of(metrics, layer)


def _bars(
    layer: Measured, metrics: Sequence[Metric], by: ErrorsBy, labelings: Labelings, watch: Watch
) -> dict[str, ErrorBar | str]:
    """The error bar of each excess, or why it has none."""
    kinds = by.split("+")
    under = [layer.statistics.null_left_out(metrics, kind, labelings, watch) for kind in kinds]
    strata = [layer.statistics.left_out(kind, watch).strata for kind in kinds]
    found: dict[str, ErrorBar | str] = {}
    for metric in metrics:
        means = [of_kind[metric.key] for of_kind in under]
        failed = next((mean for mean in means if isinstance(mean, GeometryError)), None)
        if failed is not None:
            found[excess_name(metric)] = str(failed)
            continue
        own = layer.errors[metric.key].left_out
        left_out = [of_own - mean for of_own, mean in zip(own, means, strict=True)]  # type: ignore[operator]
        found[excess_name(metric)] = error_bar(layer.nulls[metric.key].excess, left_out, strata)
    return found
