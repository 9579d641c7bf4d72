"""Ranks without each image in turn, from one eigendecomposition.

Without image i the second moment S = ZZᵀ of a view becomes S - c zzᵀ, z the image in that view and c = 1, or
n/(n - 1) where a mean over n images is removed. A rank needs tr f(S) for some f, and each f is an integral of
λ/(λ + s) over s:

    √λ = ∫ λ/(λ + s) s^(-1/2) ds/π        √λ log λ = ∫ λ/(λ + s) s^(-1/2) log s ds/π
    λ log λ = ∫ (λ/(1 + s) - λ/(λ + s)) ds

(the second is the derivative of ∫ λ/(λ + s) s^(a-1) ds = λᵃ π/sin πa at a = 1/2). By Sherman and Morrison
tr S(S + s)⁻¹ changes by -s c zᵀ(S + s)⁻²z / (1 - c zᵀ(S + s)⁻¹z). The integrands are analytic in log s, so
that the trapezoidal rule with steps h is exact but for e^(-2π²/h): two products of (N, N) with as many
columns as there are steps give all N values.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry.classes import class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import feature_view
from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, square_gram

_STEP = 0.75
# On both sides of the largest eigenvalue: what is left out is e^-23 of it, for the square roots.
_REACH = 46.0
_BISECTIONS = 60
_ALONE = 1e-3
NOTHING_LEFT = "without one of the images nothing is left that varies; record more images"

Float64Array = npt.NDArray[np.float64]


def delete_one_ranks(G: Array, labels: Any, view: str = "raw") -> dict[str, Float64Array]:
    """The ranks (N,) without each image in turn.

    By name: "effective_rank", "eigenvalue_rank", "participation_ratio", "participation_ratio_unbiased" (left
    out where it cannot be had) and "stable_rank".

    Args:
        G: Gram matrix (N, N) of the raw features.
        labels: (N,) integers or strings; they matter to the class-centred view only.
        view: The feature view, one of VIEWS.

    Raises:
        GeometryError: Bad G or labels, a class of a single image in the class-centred view, or too few
            images that differ for a rank without one of them.
    """
    _, G = square_gram(G)
    if view == "class-centred" and min(class_index(labels, G.shape[-1]).sizes) < 2:
        raise GeometryError("a class has a single image and cannot spare it; record more images")
    # Ranks do not depend on the scale of all features, so the trace view has those of the raw one.
    K = np.asarray(feature_view(G, "raw" if view == "trace" else view, labels), dtype=np.float64)
    eigenvalues, V = _eigenpairs(K, _averaging(labels, view, len(K)))
    # As for the ranks themselves: what is rounding counts as 0, for its root would not be negligible.
    return ranks_without_each(K, eigenvalues, V, view, len(K) * FLOAT64_EPS)


def ranks_without_each(
    K: Float64Array,
    eigenvalues: Float64Array,
    V: Float64Array,
    view: str,
    floor: float,
    spared: npt.NDArray[np.bool_] | None = None,
) -> dict[str, Float64Array]:
    """The ranks (N,) without each image in turn.

    Args:
        K: (N, N) Gram matrix of the view.
        eigenvalues: (m,) those of K, ascending, without the directions of the means that the view removes.
        V: (N, m) their eigenvectors.
        view: The feature view.
        floor: The share of the largest below which an eigenvalue counts as 0.
        spared: (N,) for which images the values do not matter.

    Raises:
        GeometryError: as `delete_one_ranks`.
    """
    largest = float(eigenvalues.max(initial=0.0))
    if largest <= 0:
        raise GeometryError("all features are zero (or equal, if centred): they have no effective rank")
    eigenvalues = eigenvalues / largest
    eigenvalues = np.where(eigenvalues > floor, eigenvalues, 0.0)
    squares = V**2
    c = 1 / (squares.sum(axis=1))
    norms = squares @ eigenvalues
    trace = eigenvalues.sum() - c * norms
    power = (eigenvalues**2).sum() - 2 * c * (squares @ eigenvalues**2) + (c * norms) ** 2
    if spared is not None:
        trace, power = np.where(spared, 1.0, trace), np.where(spared, 1.0, power)
    if not (np.all(trace > 0) and np.all(power > 0)):
        raise GeometryError(NOTHING_LEFT)
    reach = max(_REACH, _REACH / 2 - np.log(eigenvalues[eigenvalues > 0].min()))
    roots, root_logs, logs = _integrals(eigenvalues, squares, c, reach)
    amplitudes = np.sqrt(eigenvalues).sum() + roots
    weighted = 0.5 * (_xlogx(eigenvalues, 0.5).sum() + root_logs)
    by_variance = _xlogx(eigenvalues, 1.0).sum() + logs
    ranks = {
        "effective_rank": np.exp(np.log(amplitudes) - weighted / amplitudes),
        "eigenvalue_rank": np.exp(np.log(trace) - by_variance / trace),
        "participation_ratio": trace**2 / power,
        "stable_rank": trace / _largest(eigenvalues, squares, c),
    }
    total, spread = _unbiased(K / largest, view)
    if spared is not None:
        total, spread = np.where(spared, 1.0, total), np.where(spared, 1.0, spread)
    if np.all(total > 0) and np.all(spread > 0):
        ranks["participation_ratio_unbiased"] = total / spread
    return ranks


def _unbiased(K: Float64Array, view: str) -> tuple[Float64Array, Float64Array]:
    """What `unbiased_participation_ratio`, or that of centred features, divides (N,), without each image."""
    norms, squares = np.diagonal(K), (K**2).sum(axis=1)
    n = len(K) - 1
    if view == "class-centred" or (view == "centred" and n < 4):
        return np.zeros(len(K)), np.zeros(len(K))
    if view != "centred":
        # Of pairs of different images only: norms of others may be beyond all of them.
        pairs = 2 * (norms[1:] @ np.cumsum(norms)[:-1])
        between = K**2
        np.fill_diagonal(between, 0.0)
        of_image = between.sum(axis=1)
        return pairs - 2 * norms * sums_of_others(norms), of_image.sum() - 2 * of_image
    # Without image i the mean moves, and every other image by x_i/n.
    others = norms + 2 * K / n + (norms / n**2)[:, None]
    np.fill_diagonal(others, 0.0)
    fourth = (others**2).sum(axis=1)
    c = len(K) / n
    trace = norms.sum() - c * norms
    square = squares.sum() - 2 * c * squares + (c * norms) ** 2
    total = 2 * square + (n * n - 3 * n + 1) * trace**2 - n * (n - 1) * fourth
    return total, (n - 1) * (n - 2) * square + trace**2 - n * (n - 1) * fourth


def sums_of_others(values: Float64Array) -> Float64Array:
    """For each of positive values (n,) the sum of all others, without taking anything off a total."""
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    after = np.concatenate([np.cumsum(values[::-1])[-2::-1], [0.0]])
    others: Float64Array = before + after
    return others


def nearly_all(norms: Float64Array, labels: Any, view: str) -> npt.NDArray[np.bool_]:
    """Whether without each image next to nothing is left of the trace, of squared norms (N,) in a view."""
    n = len(norms)
    of_mean = np.zeros(n)
    if view == "centred":
        of_mean[:] = 1 / n
    elif view == "class-centred":
        for members in class_index(labels, n).members:
            of_mean[members] = 1 / max(2, len(members))
    # The mean moves with it.
    alone: npt.NDArray[np.bool_] = np.sum(norms) - norms / (1 - of_mean) < _ALONE * np.sum(norms)
    return alone


def _averaging(labels: Any, view: str, count: int) -> Float64Array | None:
    """The projector (N, N) on the means that a view removes, or None."""
    if view == "centred":
        return np.full((count, count), 1 / count)
    if view != "class-centred":
        return None
    projector = np.zeros((count, count))
    for members in class_index(labels, count).members:
        projector[np.ix_(members, members)] = 1 / len(members)
    return projector


def _eigenpairs(K: Float64Array, means: Float64Array | None) -> tuple[Float64Array, Float64Array]:
    """Eigenvalues and eigenvectors of K, without the directions of the means, which hold nothing."""
    if means is None:
        return np.linalg.eigh(K)
    # Raised beyond all others, they are the last.
    eigenvalues, V = np.linalg.eigh(K + 2 * np.trace(K) * means)
    kept = len(K) - round(np.trace(means))
    return eigenvalues[:kept], V[:, :kept]


def _integrals(
    eigenvalues: Float64Array, squares: Float64Array, c: Float64Array, reach: float
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """How Σ√λ, Σ√λ log λ and Σ λ log λ change (N,) without each image."""
    u = np.arange(-reach, reach + _STEP, _STEP)
    s = np.exp(u)
    kernel = 1 / (eigenvalues[:, None] + s)
    # 1 - c zᵀ(S + s)⁻¹z, written as a sum of positive terms: c Σ v² s/(λ + s).
    left = c[:, None] * (squares @ (s * kernel))
    change = -s * c[:, None] * (squares @ (eigenvalues[:, None] * kernel**2)) / left
    roots = _STEP / np.pi * (change @ np.sqrt(s))
    root_logs = _STEP / np.pi * (change @ (np.sqrt(s) * u))
    traces = -c * (squares @ eigenvalues)
    logs = _STEP * ((traces[:, None] / (1 + s) - change) @ s)
    return roots, root_logs, logs


def _largest(eigenvalues: Float64Array, squares: Float64Array, c: Float64Array) -> Float64Array:
    """The largest eigenvalue (N,) without each image: the secular equation's root above the second one."""
    weights = c[:, None] * squares * eigenvalues
    high = np.full(len(squares), eigenvalues[-1])
    low = np.full(len(squares), eigenvalues[-2] if len(eigenvalues) > 1 else 0.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            value = 1 - np.nansum(weights / (eigenvalues - middle[:, None]), axis=1)
        # From the second eigenvalue up it falls from infinity; beyond the root it is negative.
        low, high = np.where(value > 0, middle, low), np.where(value > 0, high, middle)
    root: Float64Array = (low + high) / 2
    return root


def _xlogx(values: Float64Array, power: float) -> Float64Array:
    """λᵖ log λ, 0 at 0."""
    found: Float64Array = values**power * np.log(np.where(values > 0, values, 1.0))
    return found
