"""Some images of a session in one feature view, with all that is computed of them kept for the next ε."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.geometry import (
    GeometryError,
    View,
    class_rate_from_spectra,
    class_spectra,
    class_subspaces,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    feature_view,
    gram_spectrum,
)
from subspacelens_tui.geometry.designs import Design, permuted_labels
from subspacelens_tui.geometry.nulls import null_class_centred_rate, null_class_rate

T = TypeVar("T")


@dataclass(frozen=True)
class Permutations:
    """Which label permutations a null is made of."""

    design: Design
    count: int
    seed: int


class Sample:
    """The Gram matrices of all layers over one set of images.

    Args:
        grams: (layers, N, N), of the features as they are.
        widths: d of each layer.
        labels: class of each image.
        classes: the classes that occur, in the order of the result's rows.
        view: the feature view that the figures are of.
        pooled: what is kept of these images in this view whatever their labels, shared between samples.
        prompts, seeds: of each image.
        other_labels: classes of the images under the session's other label schemes.

    Raises:
        GeometryError: if the view cannot be had for these images.
    """

    def __init__(
        self,
        grams: Float64Array,
        widths: list[int],
        labels: list[str],
        classes: tuple[str, ...],
        view: View,
        pooled: dict[int, Float64Array],
        prompts: list[int],
        seeds: list[int],
        other_labels: list[list[str]],
    ) -> None:
        self.labels = labels
        self.classes = classes
        self.sizes = tuple(labels.count(name) for name in classes)
        self.count = len(labels)
        self.prompts, self.seeds, self.other_labels = prompts, seeds, other_labels
        self._raw = grams
        self._widths = widths
        self._view = view
        self._grams = feature_view(grams, view, labels) if self.count > 1 else grams
        self._pooled = pooled
        self._kept: dict[Any, Any] = {}

    def coding_rate(self, layer: int, eps: float) -> float:
        """R of a layer, in nats."""
        return float(coding_rate_from_spectrum(self._spectrum(layer), self._widths[layer], self.count, eps))

    def class_rate(self, layer: int, eps: float) -> float:
        """Rc of a layer, in nats."""
        spectra = self._keep(
            ("classes", layer), lambda: class_spectra(self._grams[layer], self.labels, self.classes)
        )
        return float(class_rate_from_spectra(spectra, self.sizes, self._widths[layer], eps))

    def effective_rank(self, layer: int) -> float:
        """Effective rank of a layer.

        Raises:
            GeometryError: if all its features are zero.
        """
        return float(effective_rank_from_spectrum(self._spectrum(layer)))

    def overlap(self, layer: int, rank: int) -> Float64Array:
        """Subspace overlap (classes, classes) of a layer.

        Raises:
            GeometryError: if a class spans fewer dimensions than `rank`.
        """
        return self._keep(("overlap", layer, rank), lambda: self._overlap(layer, rank))

    def _overlap(self, layer: int, rank: int) -> Float64Array:
        subspaces = class_subspaces(self._grams[layer], self.labels, rank, self.classes)
        # One eigendecomposition gives both: the class rate need not make its own.
        self._kept.setdefault(("classes", layer), subspaces.eigenvalues)
        return np.asarray(subspaces.overlap)

    def _spectrum(self, layer: int) -> Float64Array:
        if layer not in self._pooled:
            self._pooled[layer] = np.asarray(gram_spectrum(self._grams[layer]))
        return self._pooled[layer]

    def permuted_class_rates(
        self, eps: float, permutations: Permutations, cancelled: Callable[[], bool] | None
    ) -> tuple[Float64Array, Float64Array]:
        """R and Rc under permuted labels, each (permutations, layers), in nats.

        R depends on the labels in the class-centred view only.

        Raises:
            GeometryError: if the design permutes nothing here, or lacks what it needs.
            Cancelled: once `cancelled` says True.
        """
        return self._keep(
            ("permuted", eps, permutations), lambda: self._permuted_class_rates(eps, permutations, cancelled)
        )

    def _permuted_class_rates(
        self, eps: float, permutations: Permutations, cancelled: Callable[[], bool] | None
    ) -> tuple[Float64Array, Float64Array]:
        labelings = permuted_labels(
            np.asarray(self.labels),
            permutations.design,
            permutations.count,
            permutations.seed,
            groups=self._groups(permutations.design),
        )
        # Layers may differ in width; only d/ε² matters, so each layer gets an ε for d = 1.
        precision = eps / np.sqrt(np.asarray(self._widths, dtype=np.float64))
        centred = self._view == "class-centred"
        class_rates = null_class_rate(
            self._grams, labelings, 1, precision, class_centred=centred, cancelled=cancelled
        )
        if centred:
            rates = null_class_centred_rate(self._raw, labelings, 1, precision)
        else:
            observed = [self.coding_rate(layer, eps) for layer in range(len(self._widths))]
            rates = np.broadcast_to(np.asarray(observed), class_rates.shape)
        return np.asarray(rates), np.asarray(class_rates)

    def _groups(self, design: Design) -> list[int] | list[str] | None:
        """What the design permutes within, or as wholes."""
        if design == "within-seed":
            return self.seeds
        if design == "subjects":
            return self.prompts
        if design == "fine-within-coarse":
            return self._coarser_labels()
        return None

    def _coarser_labels(self) -> list[str]:
        """The labels of the coarsest other scheme in which these are nested."""
        nested = [
            other
            for other in self.other_labels
            if len(set(zip(self.labels, other, strict=True))) == len(self.classes) > len(set(other)) > 1
        ]
        if not nested:
            raise GeometryError(
                "no other label scheme groups these classes, so there is nothing to permute within"
            )
        return min(nested, key=lambda other: len(set(other)))

    def _keep(self, key: Any, compute: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept
