"""A metric over all layers at once, with what permutations and the jackknife say of the layers jointly.

Layers are of the same images, so their errors and their nulls move together: a statement about several layers
takes the same permutation, or leaves out the same images, in all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.claims.claim import LEVEL
from subspacelens_tui.analysis.metrics import METRICS, Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram import GramLayer
from subspacelens_tui.analysis.uncertainty.jackknife import combined_error
from subspacelens_tui.geometry import (
    GeometryError,
)

_TIE = 1e-9

Contrast = Callable[[Float64Array], Float64Array]
"""From curves (…, layers) to a number each (…): what is tested."""


def combination(weights: Mapping[int, float]) -> Contrast:
    """The sum of some layers with weights."""

    def contrast(curves: Float64Array) -> Float64Array:
        total: Float64Array = np.sum([weight * curves[..., at] for at, weight in weights.items()], axis=0)
        return total

    return contrast


def difference(layer: int, other: int) -> Contrast:
    """One layer less another."""
    return combination({layer: 1.0, other: -1.0})


@dataclass(frozen=True)
class Estimate:
    """A number with its jackknife error.

    Attributes:
        value, standard_error: in the unit of the metric.
        low, high: the interval whose ends are one-sided bounds at 5 % over the number of tests.
    """

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """One metric over the layers.

    Attributes:
        values: (L,) with the true labels.
        left_out: for each kind of thing left out (seeds, subjects), (m, L) without each.
        permuted: (P, L) under permuted labels; (0, L) where there is no null.
        excess_left_out: as `left_out`, less the mean under permuted labels of the images that are left.
    """

    values: Float64Array
    left_out: tuple[Float64Array, ...]
    permuted: Float64Array
    excess_left_out: tuple[Float64Array, ...] = ()

    @property
    def null_mean(self) -> Float64Array:
        """(L,) mean under permuted labels."""
        mean: Float64Array = self.permuted.mean(axis=0)
        return mean

    @property
    def excess(self) -> Float64Array:
        """(L,) values less that."""
        return self.values - self.null_mean

    def estimate(self, contrast: Contrast, tests: int = 1) -> Estimate:
        """A contrast of the curve itself."""
        return _estimate(contrast(self.values), [contrast(of) for of in self.left_out], tests)

    def excess_estimate(self, contrast: Contrast, tests: int = 1) -> Estimate:
        """The same of its excess."""
        return _estimate(contrast(self.excess), [contrast(of) for of in self.excess_left_out], tests)

    def p(self, contrast: Contrast) -> float:
        """One-sided p of a contrast of the excess, under the same permutations in all layers."""
        observed, permuted = contrast(self.excess), contrast(self.permuted - self.null_mean)
        scale = max(1.0, float(np.abs(self.values).max()))
        return float((1 + np.sum(permuted >= observed - _TIE * scale)) / (1 + len(permuted)))


def _estimate(value: Float64Array, left_out: Sequence[Float64Array], tests: int) -> Estimate:
    error, margin = combined_error(left_out, 1 - 2 * LEVEL / tests)
    return Estimate(float(value), error, float(value) - margin, float(value) + margin)


def adjusted_p(values: Float64Array, permuted: Float64Array, sign: int = 1) -> Float64Array:
    """p (L,) of each layer over the maximum of all of them (Westfall & Young 1993, single-step max-T).

    Layers are standardised with the true labels among the permutations, so that these remain exchangeable.

    Args:
        values: (L,) with the true labels.
        permuted: (P, L), one permutation a row.
        sign: 1 if large values are evidence, -1 if small ones are.
    """
    every = sign * np.vstack([values, permuted])
    spread = every.std(axis=0)
    constant = spread <= 1e-12 * np.abs(every).max(axis=0)
    z = np.where(constant, 0.0, (every - every.mean(axis=0)) / np.where(constant, 1.0, spread))
    most = z.max(axis=1)
    return np.asarray([(most >= of_layer - _TIE).mean() for of_layer in z[0]])


def curve_of(
    layers: Sequence[GramLayer],
    key: str,
    kinds: Sequence[str],
    labelings: Labelings | None,
    watch: Watch,
    logarithm: bool = False,
) -> Curve:
    """A metric of some layers, jointly.

    Args:
        layers: of one sample.
        key: of the metric: any for its errors; ΔR, Rc, Rc/R or mean overlap with labelings.
        kinds: what the jackknife leaves out, "seed" or "subject" or both.
        labelings: the permuted labels; None for no null.
        watch: progress and cancellation.
        logarithm: of the metric instead, wherever it is taken.

    Raises:
        GeometryError: a layer lacks the metric or its logarithm, or it cannot be had without a group.
        Cancelled: see `Watch`.
    """
    metric, scale = METRICS[key], _logarithm if logarithm else np.asarray
    values = scale(np.asarray([float(metric.value(layer)) for layer in layers]))
    left_out: list[Float64Array] = []
    for kind in kinds:
        watch.report(f"error bars: {kind}s", len(left_out), len(kinds))
        without = [layer.left_out(kind, watch).values([metric])[key] for layer in layers]
        left_out.append(scale(np.stack(without, axis=1)))
    if labelings is None:
        return Curve(values, tuple(left_out), np.empty((0, len(values))))
    resampled = GramLayer.relabelled(layers, labelings, watch)
    permuted = scale(np.stack([of.values([metric])[key] for of in resampled], axis=1))
    excess: list[Float64Array] = []
    for kind, found in zip(kinds, left_out, strict=True):
        watch.report(f"null without each {kind}", len(excess), len(kinds))
        null = [_null_left_out(layer, metric, kind, labelings, watch) for layer in layers]
        excess.append(found - scale(np.stack(null, axis=1)))
    return Curve(values, tuple(left_out), permuted, tuple(excess))


def _logarithm(values: Float64Array) -> Float64Array:
    if not (values > 0).all():
        raise GeometryError("it is 0 at a layer, and has no logarithm there")
    logarithm: Float64Array = np.log(values)
    return logarithm


def _null_left_out(
    layer: GramLayer, metric: Metric, kind: str, labelings: Labelings, watch: Watch
) -> Float64Array:
    """The mean of a metric of a layer under permuted labels (m,), without each seed or subject in turn."""
    found = layer.null_left_out([metric], kind, labelings, watch)[metric.key]
    if isinstance(found, GeometryError):
        raise found
    return found
