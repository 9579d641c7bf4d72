"""Metrics from d × d second moments, for more images than an N × N Gram matrix has room for.

The scatter Z Zᵀ has the eigenvalues of the Gram matrix ZᵀZ, so that rates, ranks and subspaces follow from
it as well, in memory that does not depend on N. Scatters of disjoint groups of images add up: classes are
sums of subjects, and under permuted subjects other sums.

Scatters are about the mean of their images, and merge about the mean of both (Chan, Golub and LeVeque 1983,
Am. Stat. 37), so that no mean takes the digits of what varies about it. Beside a massive dimension its
eigenvalues do not hold the others, but Cholesky factors do (`scaled_rounding` says how far), and so do
eigenvalues of the scatter at dimensions of one size (`scaled_spectrum`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry.determinants import log_determinants
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.from_features import Spectrum
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.overlap import RANK_SHARE_OF_EIGENVALUES, check_rank
from subspacelens_tui.geometry.rounding import (
    RATE_TOLERANCE,
    TOLERANCE,
    gram_resolution,
    overlap_rounding,
    subspace_rounding,
)
from subspacelens_tui.geometry.singular_values import decomposition
from subspacelens_tui.geometry.top_eigenpairs import top_eigenpairs

Float64Array = npt.NDArray[np.float64]

# Times 2^-52: the error of an entry of a scatter against its dimensions.
_SCALED = 10.0


@dataclass(frozen=True)
class Moments:
    """What a group of images adds up to.

    Attributes:
        count: n, the number of images.
        mean: (d,) z̄.
        scatter: (d, d) Σ (z - z̄)(z - z̄)ᵀ.
    """

    count: int
    mean: Float64Array
    scatter: Float64Array

    def about(self, point: Float64Array) -> Float64Array:
        """Σ (z - p)(z - p)ᵀ (d, d)."""
        apart = self.mean - point
        about: Float64Array = self.scatter + self.count * np.outer(apart, apart)
        return about

    def raw(self) -> Float64Array:
        """Σ z zᵀ (d, d)."""
        return self.about(np.zeros_like(self.mean))


class MomentsSum:
    """Adds up images of one group, many at a time.

    Args:
        width: d.
        unit: whether each image is scaled to norm 1 first.
    """

    _AT_ONCE = 256

    def __init__(self, width: int, unit: bool) -> None:
        self._unit = unit
        self._waiting: list[Float64Array] = []
        self._rows = 0
        self._sum: Moments | None = None
        self._width = width

    def add(self, rows: npt.NDArray[np.floating]) -> None:
        """Add images (n, d).

        Raises:
            GeometryError: if one of them is to be scaled to norm 1 and is all zero.
        """
        Z = rows.astype(np.float64)
        if self._unit:
            norms = np.sqrt(np.einsum("nd,nd->n", Z, Z))
            if not (norms > 0).all():
                raise GeometryError("an image has all-zero features and no unit norm; leave it out")
            Z /= norms[:, None]
        self._waiting.append(Z)
        self._rows += len(Z)
        # One product of many images: of a few each it would go through d × d numbers every time.
        if self._rows >= self._AT_ONCE:
            self._fold()

    def _fold(self) -> None:
        if self._waiting:
            Z = np.concatenate(self._waiting)
            # Differences of float32 numbers are exact, and so is the mean of a dimension that does not vary.
            shifted = Z - Z[0]
            mean = shifted.mean(axis=0)
            shifted -= mean
            more = Moments(len(Z), Z[0] + mean, shifted.T @ shifted)
            self._sum = more if self._sum is None else together([self._sum, more])
            self._waiting, self._rows = [], 0

    def moments(self) -> Moments:
        """What was added so far."""
        self._fold()
        nothing = np.zeros(self._width)
        return self._sum or Moments(0, nothing, np.outer(nothing, nothing))


def together(groups: Sequence[Moments]) -> Moments:
    """The moments of several groups as one."""
    first = groups[0]
    if len(groups) == 1:
        return first
    counts = np.asarray([group.count for group in groups], dtype=np.float64)
    apart = np.stack([group.mean - first.mean for group in groups])
    mean = counts @ apart / counts.sum()
    apart = (apart - mean) * np.sqrt(counts)[:, None]
    scatter = apart.T @ apart
    for group in groups:
        scatter += group.scatter
    return Moments(int(counts.sum()), first.mean + mean, scatter)


@dataclass(frozen=True)
class ViewedScatters:
    """Scatters of all images and of each class in one feature view.

    Attributes:
        everyone: (d, d) of all images.
        classes: for each class (d, d).
        sizes: images of each class.
    """

    everyone: Float64Array
    classes: list[Float64Array]
    sizes: list[int]

    @classmethod
    def of(cls, classes: Sequence[Moments], view: str) -> Self:
        """The scatters of a view, as `feature_view` has it (for `unit`, of moments of images of norm 1).

        Raises:
            GeometryError: if all features are zero and the view is ``trace``.
        """
        everyone = together(classes)
        sizes = [of_class.count for of_class in classes]
        if view == "centred":
            return cls(everyone.scatter, [of_class.about(everyone.mean) for of_class in classes], sizes)
        if view == "class-centred":
            found = [of_class.scatter for of_class in classes]
            return cls(np.sum(found, axis=0), found, sizes)
        scale, raw = 1.0, everyone.raw()
        if view == "trace":
            trace = float(np.trace(raw))
            if trace <= 0:
                raise GeometryError("all features are zero and cannot be trace-normalised; use the raw view")
            scale = everyone.count / trace
        return cls(scale * raw, [scale * of_class.raw() for of_class in classes], sizes)


def rate_of_scatter(scatter: Float64Array, alpha: float) -> float:
    """½ log det(I + αS) in nats, by a Cholesky factor.

    Raises:
        GeometryError: the features are so large that the factor fails in float64.
    """
    rate = 0.5 * float(log_determinants(scatter, np.asarray(alpha), np))
    if rate > len(scatter) * FLOAT64_EPS / RATE_TOLERANCE:
        return rate
    # Of pivots of 1 + x next to nothing is left.
    return 0.5 * float(np.sum(np.log1p(alpha * np.clip(np.linalg.eigvalsh(scatter), 0, None))))


def overlap_of_scatters(
    classes: Sequence[Float64Array], names: Sequence[str], rank: int
) -> tuple[Float64Array, Float64Array, float]:
    """Overlap and variance explained, each (K, K), as `class_subspaces` gives them, from scatters (d, d).

    Returns:
        Both, and how far rounding may have moved their means.

    Raises:
        GeometryError: if a class spans fewer dimensions than `rank`.
    """
    found = [_subspace(scatter, rank, name) for scatter, name in zip(classes, names, strict=True)]
    U = np.stack([basis for basis, _ in found])
    cosines = np.swapaxes(U, 1, 2)[:, None] @ U[None]
    explained = np.stack(
        [np.einsum("kdr,kdr->k", U, scatter @ U) / np.trace(scatter) for scatter in classes], axis=-1
    )
    moved = overlap_rounding([angle for _, angle in found], rank)
    return np.sum(cosines**2, axis=(-2, -1)) / rank, explained, moved


def _subspace(scatter: Float64Array, rank: int, name: str) -> tuple[Float64Array, float]:
    """The top eigenvectors (d, rank), and the sine of the angle by which rounding may have turned them."""
    values, vectors = top_eigenpairs(scatter[None].copy(), min(rank, len(scatter)), np)
    eigenvalues = np.maximum(values[0], 0)
    if rank <= len(scatter) and eigenvalues[-1] > 0:
        angle = float(subspace_rounding(eigenvalues, gram_resolution(scatter), rank))
        if angle <= TOLERANCE:
            return vectors[0], angle
        spectrum, U = scaled_spectrum(scatter)
        eigenvalues = np.where(spectrum.eigenvalues > spectrum.resolution, spectrum.eigenvalues, 0.0)
        if len(eigenvalues) >= rank and eigenvalues[-rank] > 0:
            angle = float(subspace_rounding(spectrum.eigenvalues, spectrum.resolution, rank))
            return U[:, -rank:], angle
    check_rank(int(np.sum(eigenvalues > RANK_SHARE_OF_EIGENVALUES * eigenvalues[-1])), rank, name)
    return vectors[0], 1.0


def scaled_spectrum(scatter: Float64Array) -> tuple[Spectrum, Float64Array]:
    """The spectrum (d,) of a scatter (d, d), ascending, and eigenvectors (d, m), beside massive dimensions.

    Entries of a scatter are known to 2^-52 of their own dimensions. So it is factored with every dimension at
    norm 1, and the factor, scaled back, has its singular values. Directions lost in rounding come first, as 0
    with what they may be, and have no eigenvector.
    """
    diagonal = np.diagonal(scatter)
    roots = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(scatter / roots[:, None] / roots)
    floor = len(scatter) * FLOAT64_EPS * values[-1]
    kept = values > floor
    kept[-1] = True  # also where all is zero
    found = decomposition(roots[:, None] * vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0)))
    resolution = _SCALED * FLOAT64_EPS * (diagonal @ found.U**2)
    lost = np.sort(floor * (diagonal @ vectors[:, ~kept] ** 2))
    return (
        Spectrum(
            np.concatenate([np.zeros_like(lost), found.values[::-1] ** 2]),
            np.concatenate([lost, resolution[::-1]]),
        ),
        found.U[:, ::-1],
    )
