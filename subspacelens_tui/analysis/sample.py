"""Some images of a session in one feature view, with all that is computed of them kept for the next ε."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.geometry import (
    View,
    class_rate_from_spectra,
    class_spectra,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    feature_view,
    gram_spectrum,
    overlap_from_gram,
)

T = TypeVar("T")


class Sample:
    """The Gram matrices of all layers over one set of images.

    Args:
        grams: (layers, N, N), of the features as they are.
        widths: d of each layer.
        labels: class of each image.
        classes: the classes that occur, in the order of the result's rows.
        view: the feature view that the figures are of.

    Raises:
        GeometryError: if the view cannot be had for these images.
    """

    def __init__(
        self, grams: Float64Array, widths: list[int], labels: list[str], classes: tuple[str, ...], view: View
    ) -> None:
        self.labels = labels
        self.classes = classes
        self.sizes = tuple(labels.count(name) for name in classes)
        self.count = len(labels)
        self._raw = grams
        self._widths = widths
        self._view = view
        self._grams = feature_view(grams, view, labels) if self.count > 1 else grams
        self._kept: dict[Any, Any] = {}

    def coding_rate(self, layer: int, eps: float) -> float:
        """R of a layer, in nats."""
        spectrum = self._keep(("pooled", layer), lambda: gram_spectrum(self._grams[layer]))
        return float(coding_rate_from_spectrum(spectrum, self._widths[layer], self.count, eps))

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
        spectrum = self._keep(("pooled", layer), lambda: gram_spectrum(self._grams[layer]))
        return float(effective_rank_from_spectrum(spectrum))

    def overlap(self, layer: int, rank: int) -> Float64Array:
        """Subspace overlap (classes, classes) of a layer.

        Raises:
            GeometryError: if a class spans fewer dimensions than `rank`.
        """
        return self._keep(
            ("overlap", layer, rank),
            lambda: np.asarray(overlap_from_gram(self._grams[layer], self.labels, rank, self.classes)),
        )

    def null_delta_R(self, layer: int, eps: float, permutations: int, seed: int) -> Float64Array:
        """ΔR of a layer under permuted labels (permutations,), in nats."""
        return self._keep(
            ("null", layer, eps, permutations, seed),
            lambda: self._null_delta_R(layer, eps, self._labelings(permutations, seed)),
        )

    def _labelings(self, permutations: int, seed: int) -> Any:
        rng = np.random.default_rng(seed)
        return [rng.permutation(self.labels) for _ in range(permutations)]

    def _null_delta_R(self, layer: int, eps: float, labelings: Any) -> Float64Array:
        d = self._widths[layer]
        values = []
        for labels in labelings:
            spectra = class_spectra(self._grams[layer], labels, self.classes)
            values.append(
                self.coding_rate(layer, eps) - float(class_rate_from_spectra(spectra, self.sizes, d, eps))
            )
        return np.asarray(values)

    def _keep(self, key: Any, compute: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept
