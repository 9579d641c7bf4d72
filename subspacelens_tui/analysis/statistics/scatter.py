"""Layers from d × d second moments, whatever the number of images: what needs N × N numbers is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Metric
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.rounding import massive_dimension, rates_moved
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.base import (
    BESIDE,
    Codes,
    Float64Array,
    Labelings,
    LayerStatistics,
    Need,
    Resampled,
)
from subspacelens_tui.analysis.statistics.groups import strata_of
from subspacelens_tui.analysis.statistics.image_stream import LayerMoments
from subspacelens_tui.geometry import (
    GeometryError,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    gram_resolution,
    gram_spectrum,
    iso_rate_eps,
)
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.iso_rate import refined_eps
from subspacelens_tui.geometry.rounding import (
    TOLERANCE,
    effective_rank_rounding,
    rate_rounding,
    rates_lost,
    scaled_rounding,
)
from subspacelens_tui.geometry.scatters import (
    Moments,
    ViewedScatters,
    overlap_of_scatters,
    rate_of_scatter,
    scaled_spectrum,
    together,
)
from subspacelens_tui.geometry.spectra import OF_SINGULAR_VALUES

_NEEDS_GRAM = "it needs the N × N Gram matrix"
_MANY_SPECTRA = "each would take the eigenvalues of d × d numbers anew"


@dataclass(frozen=True)
class ImageGroups:
    """The groups of images whose moments are known, the same in all layers.

    Attributes:
        classes: names, in the order of matrices' rows.
        codes: the class of each group.
        by_subject: whether the groups are subjects, so that one can be left out.
    """

    classes: tuple[str, ...]
    codes: Sequence[int]
    by_subject: bool


class ScatterPart(LayerStatistics):
    """Groups of images under some classes: rates by Cholesky factors, as for every resampling.

    Args:
        moments: of the groups.
        codes: the class of each.
        settings: resolved, with a subspace dimension.
    """

    def __init__(self, moments: Sequence[Moments], codes: Sequence[int], settings: Settings) -> None:
        super().__init__(settings)
        self._groups, self._codes = moments, codes
        self.images = sum(group.count for group in moments)
        self.width = len(moments[0].mean)
        self.classes = [str(code) for code in sorted(set(codes))]

    @cached_property
    def _viewed(self) -> ViewedScatters:
        by_class = [
            together([group for group, other in zip(self._groups, self._codes, strict=True) if other == code])
            for code in sorted(set(self._codes))
        ]
        return ViewedScatters.of(by_class, self.settings.features)

    @cached_property
    def _factored(self) -> tuple[float, float]:
        """R and Rc."""
        scale = self.width / self.eps**2
        parts = [
            size / self.images * rate_of_scatter(S, scale / size)
            for S, size in zip(self._viewed.classes, self._viewed.sizes, strict=True)
        ]
        return rate_of_scatter(self._viewed.everyone, scale / self.images), sum(parts)

    def coding_rate(self) -> float:
        """By a Cholesky factor."""
        return self._factored[0]

    def class_rate(self) -> float:
        """By Cholesky factors."""
        return self._factored[1]

    @cached_property
    def _spectrum(self) -> Float64Array:
        """All d eigenvalues, ascending."""
        return np.asarray(gram_spectrum(self._viewed.everyone))

    def eigenvalues(self) -> Float64Array:
        """The min(N, d) largest."""
        return self._spectrum[-min(self.images, self.width) :]

    def effective_rank(self) -> float:
        """From eigenvalues."""
        return float(effective_rank_from_spectrum(self.eigenvalues()))

    def unbiased_participation_ratio(self) -> float:
        """Of wholes only."""
        raise GeometryError(_NEEDS_GRAM)

    def subspaces(self) -> tuple[Float64Array, Float64Array]:
        """From the eigenvectors of the classes' scatters."""
        return self._subspaces[:2]

    @cached_property
    def _subspaces(self) -> tuple[Float64Array, Float64Array, float]:
        return overlap_of_scatters(self._viewed.classes, self.classes, self.subspace_dim)

    def column_values(self, key: str) -> Float64Array | None:
        """They were added up."""
        return None

    def coordinate_squares(self) -> Float64Array:
        """The diagonal of the scatter."""
        return np.diagonal(self._viewed.everyone)


class ScatterLayer(ScatterPart):
    """One layer of all images.

    Args:
        index: of it.
        moments: of its groups.
        groups: what these are.
        settings: resolved, with a subspace dimension.
    """

    lacks: Mapping[Need, str] = {  # type: ignore[misc]
        **dict.fromkeys((Need.HALVES, *BESIDE), _NEEDS_GRAM),
        Need.VECTORS: "it needs all images at once",
    }

    def __init__(self, index: int, moments: LayerMoments, groups: ImageGroups, settings: Settings) -> None:
        super().__init__(moments.groups, groups.codes, settings)
        self.index, self.moments, self.groups = index, moments, groups
        self.classes = groups.classes
        self._moved: dict[str, float] = {}
        self._resolution = float(gram_resolution(self._viewed.everyone))

    def iso_rate_eps(self, rate: float) -> float:
        """From the spectrum, refined by factors."""
        eps = float(iso_rate_eps(self._spectrum, self.width, self.images, rate))
        return refined_eps(eps, self._spectrum, self.width, self.images, rate, self._rate_at)

    def _rate_at(self, eps: float) -> float:
        return rate_of_scatter(self._viewed.everyone, self.width / (self.images * eps**2))

    def coding_rate(self) -> float:
        """From the spectrum where that holds it."""
        return self._rates[0]

    def class_rate(self) -> float:
        """By Cholesky factors."""
        return self._rates[1]

    @cached_property
    def _rates(self) -> tuple[float, float]:
        """R and Rc, with how far rounding may have moved them if that matters."""
        R = float(coding_rate_from_spectrum(self._spectrum, self.width, self.images, self.eps))
        if R == 0:
            return R, 0.0
        factored, Rc = self._factored
        moved = rate_rounding(self._spectrum, self._resolution, self.width, self.images, self.eps)
        if not rates_lost(R, Rc, moved + self.width * FLOAT64_EPS):
            return R, Rc
        scale, viewed = self.width / self.eps**2, self._viewed
        by_class = sum(
            size / self.images * scaled_rounding(S, scale / size)
            for S, size in zip(viewed.classes, viewed.sizes, strict=True)
        )
        by = scaled_rounding(viewed.everyone, scale / self.images)
        self._moved |= rates_moved(factored, Rc, by, by_class)
        return factored, Rc

    @cached_property
    def _exact(self) -> tuple[Float64Array, Float64Array] | None:
        """Eigenvalues beside massive dimensions, and how far each is known; None where they need no care."""
        known = self.eigenvalues()
        floor = len(known) * FLOAT64_EPS * known[-1]
        if known[0] > floor and effective_rank_rounding(known, self._resolution) <= TOLERANCE:
            return None
        spectrum, _ = scaled_spectrum(self._viewed.everyone)
        # A mean that was taken out is a direction less.
        means = {"centred": 1, "class-centred": len(self._viewed.sizes)}.get(self.settings.features, 0)
        there = spectrum.eigenvalues[-min(max(1, self.images - means), self.width) :]
        return there, spectrum.resolution[-len(there) :]

    def effective_rank(self) -> float:
        """Beside massive dimensions from a scaled factor."""
        rank = super().effective_rank()
        if self._exact is None:
            return rank
        there, resolution = self._exact
        resolved = np.where(there > resolution, there, 0.0)
        rank = float(effective_rank_from_spectrum(resolved, OF_SINGULAR_VALUES))
        share = float(effective_rank_rounding(there, resolution))
        if share > TOLERANCE:
            self._moved["effective_rank"] = share * rank
        return rank

    def spectrum(self) -> Float64Array:
        """d of them."""
        return np.clip(self._spectrum[::-1], 0, None)

    def subspaces(self) -> tuple[Float64Array, Float64Array]:
        """With how far rounding may have moved them."""
        overlap, explained, moved = self._subspaces
        if moved > TOLERANCE:
            self._moved |= dict.fromkeys(("overlap_mean", "explained_mean"), moved)
        return overlap, explained

    def unbiased_participation_ratio(self) -> float:
        """As `geometry.unbiased_participation_ratio`: Σ G_ij² is ‖Z Zᵀ‖²."""
        if self.settings.features in ("centred", "class-centred"):
            raise GeometryError(f"{_NEEDS_GRAM} in the {self.settings.features} view")
        # A common scale leaves it alone: the moments need no view.
        S, fourth = together(self._groups).raw(), self.moments.fourth
        total, spread = float(np.trace(S)) ** 2 - fourth, float(np.sum(S**2)) - fourth
        if not (total > 0 and spread > 0):
            raise GeometryError(
                "the unbiased participation ratio has no positive estimate; record more images"
            )
        share = FLOAT64_EPS * fourth * (1 / total + 1 / spread)
        if share > TOLERANCE:
            self._moved["participation_ratio_unbiased"] = share * total / spread
        return total / spread

    def column_mean(self, key: str) -> float:
        """From the sums over groups."""
        mean = float(self.moments.columns[key].sum()) / self.images
        if np.isnan(mean):
            raise GeometryError("an image has all-zero features")
        return mean

    def rounding(self, values: Mapping[str, Any]) -> Mapping[str, float]:
        """As it was found on the way."""
        return self._moved

    def massive(self) -> str:
        """From the diagonal."""
        return massive_dimension(np.sqrt(np.diagonal(self._viewed.everyone)))

    @classmethod
    def relabelled(
        cls, layers: Sequence[LayerStatistics], labelings: Labelings, watch: Watch
    ) -> Sequence[Resampled]:
        """Whole groups change their class."""
        return [Relabelled(layer, labelings, watch) for layer in cast(Sequence[ScatterLayer], layers)]

    def left_out(self, by: str, watch: Watch, codes: Codes | None = None) -> Resampled:
        """Subjects only."""
        return WithoutSubjects(self, by, watch, codes)

    def part(self, kept: Sequence[int], codes: Sequence[int]) -> ScatterPart:
        """Some of the groups under some classes."""
        settings = replace(self.settings, eps=self.eps, iso_rate=None)
        return ScatterPart([self._groups[group] for group in kept], codes, settings)


class Relabelled(Resampled):
    """A layer whose groups change their classes.

    Args:
        layer: as it is.
        labelings: of the groups.
        watch: progress and cancellation.
    """

    def __init__(self, layer: ScatterLayer, labelings: Labelings, watch: Watch) -> None:
        super().__init__(layer)
        self._whole, self._codes, self._watch = layer, labelings.codes.tolist(), watch

    def members(self) -> Iterator[ScatterPart]:
        """One after the other."""
        for place, codes in enumerate(self._codes):
            self._watch.report("permutations", place, len(self._codes))
            yield self._whole.part(range(len(codes)), codes)

    def observed(self, metric: Metric, value: float) -> float:
        """By factors."""
        return float(metric.value(self._original))

    @cached_property
    def _original(self) -> ScatterPart:
        codes = self._whole.groups.codes
        return self._whole.part(range(len(codes)), codes)

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """Of none; and subspaces are too dear to have anew."""
        if Need.SUBSPACES in metric.needs:
            raise GeometryError(_NEEDS_GRAM)
        return None


class WithoutSubjects(Resampled):
    """A layer without each of its subjects.

    Args:
        layer: as it is.
        by: what is to be left out.
        watch: progress and cancellation.
        codes: the class of each subject under permuted labels; None for its own.

    Raises:
        GeometryError: that is something else, or not kept apart.
    """

    def __init__(self, layer: ScatterLayer, by: str, watch: Watch, codes: Codes | None = None) -> None:
        super().__init__(layer)
        self._codes = list(layer.groups.codes) if codes is None else codes.tolist()
        asked = layer.settings.errors
        if asked != "subject" or not layer.groups.by_subject:
            why = "there are too many subjects" if asked == "subject" else "use --errors subject"
            raise GeometryError(f"errors over each {asked} need the N × N Gram matrix: {why}")
        self._whole, self._watch = layer, watch
        self.strata = strata_of(np.arange(len(self._codes)), np.asarray(layer.groups.codes))

    def members(self) -> Iterator[ScatterPart]:
        """One after the other."""
        for place in range(len(self._codes)):
            self._watch.report("error bars", place, len(self._codes))
            kept = [group for group in range(len(self._codes)) if group != place]
            yield self._whole.part(kept, [self._codes[group] for group in kept])

    def closed_form(self, metric: Metric) -> Float64Array | None:
        """Of means over images."""
        if metric.mean:
            sums = self._whole.moments.columns[metric.key]
            counts = np.asarray([group.count for group in self._whole.moments.groups])
            without: Float64Array = (sums.sum() - sums) / (self._whole.images - counts)
            return without
        if Need.RATES not in metric.needs:
            raise GeometryError(_MANY_SPECTRA)
        return None
