"""The classes under permuted labels, their blocks decomposed once: overlaps, and rates at any ε.

A layer at a time: its Gram matrix stays in the processor's cache while all permutations go over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array, to_device

from subspacelens_tui.geometry.classes import ClassIndex, class_indices
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import without_mean
from subspacelens_tui.geometry.inputs import Array, count, precision, square_gram
from subspacelens_tui.geometry.overlap import RANK_SHARE_OF_EIGENVALUES, check_rank
from subspacelens_tui.geometry.progress import (
    CHUNK,
    IsCancelled,
    Progress,
    check_cancelled,
    checked_labelings,
)
from subspacelens_tui.geometry.top_eigenpairs import top_eigenpairs


@dataclass(frozen=True)
class _Blocks:
    """The spectra (m, size) of class blocks of one size, and which labelling and layer each is of."""

    size: int
    labelling: np.ndarray
    layer: np.ndarray
    spectra: Array


@dataclass(frozen=True)
class PermutedClasses:
    """Metrics under P labelings, for Gram matrices (..., N, N).

    Attributes:
        overlap: (P, ...) mean off-diagonal subspace overlap.
        variance_explained: (P, ...) mean off-diagonal variance explained.
    """

    overlap: Array
    variance_explained: Array
    _blocks: tuple[_Blocks, ...]
    _images: int

    def class_rate(self, d: int, eps: Any) -> Array:
        """Rc (P, ...) in nats at any ε, in O(N) for each labelling and layer.

        Args:
            d: The width of the features.
            eps: ε, a number or an array that broadcasts against the leading shape of G.

        Raises:
            GeometryError: ε or d is out of its range.
        """
        xp, shape = array_namespace(self.overlap), self.overlap.shape
        scale = count(d, "d") / xp.broadcast_to(precision(eps, xp, self.overlap), shape[1:]) ** 2
        scale = xp.reshape(scale, (-1,))
        total = np.zeros((shape[0], scale.shape[0]))
        for of in self._blocks:
            alpha = xp.take(scale, xp.asarray(of.layer, device=device(scale))) / of.size
            rates = 0.5 * xp.sum(xp.log1p(alpha[:, None] * of.spectra), axis=-1)
            rates = to_device(rates, "cpu") if is_torch_array(rates) else rates
            np.add.at(total, (of.labelling, of.layer), of.size / self._images * np.asarray(rates))
        return xp.reshape(xp.asarray(total, device=device(scale)), shape)


def permuted_classes(
    G: Array,
    labelings: np.ndarray,
    rank: int,
    *,
    class_centred: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> PermutedClasses:
    """Overlap, variance explained and class rates under each of P labelings, for Gram matrices (..., N, N).

    Args:
        G: Gram matrices of the view in question, layers over the leading axes.
        labelings: (P, N), as `permuted_labels` gives them.
        rank: r, the dimension of the class subspaces.
        class_centred: See `null_class_rate`.
        progress: Called with the permutations done, of all layers, and their total.
        cancelled: Asked between chunks of permutations of a layer.

    Raises:
        GeometryError: Bad G or labelings, one class, or a permuted class of numerical rank below `rank`.
        Cancelled: `cancelled` returned True.
    """
    xp, G = square_gram(G)
    n = G.shape[-1]
    rank = count(rank, "rank")
    indices = class_indices(checked_labelings(labelings, n))
    layers = xp.reshape(G, (-1, n, n))
    collected = _Collected()
    total = layers.shape[0] * len(indices)
    for layer in range(layers.shape[0]):
        for p, index in enumerate(indices):
            if p % CHUNK == 0:
                check_cancelled(cancelled)
            collected.add(_decomposed(layers[layer], index, rank, class_centred, xp), p, layer)
            if progress is not None and (p % CHUNK == CHUNK - 1 or p == len(indices) - 1):
                progress(layer * len(indices) + p + 1, total)
    return collected.all(len(indices), G, xp)


@dataclass(frozen=True)
class _Decomposed:
    """One labelling of one layer: the means, and the spectra (k, n) of the classes of each size."""

    overlap: Array
    explained: Array
    spectra: list[Array]


def _decomposed(G: Array, index: ClassIndex, rank: int, class_centred: bool, xp: Any) -> _Decomposed:
    K, n = len(index.names), G.shape[-1]
    if K < 2:
        raise GeometryError("one class has no other to overlap with; choose labels with two classes or more")
    parts, spectra, onto = [], [], []
    for which, members in index.by_size():
        k, size = members.shape
        flat = xp.asarray(members.reshape(-1), device=device(G))
        rows = xp.reshape(xp.take(G, flat, axis=0), (k, size, n))
        columns = xp.reshape(flat, (k, size))
        # From the rows of a class, which lie together: half the time of taking the block from G.
        B = xp.stack([xp.take(rows[i], columns[i], axis=1) for i in range(k)])
        B = without_mean(B, xp) if class_centred else B
        trace = xp.sum(xp.linalg.diagonal(B), axis=-1)
        values, vectors = top_eigenpairs(B, rank, xp)
        _check_ranks(values, rank, which, index)
        # W = V Λ^-½, so that U = Z_k W and Uᵀ Z = Wᵀ G with the rows of the class: see `overlap`.
        W = vectors / xp.sqrt(values[:, None, -rank:])
        onto.append(xp.reshape(xp.matmul(xp.matrix_transpose(W), rows), (k * rank, n)))
        parts.append((flat, W, trace, xp.sum(values[:, -rank:], axis=-1)))
        spectra.append(xp.clip(values, 0.0, None))
    projections = xp.concat(onto, axis=0) if len(onto) > 1 else onto[0]
    shared, explained = 0.0, 0.0
    for flat, W, trace, of_itself in parts:
        own = xp.reshape(xp.take(projections, flat, axis=1), (K * rank, *W.shape[:2]))
        own = own - xp.mean(own, axis=-1, keepdims=True) if class_centred else own
        own = xp.permute_dims(own, (1, 0, 2))
        cosines = xp.reshape(xp.matmul(own, W), (-1,))
        shared = shared + xp.vecdot(cosines, cosines)
        power = xp.sum(xp.vecdot(own, own), axis=-1) - of_itself
        explained = explained + xp.sum(power / trace)
    pairs_of_classes = K * (K - 1)
    return _Decomposed((shared / rank - K) / pairs_of_classes, explained / pairs_of_classes, spectra)


def _check_ranks(values: Array, rank: int, which: list[int], index: ClassIndex) -> None:
    size = values.shape[-1]
    if size < rank:
        check_rank(size, rank, index.names[which[0]])
    enough = values[:, -rank] > RANK_SHARE_OF_EIGENVALUES * values[:, -1]
    for position, k in enumerate(which):
        if not bool(enough[position]):
            raise GeometryError(
                f"permuted class {index.names[k]!r} has a numerical rank below the subspace dimension "
                f"{rank}; choose a smaller dimension"
            )


class _Collected:
    """What is found of each labelling and layer, until all are there."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], _Decomposed] = {}

    def add(self, found: _Decomposed, labelling: int, layer: int) -> None:
        self._found[labelling, layer] = found

    def all(self, labelings: int, G: Array, xp: Any) -> PermutedClasses:
        order = sorted(self._found)
        shape = (labelings, *G.shape[:-2])
        overlap = xp.stack([xp.asarray(self._found[key].overlap, device=device(G)) for key in order])
        explained = xp.stack([xp.asarray(self._found[key].explained, device=device(G)) for key in order])
        return PermutedClasses(
            xp.reshape(overlap, shape), xp.reshape(explained, shape), self._spectra(xp), G.shape[-1]
        )

    def _spectra(self, xp: Any) -> tuple[_Blocks, ...]:
        by_size: dict[int, list[tuple[tuple[int, int], Array]]] = {}
        for key, found in self._found.items():
            for spectra in found.spectra:
                by_size.setdefault(spectra.shape[1], []).append((key, spectra))
        return tuple(_joined(size, found, xp) for size, found in by_size.items())


def spectra_of_labelings(found: Sequence[Sequence[np.ndarray]]) -> tuple[_Blocks, ...]:
    """What `PermutedClasses` keeps of one layer: for each labelling the eigenvalues (n,) of each class."""
    by_size: dict[int, list[tuple[tuple[int, int], np.ndarray]]] = {}
    for labelling, spectra in enumerate(found):
        for eigenvalues in spectra:
            by_size.setdefault(len(eigenvalues), []).append(((labelling, 0), eigenvalues[None]))
    return tuple(_joined(size, of_size, np) for size, of_size in by_size.items())


def _joined(size: int, found: list[tuple[tuple[int, int], Array]], xp: Any) -> _Blocks:
    owners = np.repeat([key for key, _ in found], [spectra.shape[0] for _, spectra in found], axis=0)
    return _Blocks(size, owners[:, 0], owners[:, 1], xp.concat([spectra for _, spectra in found], axis=0))
