"""Error bars for rates by the jackknife, each metric recomputed without one image, one seed or one subject.

Not a percentile bootstrap: resampling repeats images, repeated images lower the rank of the Gram matrix, and
every replicate then lies below the metric itself (ΔR 434 → 364 nats in a test where nothing varied but the
resampling).

The interval is for the expected metric at this number of images: rates grow with N wherever N < d, so it says
nothing about the value at another N. The jackknife's variance errs upwards on average (Efron & Stein 1981):
on planted Gaussian classes with N near or below d, standard errors of ΔR and Rc/R came out 1.2 to 1.5 times
too large and their 95 % intervals covered 97 to 99 %.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import ClassIndex, class_index, label_array
from subspacelens_tui.geometry.delete_one import delete_one_rates
from subspacelens_tui.geometry.delete_one_features import (
    VectorsLost,
    delete_one_rates_of_features,
    rates_of_features,
)
from subspacelens_tui.geometry.determinants import class_rate, rate_scale, whole_rate
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import feature_view
from subspacelens_tui.geometry.inputs import Array, real_array, square_gram
from subspacelens_tui.geometry.progress import check_cancelled


@dataclass(frozen=True)
class Estimate:
    """A metric and its jackknife error.

    Attributes:
        value: (...) The metric on all images.
        left_out: (..., m) The metric without each of m images, or groups of images.
        standard_error: (...) Its jackknife standard error.
        low: (...) Lower end of the 95 % interval, value - t · standard_error with m - 1 degrees of freedom.
        high: (...) Upper end.
    """

    value: Array
    left_out: Array
    standard_error: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class RateEstimates:
    """R, Rc, ΔR (nats) and Rc/R, each with its jackknife error."""

    R: Estimate
    Rc: Estimate
    delta_R: Estimate
    ratio: Estimate


def jackknife(G: Array, labels: Any, d: int, eps: Any, view: str = "raw") -> RateEstimates:
    """Delete-one jackknife of the rates, in closed form.

    R₋ᵢ = ½ [log det A + log (A⁻¹)ᵢᵢ] with A = I + d/((N-1) ε²) G: one inverse gives all N values. Views that
    an image takes part in (its mean, its trace) are computed anew without it, in closed form as well, so
    every value is what a recomputation would give.

    Args:
        G: Gram matrices (..., N, N) of the raw features.
        labels: (N,) integers or strings; each class needs two images.
        d: The width of the features.
        eps: ε, a number or an array that broadcasts against the leading shape of G.
        view: The feature view, one of VIEWS.

    Raises:
        GeometryError: Bad G, labels, ε, d or view, a class of a single image, or features all zero.
    """
    xp, G = square_gram(G)
    index = class_index(labels, G.shape[-1])
    _check_spared(index)
    scale = rate_scale(G, d, eps, xp)
    R, Rc = delete_one_rates(G, labels, index, scale, view, xp)
    return _estimates(_rates(G, labels, scale, view, xp), R, Rc, xp)


def group_jackknife(
    G: Array,
    labels: Any,
    groups: Any,
    d: int,
    eps: Any,
    view: str = "raw",
    *,
    cancelled: Callable[[], bool] | None = None,
) -> RateEstimates:
    """Jackknife of the rates that leaves out one group at a time: one seed, or one subject; by recomputation.

    Images that share a seed or a subject are not independent, so delete-one errors are too small for
    statements about other seeds or other subjects; these are the errors for those. Groups should be of about
    equal size.

    Args:
        G: Gram matrices (..., N, N) of the raw features.
        labels: (N,) integers or strings.
        groups: (N,) integers or strings: the seed, or the subject, of each image.
        d: The width of the features.
        eps: ε, a number or an array that broadcasts against the leading shape of G.
        view: The feature view, one of VIEWS.
        cancelled: Asked before each group.

    Raises:
        GeometryError: As for `jackknife`, or fewer than two groups.
        Cancelled: `cancelled` returned True.
    """
    xp, G = square_gram(G)
    n = G.shape[-1]
    names = label_array(labels, n)
    scale = rate_scale(G, d, eps, xp)
    R, Rc = [], []
    for kept in _kept_without(groups, n):
        check_cancelled(cancelled)
        keep = xp.asarray(kept, device=device(G))
        without = _rates(xp.take(xp.take(G, keep, axis=-2), keep, axis=-1), names[kept], scale, view, xp)
        R.append(without[0])
        Rc.append(without[1])
    return _estimates(_rates(G, names, scale, view, xp), xp.stack(R, axis=-1), xp.stack(Rc, axis=-1), xp)


def jackknife_of_features(
    Z: np.ndarray,
    labels: Any,
    groups: Any,
    d: int,
    eps: float,
    view: str = "raw",
    *,
    cancelled: Callable[[], bool] | None = None,
) -> RateEstimates:
    """`jackknife`, or `group_jackknife` unless groups is None, from raw features (d', N) of width d.

    For features that differ in size by so much that a Gram matrix does not hold the small ones.
    """
    n = Z.shape[1]
    names, scale = label_array(labels, n), d / eps**2
    index = class_index(names, n)
    found = None
    if groups is None:
        _check_spared(index)
        with contextlib.suppress(VectorsLost):
            found = delete_one_rates_of_features(Z, index, names, scale, view)
        groups = np.arange(n)
    if found is None:
        without = []
        for kept in _kept_without(groups, n):
            check_cancelled(cancelled)
            of_kept = class_index(names[kept], len(kept))
            without.append(rates_of_features(Z[:, kept], of_kept, names[kept], scale, view))
        R, Rc = np.asarray(without).T
        found = R, Rc
    observed = rates_of_features(Z, index, names, scale, view)
    return _estimates((np.asarray(observed[0]), np.asarray(observed[1])), *found, np)


def _check_spared(index: ClassIndex) -> None:
    for name, size in zip(index.names, index.sizes, strict=True):
        if size < 2:
            raise GeometryError(f"class {name!r} has a single image and cannot spare it; record more images")


def _kept_without(groups: Any, n: int) -> list[np.ndarray]:
    """The images that are left without each group in turn."""
    members = class_index(label_array(groups, n, "groups"), n).members
    if len(members) < 2:
        raise GeometryError(
            "all images are of one group, and leaving it out leaves none; record more of them"
        )
    return [np.setdiff1d(np.arange(n), m) for m in members]


def jackknife_error(left_out: Array, level: float = 0.95, strata: Any = None) -> tuple[Array, Array]:
    """Standard error (...), and half the width (...) of the interval, from values (..., m) without each.

    √((m - 1)/m Σ (θ₋ᵢ - θ̄)²) (Efron & Stein 1981), and t with m - 1 degrees of freedom times it. With strata
    that would be the same in another sample, the sum over them of (mₕ - 1)/mₕ Σ (θ₋ᵢ - θ̄ₕ)², deviations being
    from the mean of the stratum, and m less their number degrees of freedom (Jones 1974; Wolter 2007, §4.5).

    Args:
        left_out: (..., m).
        level: Of the interval.
        strata: (m,) integers or strings, which stratum each was drawn from; None for one of all.

    Raises:
        GeometryError: Fewer than two values, in all or in a stratum, or values that are not finite.
    """
    # Imported here: the app loads this module at its start.
    from scipy.special import stdtrit

    xp, left_out = real_array(left_out, "left_out")
    m = left_out.shape[-1]
    if m < 2 or not bool(xp.all(xp.isfinite(left_out))):
        raise GeometryError(f"a jackknife needs two finite values or more, got {m}; record more images")
    members = class_index(np.zeros(m, dtype=int) if strata is None else strata, m).members
    on = device(left_out)
    parts = [_variance(xp.take(left_out, xp.asarray(of, device=on), axis=-1), xp) for of in members]
    error = xp.sqrt(sum(parts[1:], parts[0]))
    return error, float(stdtrit(m - len(members), (1 + level) / 2)) * error


def _variance(left_out: Array, xp: Any) -> Array:
    """(m - 1)/m Σ (θ₋ᵢ - θ̄)² (...) of values (..., m)."""
    m = left_out.shape[-1]
    if m < 2:
        raise GeometryError("a stratum of a jackknife needs two values or more, got 1; leave the strata out")
    deviations = left_out - xp.mean(left_out, axis=-1, keepdims=True)
    return (m - 1) / m * xp.sum(deviations**2, axis=-1)


def _rates(G: Array, labels: Any, scale: Array, view: str, xp: Any) -> tuple[Array, Array]:
    """R (...) and Rc (...) of a view."""
    G = feature_view(G, view, labels)
    return whole_rate(G, scale, xp), class_rate(G, class_index(labels, G.shape[-1]), scale, xp)


def _estimates(observed: tuple[Array, Array], R: Array, Rc: Array, xp: Any) -> RateEstimates:
    value, value_c = observed
    if not bool(xp.all(value > 0) & xp.all(R > 0)):
        raise GeometryError("all features are zero (or equal, if centred): Rc/R has no value")
    return RateEstimates(
        R=_estimate(value, R, xp),
        Rc=_estimate(value_c, Rc, xp),
        delta_R=_estimate(value - value_c, R - Rc, xp),
        ratio=_estimate(value_c / value, Rc / R, xp),
    )


def _estimate(value: Array, left_out: Array, xp: Any) -> Estimate:
    error, margin = jackknife_error(left_out)
    return Estimate(value, left_out, error, value - margin, value + margin)
