"""The null of a metric: its values under permuted labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS, Metric, Need
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.quantities import HEADLINE
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.base import Labelings, Resampled
from subspacelens_tui.geometry import Design, GeometryError, NullSummary, permuted_labels, summarize_null
from subspacelens_tui.geometry.rounding import TIE

FIRST_PERMUTATIONS = 4
"""Enough for a first null line: its mean is unbiased, and off by `NullSummary.standard_error`."""


@dataclass(frozen=True)
class Permutations:
    """Which label permutations a null is made of."""

    design: Design
    count: int
    seed: int

    @classmethod
    def of(cls, settings: Settings) -> "Permutations":
        """Those of resolved settings."""
        assert settings.design is not None
        return cls(settings.design, settings.permutations, settings.seed)

    def labelings(self, images: Images) -> Labelings:
        """The permuted labels (count, N).

        Raises:
            GeometryError: if the design permutes nothing here, or lacks what it needs.
        """
        groups: list[int] | list[str] | None = None
        if self.design == "within-seed":
            groups = images.seeds
        elif self.design == "subjects":
            groups = images.prompts
        elif self.design == "fine-within-coarse":
            groups = images.coarser_labels
        codes = permuted_labels(np.asarray(images.labels), self.design, self.count, self.seed, groups=groups)
        return Labelings(np.asarray(codes), (self.design, self.seed))


def labelings_of(images: Images, settings: Settings) -> Labelings | str | None:
    """The permuted labels of resolved settings; or why there are none; None if none were asked for."""
    if not settings.permutations:
        return None
    try:
        return Permutations.of(settings).labelings(images)
    except GeometryError as error:
        return str(error)


def add_nulls(
    layers: Sequence[Measured], labelings: Labelings | str, settings: Settings, watch: Watch
) -> None:
    """Give every metric of some layers its null, or the reason why it has none.

    Args:
        layers: whose metrics are there.
        labelings: the permuted labels, or why there are none.
        settings: resolved.
        watch: progress and cancellation.

    Raises:
        Cancelled: see `Watch`.
    """
    if isinstance(labelings, str):
        for layer in layers:
            layer.missing["nulls"] = labelings
        return
    with_null = [metric for metric in METRICS.scalars if metric.null and metric.own_null is None]
    costly = [metric for metric in with_null if Need.SUBSPACES in metric.needs]
    few = settings.permutations if settings.overlap_permutations is None else settings.overlap_permutations
    # These first: where they get all permutations, their class spectra give the rates as well.
    _add(layers, costly, labelings.first(few), watch)
    _add(layers, [metric for metric in with_null if metric not in costly], labelings, watch)


def add_own_nulls(layers: Sequence[Measured]) -> None:
    """Give every metric of some layers its null where that is by something else than permuted labels."""
    for layer in layers:
        for metric in METRICS.scalars:
            if metric.own_null is not None and metric.key in layer.values:
                layer.nulls[metric.key] = metric.own_null(layer.statistics)


def _add(layers: Sequence[Measured], metrics: list[Metric], labelings: Labelings, watch: Watch) -> None:
    able = [layer for layer in layers if any(metric.key in layer.values for metric in metrics)]
    if len(labelings.codes) < 2 or not able:
        return
    statistics = [layer.statistics for layer in able]
    resampled = type(statistics[0]).relabelled(statistics, labelings, watch)
    for layer, permuted in zip(able, resampled, strict=True):
        permuted.prepare([metric for metric in metrics if metric.key in layer.values])
        failed: dict[str, str] = {}
        for metric in metrics:
            if metric.key in layer.values:
                try:
                    layer.nulls[metric.key] = _null(metric, layer, permuted)
                except GeometryError as error:
                    failed[metric.key] = str(error)
        if HEADLINE in failed:
            layer.missing["nulls"] = failed[HEADLINE]
        # Once is enough of what all rates lack for the same reason.
        said = failed.get(HEADLINE)
        layer.missing |= {f"null of {key}": why for key, why in failed.items() if why != said}


def _null(metric: Metric, layer: Measured, permuted: Resampled) -> NullSummary:
    assert metric.null in ("greater", "smaller")
    rounding = TIE
    if metric.ties is not None:
        # A difference of large numbers: what is left of rounding must not pass for an excess.
        base = METRICS[metric.ties]
        under = float(np.max(permuted.values([base])[base.key]))
        rounding *= max(float(layer.values[base.key]), under)
    samples = permuted.values([metric])[metric.key]
    observed = permuted.observed(metric, float(layer.values[metric.key]))
    return summarize_null(observed, samples, metric.null, rounding)
