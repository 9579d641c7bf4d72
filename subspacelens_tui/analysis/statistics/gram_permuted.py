"""Rates and overlaps of several layers under permuted labels, from their Gram matrices: closed forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram_sample import Sample
from subspacelens_tui.geometry import (
    GeometryError,
    PermutedClasses,
    null_class_centred_rate,
    null_class_rate,
    permuted_classes,
)

T = TypeVar("T")

_SUBSPACES = "permuted subspaces"
_PERMUTATIONS = "permutations"


class PermutedLayers:
    """Layers of a sample under permuted labels, computed together when one of them is asked for.

    Args:
        sample: of these layers only.
        eps: ε of each of them.
        rank: the dimension of the class subspaces.
        labelings: of the images.
        watch: progress and cancellation.
    """

    def __init__(
        self, sample: Sample, eps: list[float], rank: int, labelings: Labelings, watch: Watch
    ) -> None:
        self._sample, self._eps, self._rank, self._watch = sample, eps, rank, watch
        self._codes = labelings.codes
        self._key = labelings.key, len(labelings.codes)
        self._why: dict[str, GeometryError] = {}
        self._class_centred = sample.view == "class-centred"

    def rates(self, layer: int) -> tuple[Float64Array, Float64Array]:
        """R and Rc (P,) of a layer; R depends on the labels in the class-centred view only.

        Raises:
            GeometryError: they cannot be had of all layers.
        """
        R, Rc = self._sample.keep_last(
            "permuted rates", (tuple(self._eps), self._key), lambda: self._once("rates", self._rates)
        )
        return R[:, layer], Rc[:, layer]

    def subspaces(self, layer: int) -> PermutedClasses:
        """Overlap and variance explained of a layer.

        Raises:
            GeometryError: a permuted class of any layer spans fewer dimensions than `rank`.
        """
        return self._sample.keep(
            (_SUBSPACES, self._rank, self._key), lambda: self._once("subspaces", self._subspaces)
        )[layer].classes

    def _once(self, what: str, compute: Callable[[], T]) -> T:
        """What is computed of all layers together, and fails for all of them together."""
        if what in self._why:
            raise self._why[what]
        try:
            return compute()
        except GeometryError as error:
            self._why[what] = error
            raise

    def _rates(self) -> tuple[Float64Array, Float64Array]:
        sample, precisions = self._sample, self._sample.precisions(self._eps)
        coarse = [sample.rates_are_coarse(layer, eps) for layer, eps in enumerate(self._eps)]
        Rc = self._class_rates(precisions, coarse)
        if self._class_centred:
            # Centred by the true classes, permuted ones would show an excess out of nothing.
            return self._class_centred_rates(precisions, coarse), Rc
        observed = [sample.coding_rate(layer, eps) for layer, eps in enumerate(self._eps)]
        return np.broadcast_to(np.asarray(observed), Rc.shape), Rc

    def _class_rates(self, precisions: Float64Array, coarse: list[bool]) -> Float64Array:
        """Rc (permutations, layers), of layers whose Gram matrix is too coarse from their features."""
        sample, count = self._sample, len(self._codes)
        known: dict[int, _Permuted] = sample.kept((_SUBSPACES, self._rank, self._key)) or {}
        said = self._watch.of(_PERMUTATIONS, 0, 2 * count if self._class_centred else count)
        Rc = np.empty((count, len(coarse)))
        left = []
        for layer, precision in enumerate(precisions.tolist()):
            if layer in known and (known[layer].of_features or not coarse[layer]):
                Rc[:, layer] = known[layer].classes.class_rate(1, precision)
            elif coarse[layer]:
                Rc[:, layer] = sample.by_features.permuted_class_rate(layer, self._codes, precision, said)
            else:
                left.append(layer)
        if left:
            Rc[:, left] = null_class_rate(
                _some(sample.raw if self._class_centred else sample.grams, left),
                self._codes,
                1,
                precisions[left],
                class_centred=self._class_centred,
                progress=said,
            )
        return Rc

    def _class_centred_rates(self, precisions: Float64Array, coarse: list[bool]) -> Float64Array:
        """R (permutations, layers) of the class-centred view, each labelling centred by its own classes."""
        sample, count = self._sample, len(self._codes)
        said = self._watch.of(_PERMUTATIONS, count, 2 * count)
        R = np.empty((count, len(coarse)))
        for layer in np.flatnonzero(coarse).tolist():
            R[:, layer] = sample.by_features.permuted_rate(layer, self._codes, precisions[layer], said)
        if not all(coarse):
            left = [layer for layer, is_coarse in enumerate(coarse) if not is_coarse]
            R[:, left] = null_class_centred_rate(
                _some(sample.raw, left), self._codes, 1, precisions[left], progress=said
            )
        return R

    def _subspaces(self) -> "dict[int, _Permuted]":
        sample, layers, count = self._sample, len(self._sample.widths), len(self._codes)
        grams = sample.raw if self._class_centred else sample.grams
        found = {}
        for layer in range(layers):
            said = self._watch.of(_PERMUTATIONS, layer * count, layers * count)
            coarse = sample.subspaces_are_coarse(layer, self._rank)
            classes = (
                sample.by_features.permuted_classes(
                    layer, self._codes, self._rank, said, self._watch.cancelled
                )
                if coarse
                else permuted_classes(
                    grams[layer],
                    self._codes,
                    self._rank,
                    class_centred=self._class_centred,
                    progress=said,
                    cancelled=self._watch.cancelled,
                )
            )
            found[layer] = _Permuted(classes, coarse)
        return found


@dataclass(frozen=True)
class _Permuted:
    """The permuted classes of one layer, and whether they are of its features."""

    classes: PermutedClasses
    of_features: bool


def _some(grams: Float64Array, layers: list[int]) -> Float64Array:
    """The Gram matrices of some layers, without a copy of all."""
    return grams if len(layers) == len(grams) else grams[layers]
