"""How far the classes' subspaces share directions.

U_k (d, r) spans the top r left singular vectors of class k. From the Gram matrix alone: G_kk = V_k Λ_k V_kᵀ
gives U_k = Z_k W_k with W_k = V_k Λ_k^-½, hence U_iᵀ U_j = W_iᵀ G_ij W_j, and no (d, N) array is needed.

A mean that all classes share gives an overlap of about 1/r by itself: look at centred features as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import ClassIndex, class_blocks, class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import without_mean
from subspacelens_tui.geometry.inputs import Array, count, features, real_array, square_gram

# Singular values below these shares of the largest count as 0. Through the Gram matrix they are known as
# roots of eigenvalues, to about sqrt(2^-52).
RANK_SHARE = 1e-12
RANK_SHARE_OF_EIGENVALUES = 1e-12
# Random halves that `split_half_overlap` averages over.
SPLITS = 8


@dataclass(frozen=True)
class ClassSubspaces:
    """What one eigendecomposition of the class blocks gives.

    Attributes:
        eigenvalues: For each class (..., n_k), ascending, as `class_spectra` gives them.
        overlap: (..., K, K), as `overlap_from_gram` gives it.
        variance_explained: (..., K, K), as `variance_explained_from_gram` gives it.
    """

    eigenvalues: list[Array]
    overlap: Array
    variance_explained: Array


def subspace_overlap(Z: Array, labels: Any, rank: int) -> Array:
    """‖U_iᵀ U_j‖²_F / r (K, K): the mean squared cosine of the principal angles between class subspaces.

    Args:
        Z: Features (d, N), one column per image.
        labels: (N,) integers or strings; rows and columns of the result follow the sorted names.
        rank: r, the dimension of each class's subspace.

    Raises:
        GeometryError: Z is not (d, N), not finite or of fewer than two images; labels are not one per image;
            or a class has a numerical rank below r.
    """
    xp, Z = features(Z)
    rank = count(rank, "rank")
    index = class_index(labels, Z.shape[1])
    bases = []
    for name, members in zip(index.names, index.members, strict=True):
        U, s, _ = xp.linalg.svd(Z[:, xp.asarray(members, device=device(Z))], full_matrices=False)
        check_rank(
            int(xp.sum(xp.astype(s > RANK_SHARE * s[0], xp.int64))) if float(s[0]) > 0 else 0, rank, name
        )
        bases.append(U[:, :rank])
    U = xp.stack(bases)
    cosines = xp.matmul(xp.matrix_transpose(U)[:, None], U[None])
    return xp.sum(cosines**2, axis=(-2, -1)) / rank


def overlap_from_gram(G: Array, labels: Any, rank: int, classes: Sequence[Any] | None = None) -> Array:
    """`subspace_overlap` (..., K, K) from Gram matrices (..., N, N), layers batched over the leading axes.

    `classes` sets the order of rows and columns; sorted by name where it is not given.

    Raises:
        GeometryError: G is not (..., N, N) or not finite; labels are not one per image; `classes` are not
            those that occur; or a class has a numerical rank below r.
    """
    return class_subspaces(G, labels, rank, classes).overlap


def variance_explained_from_gram(
    G: Array, labels: Any, rank: int, classes: Sequence[Any] | None = None
) -> Array:
    """tr(U_iᵀ S_j U_i)/tr S_j (..., K, K): the share of class j's second moment in the subspace of class i.

    Row i is the class whose subspace it is, column j the class explained; not symmetric. Arguments and errors
    as for `overlap_from_gram`; a class whose features are all zero is an error too.
    """
    return class_subspaces(G, labels, rank, classes).variance_explained


def class_subspaces(G: Array, labels: Any, rank: int, classes: Sequence[Any] | None = None) -> ClassSubspaces:
    """Class spectra, overlap and variance explained at once; arguments, errors as for `overlap_from_gram`."""
    xp, G = square_gram(G)
    index = class_index(labels, G.shape[-1], classes)
    G, index = _sorted_by_class(G, xp, index)
    eigenvalues, weights = _class_weights(G, xp, index, rank)
    spans = _spans(index)
    projections = _projections(G, weights, spans, xp)
    power = xp.sum(projections**2, axis=-1)
    diagonal = xp.linalg.diagonal(G)
    explained = xp.stack(
        [xp.sum(power[..., s, :], axis=-2) / xp.sum(diagonal[..., s], axis=-1)[..., None] for s in spans],
        axis=-1,
    )
    return ClassSubspaces(eigenvalues, _overlap(projections, weights, spans, xp), explained)


def overlap_of_classes(G: Array, xp: Any, index: ClassIndex, rank: int, class_centred: bool) -> Array:
    """The overlap (..., K, K) alone; `class_centred` removes the class means from a G that has them.

    Only the class blocks need centring: W_k then is orthogonal to the constant, so W_iᵀ G_ij W_j is unchanged
    by it.
    """
    G, index = _sorted_by_class(G, xp, index)
    _, weights = _class_weights(G, xp, index, rank, class_centred)
    spans = _spans(index)
    return _overlap(_projections(G, weights, spans, xp), weights, spans, xp)


def split_half_overlap(
    G: Array,
    labels: Any,
    rank: int,
    rng: np.random.Generator | int,
    splits: int = SPLITS,
    classes: Sequence[Any] | None = None,
) -> Array:
    """Overlap (..., K, K) between subspaces fitted to random halves of the classes, averaged over `splits`.

    The diagonal is the overlap of a class with itself between its halves: the ceiling that sampling leaves.
    Entry (i, j) is a half of i against a half of j, at the same number of images and so comparable with the
    ceiling; an overlap of whole classes is not, since subspaces of more images are steadier.

    Args:
        G: Gram matrices (..., N, N).
        labels: (N,) integers or strings.
        rank: r, at most the numerical rank of half a class.
        rng: A generator, or a seed for one.
        splits: How many random splits to average.
        classes: The order of the classes; sorted by name where it is not given.

    Raises:
        GeometryError: As for `overlap_from_gram`, or a class of a single image.
    """
    xp, G = square_gram(G)
    index = class_index(labels, G.shape[-1], classes)
    return split_halves(index, rng, splits, lambda halves: overlap_of_classes(G, xp, halves, rank, False), xp)


def split_halves(
    index: ClassIndex,
    rng: np.random.Generator | int,
    splits: int,
    overlap: Callable[[ClassIndex], Array],
    xp: Any,
) -> Array:
    """The mean (..., K, K) over random splits of what `overlap` (..., 2K, 2K) gives between halves."""
    rng = np.random.default_rng(rng)
    K = len(index.names)
    for name, size in zip(index.names, index.sizes, strict=True):
        if size < 2:
            raise GeometryError(f"class {name!r} has a single image and no halves; record more images")
    total = 0
    for _ in range(count(splits, "splits")):
        shuffled = [rng.permutation(m) for m in index.members]
        halves = [m[: len(m) // 2] for m in shuffled] + [m[len(m) // 2 :] for m in shuffled]
        names = [f"half of {name}" for name in index.names] * 2
        between = overlap(ClassIndex(tuple(names), tuple(halves)))[..., :K, K:]
        total = total + (between + xp.matrix_transpose(between)) / 2
    return total / splits


def mean_off_diagonal(M: Array) -> Array:
    """The mean (...) of the off-diagonal entries of (..., K, K).

    Raises:
        GeometryError: The matrices are not square, or have a single class.
    """
    xp, M = real_array(M, "M")
    if M.ndim < 2 or M.shape[-1] != M.shape[-2]:
        raise GeometryError(f"M must be (..., K, K); got shape {tuple(M.shape)}")
    k = M.shape[-1]
    if k < 2:
        raise GeometryError("one class has no other to overlap with; choose labels with two classes or more")
    return (xp.sum(M, axis=(-2, -1)) - xp.sum(xp.linalg.diagonal(M), axis=-1)) / (k * (k - 1))


def _sorted_by_class(G: Array, xp: Any, index: ClassIndex) -> tuple[Array, ClassIndex]:
    """G with the images of each class side by side, so that classes are slices and not copies."""
    order = xp.asarray(np.concatenate(index.members), device=device(G))
    ends = np.cumsum(index.sizes)
    members = tuple(np.arange(end - size, end) for end, size in zip(ends, index.sizes, strict=True))
    return xp.take(xp.take(G, order, axis=-2), order, axis=-1), ClassIndex(index.names, members)


def _spans(index: ClassIndex) -> list[slice]:
    return [slice(int(m[0]), int(m[-1]) + 1) for m in index.members]


def _projections(G: Array, weights: list[Array], spans: list[slice], xp: Any) -> Array:
    """Zᵀ U_k = Zᵀ Z_k W_k, for every image and class: (..., N, K, r)."""
    columns = [xp.matmul(G[..., :, s], W) for s, W in zip(spans, weights, strict=True)]
    return xp.stack(columns, axis=-2)


def _overlap(projections: Array, weights: list[Array], spans: list[slice], xp: Any) -> Array:
    """‖U_iᵀ U_j‖²_F / r (..., K, K), with U_iᵀ U_j = W_iᵀ Z_iᵀ U_j."""
    K, r = projections.shape[-2:]
    flat = xp.reshape(projections, (*projections.shape[:-2], K * r))
    rows = []
    for s, W in zip(spans, weights, strict=True):
        cosines = xp.matmul(xp.matrix_transpose(W), flat[..., s, :])
        cosines = xp.reshape(cosines, (*cosines.shape[:-1], K, r))
        rows.append(xp.sum(cosines**2, axis=(-3, -1)) / r)
    return xp.stack(rows, axis=-2)


def _class_weights(
    G: Array, xp: Any, index: ClassIndex, rank: int, class_centred: bool = False
) -> tuple[list[Array], list[Array]]:
    """For each class its eigenvalues (..., n_k), and W_k = V_k Λ_k^-½ (..., n_k, r) of the r largest."""
    rank = count(rank, "rank")
    eigenvalues: list[Array] = [None] * len(index.names)
    weights: list[Array] = [None] * len(index.names)
    for which, members in index.by_size():
        blocks = class_blocks(G, members, xp, device(G))
        values, vectors = xp.linalg.eigh(without_mean(blocks, xp) if class_centred else blocks)
        above = xp.sum(xp.astype(values > RANK_SHARE_OF_EIGENVALUES * values[..., -1:], xp.int64), axis=-1)
        above = xp.where(values[..., -1] > 0, above, xp.zeros_like(above))
        above = xp.min(xp.reshape(above, (-1, len(which))), axis=0)
        for position, k in enumerate(which):
            check_rank(int(above[position]), rank, index.names[k])
        W = vectors[..., -rank:] / xp.sqrt(values[..., None, -rank:])
        for position, k in enumerate(which):
            eigenvalues[k], weights[k] = values[..., position, :], W[..., position, :, :]
    return eigenvalues, weights


def check_rank(numerical_rank: int, rank: int, name: Any) -> None:
    """GeometryError, in words, if a class has too low a numerical rank."""
    if numerical_rank < rank:
        raise GeometryError(
            f"class {name!r} has numerical rank {numerical_rank}, below the subspace dimension {rank}; "
            + (
                f"choose a dimension of at most {numerical_rank}"
                if numerical_rank
                else "its features are all zero"
            )
        )
