"""Spectra, subspaces and nulls from the features themselves, where a Gram matrix has lost too many digits.

Everything here is defined as its namesake on Gram matrices, costs 5 to 25 times as much, and is right where
features differ in size by many orders of magnitude: see `singular_values` for how. NumPy arrays only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.geometry.classes import ClassIndex, class_index, class_indices
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.overlap import RANK_SHARE, SPLITS, ClassSubspaces, check_rank, split_halves
from subspacelens_tui.geometry.permuted_classes import PermutedClasses, spectra_of_labelings
from subspacelens_tui.geometry.progress import IsCancelled, Progress, checked_labelings, chunks
from subspacelens_tui.geometry.singular_values import (
    GROWTH,
    VECTORS_LOST,
    Decomposition,
    Float64Array,
    decomposition,
    null_space,
    singular_values,
)


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues (m,), ascending, and the δ (m,) up to which each is known."""

    eigenvalues: Float64Array
    resolution: Float64Array

    @classmethod
    def of(cls, found: Decomposition, with_vectors: bool = False) -> "Spectrum":
        """The squares of singular values; `with_vectors` as far as the vectors belong to them."""
        s, moved = found.values[::-1], found.errors[::-1]
        moved = moved + found.lost * s if with_vectors else moved
        return cls(s**2, 2 * s * moved + moved**2)


def view_of_features(Z: Float64Array, view: str, labels: Any = None) -> Float64Array:
    """A view (d, N) of features (d, N), as `feature_view` has it.

    Means are removed before anything is squared: what is left is right to 2^-52 of the features' variation,
    not of the features.

    Raises:
        GeometryError: as `feature_view`.
    """
    n = Z.shape[1]
    if view == "centred":
        return without_mean_image(Z)
    if view == "class-centred":
        centred = np.empty_like(Z)
        for members in class_index(labels, n).members:
            centred[:, members] = without_mean_image(Z[:, members])
        return centred
    if view == "unit":
        norms = np.linalg.norm(Z, axis=0)
        if not norms.all():
            raise GeometryError(
                f"image {int(np.argmin(norms))} has all-zero features and no unit norm; leave it out"
            )
        unit: Float64Array = Z / norms
        return unit
    if view == "trace":
        total = float(np.sum(Z**2))
        if total <= 0:
            raise GeometryError("all features are zero and cannot be trace-normalised; use the raw view")
        return Z * float(np.sqrt(n / total))
    return Z


def without_mean_image(Z: Float64Array) -> Float64Array:
    """Features (d, n) less their mean: exactly 0 where all images are equal."""
    # Differences of float32 numbers are exact, the mean of the numbers is not.
    shifted = Z - Z[:, :1]
    centred: Float64Array = shifted - shifted.mean(axis=1, keepdims=True)
    return centred


def class_spectra_of_features(Z: Float64Array, index: ClassIndex) -> list[Spectrum]:
    """The spectrum of each class of features (d, N) in a view."""
    return [Spectrum.of(decomposition(Z[:, members])) for members in index.members]


def subspaces_of_features(
    Z: Float64Array, index: ClassIndex, rank: int
) -> tuple[ClassSubspaces, list[Spectrum]]:
    """Class subspaces, and the spectra that say how well they are known, of features (d, N) in a view.

    Raises:
        GeometryError: a class has a numerical rank below `rank`.
    """
    found = [decomposition(Z[:, members]) for members in index.members]
    bases = np.stack([_basis(of, rank, name) for of, name in zip(found, index.names, strict=True)])
    projected = np.swapaxes(bases, 1, 2) @ Z
    explained = [
        np.sum(projected[:, :, members] ** 2, axis=(1, 2)) / np.sum(Z[:, members] ** 2)
        for members in index.members
    ]
    spectra = [Spectrum.of(of, with_vectors=True) for of in found]
    subspaces = ClassSubspaces(
        [_padded(of.eigenvalues, size) for of, size in zip(spectra, index.sizes, strict=True)],
        _overlap(bases),
        np.stack(explained, axis=-1),
    )
    return subspaces, spectra


def split_half_of_features(
    Z: Float64Array, labels: Any, rank: int, seed: int, classes: Sequence[Any]
) -> Float64Array:
    """`split_half_overlap` (K, K) of features (d, N) in a view, with its random halves."""

    def overlap(halves: ClassIndex) -> Float64Array:
        named = zip(halves.members, halves.names, strict=True)
        return _overlap(np.stack([_basis(decomposition(Z[:, m]), rank, name) for m, name in named]))

    found: Float64Array = split_halves(class_index(labels, Z.shape[1], classes), seed, SPLITS, overlap, np)
    return found


def permuted_classes_of_features(
    Z: Float64Array,
    labelings: np.ndarray,
    rank: int,
    *,
    class_centred: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> PermutedClasses:
    """`permuted_classes` of one layer, from its features (d, N); errors as there."""
    labelings = checked_labelings(labelings, Z.shape[1])
    overlaps, explained, spectra = [], [], []
    for chunk in chunks(labelings, progress, cancelled):
        for index in class_indices(chunk):
            K = len(index.names)
            if K < 2:
                raise GeometryError(
                    "one class has no other to overlap with; choose labels with two classes or more"
                )
            blocks = _blocks(Z, index, class_centred)
            found = [decomposition(block) for block in blocks]
            bases = np.concatenate(
                [_basis(of, rank, name) for of, name in zip(found, index.names, strict=True)], axis=1
            )
            pairs = K * (K - 1)
            overlaps.append((np.sum((bases.T @ bases) ** 2) / rank - K) / pairs)
            shares = [np.sum((bases.T @ B) ** 2) / np.sum(B**2) for B in blocks]
            own = [np.sum(of.values[:rank] ** 2) / np.sum(of.values**2) for of in found]
            explained.append((sum(shares) - sum(own)) / pairs)
            spectra.append(
                [_padded(of.values[::-1] ** 2, B.shape[1]) for of, B in zip(found, blocks, strict=True)]
            )
    return PermutedClasses(
        np.asarray(overlaps), np.asarray(explained), spectra_of_labelings(spectra), Z.shape[1]
    )


def null_class_rate_of_features(
    Z: Float64Array,
    labelings: np.ndarray,
    d: int,
    eps: float,
    *,
    class_centred: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Float64Array:
    """`null_class_rate` (P,) of one layer, from its features (d', N) of width d."""
    n = Z.shape[1]
    rates = []
    for chunk in chunks(checked_labelings(labelings, n), progress, cancelled):
        for index in class_indices(chunk):
            blocks = _blocks(Z, index, class_centred)
            rates.append(sum(B.shape[1] / n * rate_of_features(B, d / eps**2) for B in blocks))
    return np.asarray(rates)


def null_class_centred_rate_of_features(
    Z: Float64Array,
    labelings: np.ndarray,
    d: int,
    eps: float,
    *,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Float64Array:
    """`null_class_centred_rate` (P,) of one layer, from its features (d', N), centred, of width d.

    The same identity: with Z = U σ Vᵀ, Qᵀ A⁻¹ Q is YᵀY with Y = (1 + ασ²)^-½ Vᵀ Q.
    """
    n = Z.shape[1]
    found = decomposition(Z)
    grown = 1 + d / (n * eps**2) * found.values**2
    log_det = np.sum(np.log(grown))
    V = np.concatenate([found.V / np.sqrt(grown), null_space(found.V)], axis=1)
    rates = []
    for chunk in chunks(checked_labelings(labelings, n), progress, cancelled):
        for index in class_indices(chunk):
            if found.lost > VECTORS_LOST:
                rates.append(rate_of_features(np.concatenate(_blocks(Z, index, True), axis=1), d / eps**2))
                continue
            Y = np.stack([V[m].sum(axis=0) / np.sqrt(len(m)) for m in index.members], axis=1)
            rates.append(0.5 * log_det + np.sum(np.log(singular_values(Y, np))))
    return np.asarray(rates)


def rate_of_features(Z: Float64Array, scale: float) -> float:
    """R in nats of features (d', n) in a view; `scale` is d/ε², which over n is α."""
    return 0.5 * float(np.sum(np.log1p(scale / Z.shape[1] * singular_values(Z, np) ** 2)))


def _blocks(Z: Float64Array, index: ClassIndex, class_centred: bool) -> list[Float64Array]:
    blocks = [Z[:, members] for members in index.members]
    return [without_mean_image(block) for block in blocks] if class_centred else blocks


def _basis(found: Decomposition, rank: int, name: Any) -> Float64Array:
    """The first left singular vectors (d, rank) of a class."""
    check_rank(numerical_rank(found), rank, name)
    return found.U[:, :rank]


def numerical_rank(found: Decomposition) -> int:
    """How many singular values are more than rounding: beside a massive one the others are not little."""
    return int(np.sum(found.values > RANK_SHARE * found.errors / (GROWTH * FLOAT64_EPS)))


def _overlap(bases: Float64Array) -> Float64Array:
    cosines = np.swapaxes(bases, 1, 2)[:, None] @ bases[None]
    overlap: Float64Array = np.sum(cosines**2, axis=(-2, -1)) / bases.shape[2]
    return overlap


def _padded(eigenvalues: Float64Array, n: int) -> Float64Array:
    """Ascending eigenvalues (n,): with the zeros that a Gram matrix has beyond the width."""
    return np.concatenate([np.zeros(n - len(eigenvalues)), eigenvalues])
