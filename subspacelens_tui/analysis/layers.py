"""The figures of a sample, layer by layer: a value or a reason for each."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from subspacelens_tui.analysis.evidence import with_errors, with_nulls
from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.sample import RANKS, Sample
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.watch import Watch
from subspacelens_tui.geometry import (
    GeometryError,
    hoyer_gaussian,
    hoyer_laplace,
    mean_off_diagonal,
    projection_normality,
)


def layer_figures(
    sample: Sample,
    names: list[str],
    settings: Settings,
    hoyer: Float64Array,
    features: Callable[[int], Float64Array],
    watch: Watch,
) -> list[LayerFigures]:
    """The figures of all layers.

    Args:
        sample: the images.
        names: of the blocks.
        settings: resolved, with a rank.
        hoyer: Hoyer sparsity of each image (layers, N).
        features: gives the raw features (d, N) of a layer, for what the Gram matrix does not hold.
        watch: who waits.

    Raises:
        Cancelled: see `Watch`.
    """
    layers = []
    for index, name in enumerate(names):
        watch.said("layers", index, len(names))
        layers.append(one_layer(sample, index, name, settings, hoyer, features))
    if settings.permutations:
        layers = with_nulls(layers, sample, settings, watch)
    return with_errors(layers, sample, settings, hoyer, watch) if settings.errors else layers


def one_layer(
    sample: Sample,
    index: int,
    name: str,
    settings: Settings,
    hoyer: Float64Array,
    features: Callable[[int], Float64Array],
) -> LayerFigures:
    """The figures of one layer, without nulls and errors; arguments as of `layer_figures`."""
    collected = _Collected(sample, index, name, settings)
    if not settings.quick or sample.knows_eigenvalues(settings.rank):
        collected.overlaps()
        # Before the rates, which take spectra where there are any and cheaper factors where not.
        collected.ranks()
    collected.rates()
    collected.sparsity(hoyer[index])
    if settings.thorough:
        collected.thorough(features)
    collected.rounding()
    return collected.layer()


class _Collected:
    """The figures of one layer while they are computed."""

    def __init__(self, sample: Sample, index: int, name: str, settings: Settings) -> None:
        assert settings.rank is not None
        self._sample, self._index, self._settings, self._rank = sample, index, settings, settings.rank
        self._figures = LayerFigures(
            layer=index,
            name=name,
            width=sample.widths[index],
            eps=settings.eps,
            rank_ceiling=min(sample.count, sample.widths[index]),
        )
        self._values: dict[str, object] = {}
        self._missing: dict[str, str] = {}

    def layer(self) -> LayerFigures:
        return replace(self._figures, **self._values, missing=self._missing)  # type: ignore[arg-type]

    def overlaps(self) -> None:
        figures = ("overlap_mean", "explained_mean")
        if self._single_class(*figures):
            return
        try:
            subspaces = self._sample.subspaces(self._index, self._rank)
        except GeometryError as error:
            self._miss(str(error), *figures)
            return
        means = self._sample.keep(
            ("overlap means", self._index, self._rank),
            lambda: [
                float(mean_off_diagonal(of)) for of in (subspaces.overlap, subspaces.variance_explained)
            ],
        )
        self._values |= dict(zip(figures, means, strict=True))

    def rates(self) -> None:
        sample, index, eps = self._sample, self._index, self._settings.eps
        if self._single_image("R", "Rc", "delta_R", "ratio"):
            return
        if self._settings.iso_rate is not None:
            try:
                eps = sample.iso_rate_eps(index, self._settings.iso_rate)
            except GeometryError as error:
                self._miss(str(error), "R", "Rc", "delta_R", "ratio")
                return
        at_once = self._settings.iso_rate is None and sample.knows_eigenvalues(self._rank)
        R = sample.rates_at_once(eps)[0][index] if at_once else sample.coding_rate(index, eps)
        self._values |= {"eps": eps, "R": R}
        if self._single_class("Rc", "delta_R", "ratio"):
            return
        Rc = sample.rates_at_once(eps)[1][index] if at_once else sample.class_rate(index, eps)
        self._values |= {"Rc": Rc, "delta_R": R - Rc}
        if R > 0:
            self._values["ratio"] = Rc / R
        else:
            self._miss("R is 0: all features are zero", "ratio")

    def ranks(self) -> None:
        if self._single_image(*RANKS, "participation_ratio_unbiased"):
            return
        for figure in RANKS:
            self._take_kept(figure, functools.partial(self._sample.rank, self._index, figure))
        unbiased = functools.partial(self._sample.unbiased_participation_ratio, self._index)
        self._take("participation_ratio_unbiased", unbiased)

    def sparsity(self, hoyer: Float64Array) -> None:
        if np.isnan(hoyer).any():
            self._miss("an image has all-zero features", "hoyer")
        else:
            self._values["hoyer"] = float(hoyer.mean())

    def thorough(self, features: Callable[[int], Float64Array]) -> None:
        sample, index, seed = self._sample, self._index, self._settings.seed
        width = sample.widths[index]
        self._take("hoyer_gaussian", lambda: hoyer_gaussian(width))
        self._take("hoyer_laplace", lambda: hoyer_laplace(width))
        if self._single_image("normality", "split_half_ceiling", "split_half_mean"):
            return
        labels = np.asarray(sample.labels)
        self._take(
            "normality",
            lambda: sample.keep(
                ("normality", index, seed), lambda: projection_normality(features(index), labels, seed)
            ),
        )
        if self._single_class("split_half_ceiling", "split_half_mean"):
            return
        try:
            within, between = sample.split_half_means(index, self._rank, seed)
        except GeometryError as error:
            self._miss(str(error), "split_half_ceiling", "split_half_mean")
            return
        self._values |= {"split_half_ceiling": within, "split_half_mean": between}

    def rounding(self) -> None:
        if self._sample.count < 2:
            return
        rank = self._rank if "overlap_mean" in self._values else None
        eps = float(self._values.get("eps", self._settings.eps))  # type: ignore[arg-type]
        if moved := self._sample.rounding(self._index, eps, rank):
            self._values |= {"rounding": moved, "massive": self._sample.massive(self._index)}

    def _take_kept(self, figure: str, compute: Callable[[], float]) -> None:
        """A figure that does not depend on ε, and so is computed once."""
        self._take(figure, lambda: self._sample.keep((figure, self._index), compute))

    def _take(self, figure: str, compute: Callable[[], object]) -> None:
        try:
            self._values[figure] = compute()
        except GeometryError as error:
            self._missing[figure] = str(error)

    def _miss(self, reason: str, *figures: str) -> None:
        self._missing |= dict.fromkeys(figures, reason)

    def _single_image(self, *figures: str) -> bool:
        if self._sample.count > 1:
            return False
        self._miss("one image has no geometry yet", *figures)
        return True

    def _single_class(self, *figures: str) -> bool:
        if len(self._sample.classes) > 1:
            return False
        self._miss(f"there is one class only ({self._sample.classes[0]})", *figures)
        return True
