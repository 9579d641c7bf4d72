"""Layers of Gram matrices resampled: under permuted labels, and without each image, seed or subject."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.metrics.registry import Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.statistics.base import Codes, Labelings, LayerStatistics, Need, Resampled
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.gram_permuted import PermutedLayers
from subspacelens_tui.analysis.statistics.groups import groups_of, kept_without, mean_without, strata_of
from subspacelens_tui.geometry import (
    GeometryError,
    class_rate_from_gram,
    coding_rate_from_gram,
    delete_one_ranks,
    effective_rank_from_spectrum,
    gram_spectrum,
    group_jackknife,
    jackknife,
    permuted_classes,
)
from subspacelens_tui.geometry.classes import class_index
from subspacelens_tui.geometry.contraction import Contraction, fit_contraction
from subspacelens_tui.geometry.delete_one_features import rates_of_features
from subspacelens_tui.geometry.delete_one_ranks import nearly_all
from subspacelens_tui.geometry.from_features import permuted_classes_of_features, view_of_features
from subspacelens_tui.geometry.label_part import LabelPart
from subspacelens_tui.geometry.neighbours import knn_accuracy, nearest_of_other_groups
from subspacelens_tui.geometry.singular_values import singular_values
from subspacelens_tui.geometry.spectra import OF_SINGULAR_VALUES
from subspacelens_tui.geometry.updates import Update

if TYPE_CHECKING:
    from subspacelens_tui.analysis.statistics.gram import GramLayer

_SUBSPACE_MEANS = ("overlap_mean", "explained_mean")


class GramPart(LayerStatistics):
    """Some images of a layer under some labels: what any resampling can be made of.

    Args:
        whole: all of its images, with their own labels.
        kept: which of them.
        labels: of these.
    """

    def __init__(self, whole: "GramLayer", kept: npt.NDArray[np.intp], labels: npt.NDArray[Any]) -> None:
        super().__init__(replace(whole.settings, eps=whole.eps, iso_rate=None))
        self._whole, self._chosen, self._labels = whole, kept, labels
        self._sample, self.index = whole.sample, whole.index
        self.width, self.images = whole.width, len(kept)
        self.classes = np.unique(labels).tolist()

    @cached_property
    def _viewed(self) -> Float64Array:
        return self._sample.view_of(self.index, self._chosen, self._labels)

    @cached_property
    def _of_features(self) -> Float64Array:
        """The features in their view, in as few rows as will do."""
        return self._sample.by_features.part(self.index, self._chosen, self._labels)

    @property
    def _precision(self) -> float:
        return self._sample.precision(self.index, self.eps)

    @cached_property
    def _rates(self) -> tuple[float, float]:
        if not self._sample.rates_are_coarse(self.index, self.eps):
            R = coding_rate_from_gram(self._viewed, 1, self._precision)
            return float(R), float(class_rate_from_gram(self._viewed, self._labels, 1, self._precision))
        index = class_index(self._labels, self.images)
        return rates_of_features(self._of_features, index, self._labels, 1 / self._precision**2, "raw")

    def coding_rate(self) -> float:
        """By Cholesky factors."""
        return self._rates[0]

    def class_rate(self) -> float:
        """By Cholesky factors."""
        return self._rates[1]

    @cached_property
    def _coarse(self) -> bool:
        return self._sample.spectrum_is_coarse(self.index)

    @cached_property
    def _eigenvalues(self) -> Float64Array:
        if self._coarse:
            return np.asarray(singular_values(self._of_features, np)) ** 2
        spectrum = np.asarray(gram_spectrum(self._viewed))
        return self._sample.may_be_there(self.index, spectrum, self._labels.tolist())

    def eigenvalues(self) -> Float64Array:
        """Anew."""
        return self._eigenvalues

    def effective_rank(self) -> float:
        """Anew."""
        return float(effective_rank_from_spectrum(self._eigenvalues, *(self._coarse * (OF_SINGULAR_VALUES,))))

    def unbiased_participation_ratio(self) -> float:
        """Anew."""
        G = self._of_features.T @ self._of_features if self._coarse else self._viewed
        return self._sample.unbiased(G)[0]

    @cached_property
    def _subspace_means(self) -> tuple[float, float]:
        codes = np.unique(self._labels, return_inverse=True)[1][None]
        if self._sample.subspaces_are_coarse(self.index, self.subspace_dim):
            found = permuted_classes_of_features(self._of_features, codes, self.subspace_dim)
        else:
            found = permuted_classes(self._viewed, codes, self.subspace_dim)
        return float(found.overlap[0]), float(found.variance_explained[0])

    def subspace_means(self) -> tuple[float, float]:
        """Without the matrices."""
        return self._subspace_means

    @cached_property
    def _update(self) -> Update:
        return Update.of(self._whole.block_grams().part(self._chosen))

    def update(self) -> Update:
        """From the products of the images that are kept, with their own mean."""
        return self._update

    def contraction(self) -> Contraction:
        """Anew."""
        return fit_contraction(self._update.gains)

    def label_part(self) -> tuple[float, float]:
        """Anew."""
        part = LabelPart(self._whole.block_grams().part(self._chosen), self.eps)
        return part.value(self._labels), part.scale(self._labels)

    def knn(self, labelings: Codes | None = None) -> Float64Array:
        """Anew."""
        prompts = np.asarray(self._sample.images.prompts)[self._chosen]
        G = self._sample.raw[self.index][self._chosen[:, None], self._chosen]
        codes = np.unique(self._labels, return_inverse=True)[1][None]
        return knn_accuracy(nearest_of_other_groups(G, prompts), codes)

    def column_values(self, key: str) -> Float64Array:
        """Those of the images that are kept."""
        return self._whole.column_values(key)[self._chosen]

    def coordinate_squares(self) -> Float64Array:
        """From the features."""
        Z = view_of_features(self._whole.features()[:, self._chosen], self._sample.view, self._labels)
        squares: Float64Array = np.einsum("dn,dn->d", Z, Z)
        return squares


class Relabelled(Resampled):
    """A layer under permuted labels.

    Args:
        layer: as it is.
        place: of it among those whose closed forms are computed together.
        together: these.
        labelings: of the images.
        watch: progress and cancellation.
    """

    def __init__(
        self, layer: "GramLayer", place: int, together: PermutedLayers, labelings: Labelings, watch: Watch
    ) -> None:
        super().__init__(layer)
        self._whole, self._place, self._together = layer, place, together
        self._labelings, self._watch = labelings, watch

    def members(self) -> Iterator[GramPart]:
        """One after the other."""
        every = np.arange(self._whole.images)
        for labels in self._labelings.codes:
            self._watch.check()
            yield GramPart(self._whole, every, labels)

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """Of rates and overlaps."""
        if metric.key in ("R", "Rc"):
            return self._together.rates(self._place)[metric.key == "Rc"]
        if metric.key in _SUBSPACE_MEANS:
            found = self._together.subspaces(self._place)
            return np.asarray(found.overlap if metric.key == "overlap_mean" else found.variance_explained)
        if metric.permuted is not None:
            self._watch.check()
            return np.asarray(metric.permuted(self._whole, self._labelings))
        return None


class LeftOut(Resampled):
    """A layer without each image, seed or subject in turn.

    Args:
        layer: as it is.
        by: which.
        watch: progress and cancellation.
        codes: permuted labels; None for its own.

    Raises:
        GeometryError: there is one of them only.
    """

    def __init__(self, layer: "GramLayer", by: str, watch: Watch, codes: Codes | None = None) -> None:
        super().__init__(layer)
        self._whole, self._watch = layer, watch
        self._labels = layer.labels if codes is None else codes
        self._permuted = codes is not None
        self._groups = groups_of(layer.sample.images, by)
        self._by, self._of_images = by, by == "image"
        self.strata = strata_of(self._groups, layer.labels)

    def members(self) -> Iterator[GramPart]:
        """One after the other."""
        for kept in kept_without(self._groups):
            self._watch.check()
            yield GramPart(self._whole, kept, self._labels[kept])

    def observed(self, metric: Metric, value: float) -> float:
        """Of overlaps without their matrices."""
        if metric.key not in _SUBSPACE_MEANS:
            return value
        return float(metric.value(self._original))

    @cached_property
    def _original(self) -> GramPart:
        return GramPart(self._whole, np.arange(self._whole.images), self._labels)

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """Of rates and means over images, and without single images of ranks; of its own labels only."""
        if self._permuted:
            return None
        if metric.key in ("R", "Rc"):
            return self._rates[int(metric.key == "Rc")]
        if metric.mean:
            return mean_without(self._whole.column_values(metric.key), self._groups)
        if Need.UPDATE in metric.needs and self._of_images:
            raise GeometryError(
                "an eigendecomposition for each image is too many: leave out seeds and subjects, "
                "--errors seed+subject"
            )
        if metric.family.name == "ranks" and self._of_images:
            if metric.key not in self._ranks:
                raise GeometryError("it cannot be had without one of the images; record more of them")
            return self._ranks[metric.key]
        return None

    @property
    def _rates(self) -> tuple[Float64Array, Float64Array]:
        """R and Rc without each: kept, for the error of the excess asks for R again."""
        return self._whole.keep_last(("rates without", self._by), self._whole.eps, self._rates_anew)  # type: ignore[no-any-return]

    def _rates_anew(self) -> tuple[Float64Array, Float64Array]:
        whole, sample = self._whole, self._whole.sample
        G, labels, precision = sample.raw[whole.index], whole.labels, sample.precision(whole.index, whole.eps)
        groups, cancelled = None if self._of_images else self._groups, self._watch.cancelled
        if sample.rates_are_coarse(whole.index, whole.eps):
            found = sample.by_features.jackknife(whole.index, precision, groups, cancelled)
        elif groups is None:
            found = jackknife(G, labels, 1, precision, sample.view)
        else:
            found = group_jackknife(G, labels, groups, 1, precision, sample.view, cancelled=cancelled)
        return np.asarray(found.R.left_out), np.asarray(found.Rc.left_out)

    @cached_property
    def _ranks(self) -> dict[str, Float64Array]:
        """The ranks without each image."""
        whole, sample = self._whole, self._whole.sample
        norms = np.diagonal(sample.grams[whole.index])
        if sample.spectrum_is_coarse(whole.index) or nearly_all(norms, sample.labels, sample.view).any():
            return sample.by_features.ranks_without_each(whole.index)
        return delete_one_ranks(sample.raw[whole.index], sample.labels, sample.view)
