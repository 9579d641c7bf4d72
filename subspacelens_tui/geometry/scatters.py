"""Figures from d × d second moments, for more images than an N × N Gram matrix has room for.

The scatter Z Zᵀ has the eigenvalues of the Gram matrix ZᵀZ, so that rates, ranks and subspaces follow from
it as well, in memory that does not depend on N. Scatters of disjoint groups of images add up: classes are
sums of subjects, and under permuted subjects other sums. Rounding is that of float64 on numbers of the size
of Z Zᵀ, as for the Gram matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.overlap import RANK_SHARE_OF_EIGENVALUES
from subspacelens_tui.geometry.top_eigenpairs import top_eigenpairs

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """What a group of images adds up to.

    Attributes:
        count: n, the number of images.
        total: (d,) Σ z.
        scatter: (d, d) Σ z zᵀ.
    """

    count: int
    total: Float64Array
    scatter: Float64Array

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.count + other.count, self.total + other.total, self.scatter + other.scatter)

    def about(self, mean: Float64Array) -> Float64Array:
        """Σ (z - m)(z - m)ᵀ (d, d)."""
        cross = np.outer(self.total, mean)
        return self.scatter - cross - cross.T + self.count * np.outer(mean, mean)

    def centred(self) -> Float64Array:
        """Σ (z - z̄)(z - z̄)ᵀ (d, d) about their own mean."""
        return self.scatter - np.outer(self.total, self.total) / self.count


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
        self._sum = Moments(0, np.zeros(width), np.zeros((width, width)))

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
            self._sum += Moments(len(Z), Z.sum(axis=0), Z.T @ Z)
            self._waiting, self._rows = [], 0

    def moments(self) -> Moments:
        """What was added so far."""
        self._fold()
        return self._sum


def together(groups: Sequence[Moments]) -> Moments:
    """The moments of several groups as one."""
    found = groups[0]
    for group in groups[1:]:
        found += group
    return found


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
            mean = everyone.total / everyone.count
            return cls(everyone.centred(), [of_class.about(mean) for of_class in classes], sizes)
        if view == "class-centred":
            found = [of_class.centred() for of_class in classes]
            return cls(np.sum(found, axis=0), found, sizes)
        scale = 1.0
        if view == "trace":
            trace = float(np.trace(everyone.scatter))
            if trace <= 0:
                raise GeometryError("all features are zero and cannot be trace-normalised; use the raw view")
            scale = everyone.count / trace
        return cls(scale * everyone.scatter, [scale * of_class.scatter for of_class in classes], sizes)


def overlap_of_scatters(
    classes: Sequence[Float64Array], names: Sequence[str], rank: int
) -> tuple[Float64Array, Float64Array]:
    """Overlap and variance explained, each (K, K), as `class_subspaces` gives them, from scatters (d, d).

    Raises:
        GeometryError: if a class spans fewer dimensions than `rank`.
    """
    bases = []
    for name, scatter in zip(names, classes, strict=True):
        values, vectors = top_eigenpairs(scatter[None].copy(), min(rank, len(scatter)), np)
        above = int(np.sum(values[0] > max(RANK_SHARE_OF_EIGENVALUES * values[0, -1], 0.0)))
        if above < rank:
            raise GeometryError(
                f"class {name!r} has numerical rank {above}, below the asked rank {rank}; "
                + (f"choose a rank of at most {above}" if above else "its features are all zero")
            )
        bases.append(vectors[0])
    U = np.stack(bases)
    cosines = np.swapaxes(U, 1, 2)[:, None] @ U[None]
    explained = np.stack(
        [np.einsum("kdr,kdr->k", U, scatter @ U) / np.trace(scatter) for scatter in classes], axis=-1
    )
    return np.sum(cosines**2, axis=(-2, -1)) / rank, explained
