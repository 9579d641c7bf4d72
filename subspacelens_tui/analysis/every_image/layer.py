"""The figures of one layer from the moments of its groups of images."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.analysis.errors import RATES, ErrorBar, error_bar
from subspacelens_tui.analysis.every_image.stream import LayerMoments
from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.nulls import rate_summaries
from subspacelens_tui.analysis.rounding import massive_dimension, rates_moved
from subspacelens_tui.analysis.sample import RANKS
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.watch import Watch
from subspacelens_tui.geometry import (
    GeometryError,
    NullSummary,
    coding_rate_from_spectrum,
    effective_rank_from_spectrum,
    gram_resolution,
    gram_spectrum,
    hoyer_gaussian,
    hoyer_laplace,
    iso_rate_eps,
    mean_off_diagonal,
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


@dataclass(frozen=True)
class Task:
    """What is the same in all layers.

    Attributes:
        settings: resolved, with a rank.
        classes: names, in the order of the result's rows.
        codes: the class of each group of images.
        labelings: the same under each permutation of whole subjects (P, groups), or why there are none.
        by_subject: whether the groups are subjects, so that one can be left out.
    """

    settings: Settings
    classes: tuple[str, ...]
    codes: Sequence[int]
    labelings: Sequence[Sequence[int]] | str
    by_subject: bool


@dataclass(frozen=True)
class FoundLayer:
    """A layer's figures, its matrices (classes, classes), and its eigenvalues (d,), descending."""

    figures: LayerFigures
    overlap: Float64Array | None
    explained: Float64Array | None
    spectrum: Float64Array


def found_layer(index: int, name: str, moments: LayerMoments, task: Task, watch: Watch) -> FoundLayer:
    """Everything that scatters give of one layer.

    Raises:
        GeometryError: if the feature view cannot be had.
        Cancelled: see `Watch`.
    """
    return _Layer(index, name, moments, task, watch).found()


class _Layer:
    def __init__(self, index: int, name: str, moments: LayerMoments, task: Task, watch: Watch) -> None:
        self._moments, self._groups, self._task, self._watch = moments, moments.groups, task, watch
        self._settings = task.settings
        self._viewed = ViewedScatters.of(_classes(self._groups, task.codes), self._settings.features)
        self._count = sum(self._viewed.sizes)
        self._width = len(self._viewed.everyone)
        self._spectrum: Float64Array = np.asarray(gram_spectrum(self._viewed.everyone))
        self._resolution = float(gram_resolution(self._viewed.everyone))
        self._shown = self._spectrum
        self._index, self._name = index, name
        self._values: dict[str, object] = {"eps": self._settings.eps}
        self._missing: dict[str, str] = {}
        self._moved: dict[str, float] = {}

    def found(self) -> FoundLayer:
        overlap, explained = self._overlaps()
        self._ranks()
        self._sparsity()
        nulls: dict[str, NullSummary] = {}
        errors: dict[str, ErrorBar] = {}
        if self._rates():
            nulls, errors = self._nulls(), self._errors()
        figures = LayerFigures(
            layer=self._index,
            name=self._name,
            width=self._width,
            rank_ceiling=min(self._count, self._width),
            nulls=nulls,
            errors=errors,
            missing=self._missing,
            rounding=self._moved,
            massive=self._massive() if self._moved else "",
            **self._values,  # type: ignore[arg-type]
        )
        return FoundLayer(figures, overlap, explained, np.clip(self._shown[::-1], 0, None))

    def _overlaps(self) -> tuple[Float64Array | None, Float64Array | None]:
        rank, names = self._settings.rank, self._task.classes
        assert rank is not None
        figures = ("overlap_mean", "explained_mean")
        if len(names) < 2:
            self._miss(f"there is one class only ({names[0]})", *figures)
            return None, None
        try:
            *matrices, moved = overlap_of_scatters(self._viewed.classes, names, rank)
        except GeometryError as error:
            self._miss(str(error), *figures)
            return None, None
        self._values |= {
            name: float(mean_off_diagonal(matrix)) for name, matrix in zip(figures, matrices, strict=True)
        }
        if moved > TOLERANCE:
            self._moved |= dict.fromkeys(figures, moved)
        return matrices[0], matrices[1]

    def _rates(self) -> bool:
        """Whether there are any."""
        try:
            eps = self._values["eps"] = self._eps()
            R, Rc = self._found_rates(eps)
        except GeometryError as error:
            self._miss(str(error), *RATES)
            return False
        self._values["R"] = R
        if len(self._task.classes) < 2:
            self._miss(f"there is one class only ({self._task.classes[0]})", *RATES[1:])
            return False
        self._values |= {"Rc": Rc, "delta_R": R - Rc}
        if R > 0:
            self._values["ratio"] = Rc / R
        else:
            self._miss("R is 0: all features are zero", "ratio")
        return R > 0

    def _eps(self) -> float:
        """ε, or the one at which R is as asked."""
        iso = self._settings.iso_rate
        if iso is None:
            return self._settings.eps
        eps = float(iso_rate_eps(self._spectrum, self._width, self._count, iso))
        return refined_eps(eps, self._spectrum, self._width, self._count, iso, self._factored)

    def _factored(self, eps: float) -> float:
        """R by a Cholesky factor."""
        return rate_of_scatter(self._viewed.everyone, self._width / (self._count * eps**2))

    def _found_rates(self, eps: float) -> tuple[float, float]:
        """R and Rc, with how far rounding may have moved them if that matters."""
        spectrum, viewed = self._spectrum, self._viewed
        R = float(coding_rate_from_spectrum(spectrum, self._width, self._count, eps))
        if R == 0:
            return R, 0.0
        factored, Rc = self._rates_of(self._groups, self._task.codes)
        moved = rate_rounding(spectrum, self._resolution, self._width, self._count, eps)
        if not rates_lost(R, Rc, moved + self._width * FLOAT64_EPS):
            return R, Rc
        scale = self._width / eps**2
        by_class = sum(
            size / self._count * scaled_rounding(S, scale / size)
            for S, size in zip(viewed.classes, viewed.sizes, strict=True)
        )
        by = scaled_rounding(viewed.everyone, scale / self._count)
        self._moved |= rates_moved(factored, Rc, by, by_class)
        return factored, Rc

    def _rates_of(self, groups: Sequence[Moments], codes: Sequence[int]) -> tuple[float, float]:
        """R and Rc of some groups under some labels."""
        viewed = ViewedScatters.of(_classes(groups, codes), self._settings.features)
        scale = self._width / float(self._values["eps"]) ** 2  # type: ignore[arg-type]
        total = sum(viewed.sizes)
        parts = [
            size / total * rate_of_scatter(S, scale / size)
            for S, size in zip(viewed.classes, viewed.sizes, strict=True)
        ]
        return rate_of_scatter(viewed.everyone, scale / total), sum(parts)

    def _ranks(self) -> None:
        known = self._spectrum[-min(self._count, self._width) :]
        for figure, rank in RANKS.items():
            if figure != "effective_rank":
                self._take(figure, functools.partial(_number, rank, known))
        self._take("effective_rank", lambda: self._effective_rank(known))
        self._take("participation_ratio_unbiased", self._unbiased_participation_ratio)

    def _effective_rank(self, known: Float64Array) -> float:
        rank = float(effective_rank_from_spectrum(known))
        floor = len(known) * FLOAT64_EPS * known[-1]
        if known[0] > floor and effective_rank_rounding(known, self._resolution) <= TOLERANCE:
            return rank
        spectrum, _ = scaled_spectrum(self._viewed.everyone)
        # A mean that was taken out is a direction less.
        means = {"centred": 1, "class-centred": len(self._viewed.sizes)}.get(self._settings.features, 0)
        there = spectrum.eigenvalues[-min(max(1, self._count - means), self._width) :]
        resolution = spectrum.resolution[-len(there) :]
        rank = float(
            effective_rank_from_spectrum(np.where(there > resolution, there, 0.0), OF_SINGULAR_VALUES)
        )
        share = float(effective_rank_rounding(there, resolution))
        if share > TOLERANCE:
            self._moved["effective_rank"] = share * rank
        return rank

    def _unbiased_participation_ratio(self) -> float:
        """As `unbiased_participation_ratio`: Σ G_ij² is ‖Z Zᵀ‖²."""
        if self._settings.features in ("centred", "class-centred"):
            raise GeometryError(f"{_NEEDS_GRAM} in the {self._settings.features} view")
        # A common scale leaves it alone: the moments need no view.
        S, fourth = together(self._groups).raw(), self._moments.fourth
        total, spread = float(np.trace(S)) ** 2 - fourth, float(np.sum(S**2)) - fourth
        if not (total > 0 and spread > 0):
            raise GeometryError(
                "the unbiased participation ratio has no positive estimate; record more images"
            )
        share = FLOAT64_EPS * fourth * (1 / total + 1 / spread)
        if share > TOLERANCE:
            self._moved["participation_ratio_unbiased"] = share * total / spread
        return total / spread

    def _massive(self) -> str:
        return massive_dimension(np.sqrt(np.diagonal(self._viewed.everyone)))

    def _sparsity(self) -> None:
        if self._moments.hoyer is None:
            self._miss("an image has all-zero features", "hoyer")
        else:
            self._values["hoyer"] = self._moments.hoyer
        if self._settings.thorough:
            self._take("hoyer_gaussian", lambda: hoyer_gaussian(self._width))
            self._take("hoyer_laplace", lambda: hoyer_laplace(self._width))
            self._miss(_NEEDS_GRAM, "split_half_ceiling", "split_half_mean")
            self._miss("it needs all images at once", "normality")

    def _nulls(self) -> dict[str, NullSummary]:
        if not self._settings.permutations:
            return {}
        labelings = self._task.labelings
        if isinstance(labelings, str):
            self._miss(labelings, "nulls")
            return {}
        self._miss(_NEEDS_GRAM, "null of overlap_mean", "null of explained_mean")
        rows = []
        for place, codes in enumerate(labelings):
            self._watch.said("permutations", place, len(labelings))
            rows.append(self._rates_of(self._groups, codes))
        found = np.asarray(rows)
        R, Rc = self._rates_of(self._groups, self._task.codes)
        return rate_summaries(R, Rc, found[:, 0], found[:, 1])

    def _errors(self) -> dict[str, ErrorBar]:
        by = self._settings.errors
        if by is None:
            return {}
        if by != "subject" or not self._task.by_subject:
            why = "there are too many subjects" if by == "subject" else "use --errors subject"
            self._miss(f"errors over each {by} need the N × N Gram matrix: {why}", "errors")
            return {}
        rows = []
        for left_out in range(len(self._groups)):
            self._watch.said("error bars", left_out, len(self._groups))
            groups = [*self._groups[:left_out], *self._groups[left_out + 1 :]]
            codes = [*self._task.codes[:left_out], *self._task.codes[left_out + 1 :]]
            rows.append(self._rates_of(groups, codes))
        R, Rc = np.asarray(rows).T
        without = dict(zip(RATES, (R, Rc, R - Rc, Rc / R), strict=True))
        try:
            return {
                rate: error_bar(float(self._values[rate]), [values])  # type: ignore[arg-type]
                for rate, values in without.items()
            }
        except GeometryError as error:
            self._miss(str(error), "errors")
            return {}

    def _take(self, figure: str, compute: Callable[[], float]) -> None:
        try:
            self._values[figure] = compute()
        except GeometryError as error:
            self._missing[figure] = str(error)

    def _miss(self, reason: str, *figures: str) -> None:
        self._missing |= dict.fromkeys(figures, reason)


def _number(figure: Callable[[Float64Array], Any], of: Float64Array) -> float:
    return float(figure(of))


def _classes(groups: Sequence[Moments], codes: Sequence[int]) -> list[Moments]:
    """The moments of each class that occurs, in the order of the codes."""
    return [
        together([group for group, other in zip(groups, codes, strict=True) if other == code])
        for code in sorted(set(codes))
    ]
