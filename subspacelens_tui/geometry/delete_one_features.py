"""Rates and ranks without each image in turn, from the features themselves: the closed forms of `delete_one`.

With a block Z = U σ Vᵀ and A = I + α ZᵀZ, (A⁻¹)ᵢᵢ is Σⱼ Vᵢⱼ²/(1 + ασⱼ²): a sum of what is positive, right
however far the σ are apart. In a view that removes a mean, the sum goes over what is orthogonal to that mean.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.geometry.classes import ClassIndex, class_index
from subspacelens_tui.geometry.delete_one_ranks import nearly_all, ranks_without_each, sums_of_others
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.from_features import rate_of_features, view_of_features
from subspacelens_tui.geometry.singular_values import (
    VECTORS_LOST,
    Float64Array,
    decomposition,
    null_space,
    singular_values,
)
from subspacelens_tui.geometry.spectra import (
    OF_SINGULAR_VALUES,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)


class VectorsLost(Exception):
    """There is no closed form in float64; what is asked has to be computed without each image in turn."""


@dataclass(frozen=True)
class Spanned:
    """A block of images as a basis of what may remain of them in their view.

    Attributes:
        V: (n, m) orthonormal; complete, but for the means that the view removes.
        squares: (m,) eigenvalues that go with V, 0 beyond the rank.
        U: (d, k) the other side, of those that are not 0.
    """

    V: Float64Array
    squares: Float64Array
    U: Float64Array

    @classmethod
    def of(cls, Z: Float64Array, means: Sequence[np.ndarray] = ()) -> "Spanned":
        """Of features (d, n) from which the mean over each of `means` (images) is removed already.

        Raises:
            VectorsLost: the features differ in size by more than vectors can be had for.
        """
        n = Z.shape[1]
        indicators = np.zeros((n, len(means)))
        for k, members in enumerate(means):
            indicators[members, k] = 1 / np.sqrt(len(members))
        B = null_space(indicators) if means else np.eye(n)
        found = decomposition(Z @ B if means else Z)
        if found.lost > VECTORS_LOST:
            raise VectorsLost
        V = B @ np.concatenate([found.V, null_space(found.V)], axis=1)
        squares = np.concatenate([found.values**2, np.zeros(V.shape[1] - len(found.values))])
        return cls(V, squares, found.U)

    def log_det(self, alpha: Float64Array) -> Float64Array:
        """log det(I + α ZᵀZ) (k,) at values α (k,)."""
        total: Float64Array = np.sum(np.log1p(alpha[:, None] * self.squares), axis=1)
        return total

    def without_each(self, alpha: Float64Array) -> Float64Array:
        """½ log det (n,) without each image, each at its own α (n,)."""
        weights = self.V**2
        # A mean over n_k images leaves an image (n_k - 1)/n_k of its own direction.
        weights /= weights.sum(axis=1, keepdims=True)
        grown = alpha[:, None] * self.squares
        left = np.sum(weights / (1 + grown), axis=1)
        taken = np.sum(weights * (grown / (1 + grown)), axis=1)
        rates: Float64Array = 0.5 * (self.log_det(alpha) + _log(left, -taken))
        return rates


def _log(value: Float64Array, less_one: Float64Array) -> Float64Array:
    """log of values (n,) that are known as they are and less 1: the one or the other has all digits."""
    near = np.abs(less_one) < 0.5
    found: Float64Array = np.where(
        near, np.log1p(np.where(near, less_one, 0.0)), np.log(np.where(near, 1.0, value))
    )
    return found


def delete_one_rates_of_features(
    Z: Float64Array, index: ClassIndex, labels: Any, scale: float, view: str
) -> tuple[Float64Array, Float64Array]:
    """R (N,) and Rc (N,) without each image, from raw features (d, N); `scale` is d/ε².

    Raises:
        VectorsLost: see `Spanned.of`.
    """
    n = Z.shape[1]
    scales = np.full(n, scale)
    if view == "trace":
        # The factor that normalises the others.
        scales *= (n - 1) / sums_of_others(np.sum(Z**2, axis=0))
    viewed = Z if view == "trace" else view_of_features(Z, view, labels)
    means = {"centred": (np.arange(n),), "class-centred": index.members}.get(view, ())
    R = Spanned.of(viewed, means).without_each(scales / (n - 1))
    if view == "centred":
        Rc = _centred_class_rates(viewed, index, scale)
        for image in np.flatnonzero(nearly_all(np.sum(viewed**2, axis=0), labels, view)):
            kept = np.delete(np.arange(n), image)
            of_kept = class_index(np.asarray(labels)[kept], n - 1)
            Rc[image] = rates_of_features(Z[:, kept], of_kept, None, scale, view)[1]
        return R, Rc
    Rc = np.zeros(n)
    for members in index.members:
        size = len(members)
        block = Spanned.of(viewed[:, members], (np.arange(size),) if view == "class-centred" else ())
        rates = 0.5 * size * block.log_det(scales / size)
        rates[members] = (size - 1) * block.without_each(scales[members] / (size - 1))
        Rc += rates
    return R, Rc / (n - 1)


def rates_of_features(
    Z: Float64Array, index: ClassIndex, labels: Any, scale: float, view: str
) -> tuple[float, float]:
    """R and Rc in nats of a view of raw features (d, N); `scale` is d/ε²."""
    viewed = view_of_features(Z, view, labels)
    parts = [len(m) / index.n * rate_of_features(viewed[:, m], scale) for m in index.members]
    return rate_of_features(viewed, scale), sum(parts)


def delete_one_ranks_of_features(Z: Float64Array, labels: Any, view: str) -> dict[str, Float64Array]:
    """`delete_one_ranks` from raw features (d, N); errors as there."""
    n, names = Z.shape[1], np.asarray(labels)
    index = class_index(labels, n)
    view = "raw" if view == "trace" else view
    viewed = view_of_features(Z, view, labels)
    K = viewed.T @ viewed
    alone, found = nearly_all(np.diagonal(K), labels, view), None
    with contextlib.suppress(VectorsLost):
        means = {"centred": (np.arange(n),), "class-centred": index.members}.get(view, ())
        block = Spanned.of(viewed, means)
        order = np.argsort(block.squares, kind="stable")
        found = ranks_without_each(K, block.squares[order], block.V[:, order], view, 0.0, alone)
    anew = {}
    for image in np.flatnonzero(alone) if found is not None else range(n):
        kept = np.delete(np.arange(n), image)
        anew[int(image)] = ranks_of_features(view_of_features(Z[:, kept], view, names[kept]), view)
    had = [rank for rank in found or anew[0] if all(rank in of for of in anew.values())]
    without = {rank: found[rank] if found is not None else np.empty(n) for rank in had}
    for image, of in anew.items():
        for rank in had:
            without[rank][image] = of[rank]
    return without


def ranks_of_features(Z: Float64Array, view: str) -> dict[str, float]:
    """The ranks of features (d, n) in a view, by the names of `delete_one_ranks`, without what cannot be had.

    Raises:
        GeometryError: the features are all zero.
    """
    eigenvalues = singular_values(Z, np) ** 2
    found = {
        "effective_rank": effective_rank_from_spectrum(eigenvalues, OF_SINGULAR_VALUES),
        "eigenvalue_rank": eigenvalue_rank_from_spectrum(eigenvalues),
        "participation_ratio": participation_ratio_from_spectrum(eigenvalues),
        "stable_rank": stable_rank_from_spectrum(eigenvalues),
    }
    ratio = unbiased_centred_participation_ratio if view == "centred" else unbiased_participation_ratio
    if view != "class-centred":
        with contextlib.suppress(GeometryError):
            found["participation_ratio_unbiased"] = ratio(Z.T @ Z)
    return {rank: float(value) for rank, value in found.items()}


def _centred_class_rates(Z: Float64Array, index: ClassIndex, scale: float) -> Float64Array:
    """Rc (N,) of centred features: see `delete_one._centred_class_rates`, whose a is Z_kᵀ zᵢ here."""
    n = Z.shape[1]
    result: Float64Array = np.zeros(n)
    for members in index.members:
        size = len(members)
        block = Spanned.of(Z[:, members])
        rates = 0.5 * size * _log_det_moved(block, Z, scale / size, 1 / (n - 1))
        rates[members] = 0.5 * (size - 1) * _log_det_without_own(block, scale / (size - 1), 1 / (n - 1))
        result += rates
    result /= n - 1
    return result


def _log_det_moved(block: Spanned, Z: Float64Array, alpha: float, b: float) -> Float64Array:
    """log det A (N,) of a class that moves by b zᵢ, for images i of other classes."""
    ones, k = block.V.sum(axis=0), block.U.shape[1]
    onto = block.U.T @ Z
    shrunk = 1 / (1 + alpha * block.squares)
    moved = b * alpha * (ones[:k] * np.sqrt(block.squares[:k]) * shrunk[:k]) @ onto
    beyond = np.sum((Z - block.U @ onto) ** 2, axis=0) + shrunk[:k] @ onto**2
    added = alpha * b**2 * beyond * float(shrunk @ ones**2)
    log_det = float(block.log_det(np.asarray([alpha]))[0])
    return log_det + _log((1 + moved) ** 2 + added, moved * (2 + moved) + added)


def _log_det_without_own(block: Spanned, alpha: float, b: float) -> Float64Array:
    """log det A (n_k,) without each image of the class, by which its mean moves too."""
    ones, weights = block.V.sum(axis=0), block.V**2
    shrunk = 1 / (1 + alpha * block.squares)
    taken = alpha * block.squares * shrunk
    left, gone = weights @ shrunk, weights @ taken
    # The sum of a row of A⁻¹ = I - T without its diagonal; T is small where A⁻¹ is nearly I.
    beside = gone - block.V @ (taken * ones) if taken.max() < 0.5 else block.V @ (shrunk * ones) - left
    moved = -b * beside / left
    total = np.maximum(float(shrunk @ ones**2) - (left + beside) ** 2 / left, 0.0)
    added = b**2 * gone / left * total
    log_det: Float64Array = block.log_det(np.full(len(left), alpha))
    return log_det + _log(left, -gone) + _log((1 + moved) ** 2 + added, moved * (2 + moved) + added)
