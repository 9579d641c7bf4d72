"""The metrics of single layers from their features, for layers whose Gram matrix does not hold them."""

from collections.abc import Sequence

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.transformed_grams import FeaturesOf
from subspacelens_tui.geometry import (
    ClassSubspaces,
    PermutedClasses,
    RateEstimates,
    View,
    jackknife_of_features,
)
from subspacelens_tui.geometry.classes import ClassIndex, class_index
from subspacelens_tui.geometry.delete_one_features import delete_one_ranks_of_features
from subspacelens_tui.geometry.from_features import (
    Spectrum,
    class_spectra_of_features,
    null_class_centred_rate_of_features,
    null_class_rate_of_features,
    permuted_classes_of_features,
    split_half_of_features,
    subspaces_of_features,
    view_of_features,
)
from subspacelens_tui.geometry.progress import IsCancelled, Progress
from subspacelens_tui.geometry.singular_values import compressed, decomposition


class ByFeatures:
    """What a `Sample` is asked, layer by layer, from the features.

    Args:
        features: of its images.
        labels: of its images.
        classes: the order of the classes.
        view: the feature view.
    """

    def __init__(
        self, features: FeaturesOf, labels: Sequence[str], classes: Sequence[str], view: View
    ) -> None:
        self._features, self._labels, self._view = features, np.asarray(labels), view
        self._classes = classes
        self._base: tuple[int, Float64Array] | None = None

    def _index(self) -> ClassIndex:
        return class_index(self._labels, len(self._labels), self._classes)

    def _viewed(self, layer: int) -> Float64Array:
        return view_of_features(self._features(layer), self._view, self._labels)

    def _compressed(self, layer: int) -> Float64Array:
        """The features in as few rows as will do, before whatever in their view depends on the images."""
        # Only of the layer looked at last: one is as large as a Gram matrix.
        if self._base is None or self._base[0] != layer:
            Z = self._features(layer)
            # A common mean may be beyond all digits of the rest, and is in none of these views.
            removed = self._view in ("centred", "class-centred")
            self._base = layer, compressed(view_of_features(Z, "centred") if removed else Z)
        return self._base[1]

    def spectrum(self, layer: int) -> Spectrum:
        """The spectrum of all images, of min(d, N) eigenvalues."""
        return Spectrum.of(decomposition(self._viewed(layer)))

    def class_spectra(self, layer: int) -> list[Spectrum]:
        """Those of the classes."""
        return class_spectra_of_features(self._viewed(layer), self._index())

    def subspaces(self, layer: int, rank: int) -> tuple[ClassSubspaces, list[Spectrum]]:
        """Class subspaces, and the spectra of the classes.

        Raises:
            GeometryError: a class spans fewer dimensions than `rank`.
        """
        return subspaces_of_features(self._viewed(layer), self._index(), rank)

    def split_half(self, layer: int, rank: int, seed: int) -> Float64Array:
        """Overlap between random halves of the classes; errors as of `subspaces`."""
        return split_half_of_features(self._viewed(layer), self._labels, rank, seed, self._classes)

    def ranks_without_each(self, layer: int) -> dict[str, Float64Array]:
        """The ranks without each image in turn."""
        return delete_one_ranks_of_features(self._compressed(layer), self._labels, self._view)

    def jackknife(
        self, layer: int, precision: float, groups: np.ndarray | None, cancelled: IsCancelled | None
    ) -> RateEstimates:
        """The rates with their errors at ε/√d, without each image or group."""
        Z = self._compressed(layer)
        return jackknife_of_features(Z, self._labels, groups, 1, precision, self._view, cancelled=cancelled)

    def part(self, layer: int, kept: np.ndarray, labels: np.ndarray) -> Float64Array:
        """Some of the images in their view, with labels of their own, in as few rows as will do."""
        return view_of_features(self._compressed(layer)[:, kept], self._view, labels)

    def permuted_classes(
        self,
        layer: int,
        labelings: np.ndarray,
        rank: int,
        progress: Progress | None,
        cancelled: IsCancelled | None,
    ) -> PermutedClasses:
        """Overlap and class spectra under permuted labels."""
        return permuted_classes_of_features(
            self._before_labels(layer),
            labelings,
            rank,
            class_centred=self._view == "class-centred",
            progress=progress,
            cancelled=cancelled,
        )

    def permuted_class_rate(
        self, layer: int, labelings: np.ndarray, precision: float, progress: Progress | None
    ) -> Float64Array:
        """Rc (P,) in nats at ε/√d under permuted labels."""
        return null_class_rate_of_features(
            self._before_labels(layer),
            labelings,
            1,
            precision,
            class_centred=self._view == "class-centred",
            progress=progress,
        )

    def permuted_rate(
        self, layer: int, labelings: np.ndarray, precision: float, progress: Progress | None
    ) -> Float64Array:
        """R (P,) in nats of the class-centred view at ε/√d under permuted labels."""
        Z = self._before_labels(layer)
        return null_class_centred_rate_of_features(Z, labelings, 1, precision, progress=progress)

    def _before_labels(self, layer: int) -> Float64Array:
        """The features in their view as far as it does not depend on the labels."""
        Z = self._compressed(layer)
        return Z if self._view in ("raw", "class-centred") else view_of_features(Z, self._view)
