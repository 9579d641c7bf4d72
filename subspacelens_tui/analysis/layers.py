"""The figures of a sample, layer by layer: a value or a reason for each."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from subspacelens_tui.analysis.errors import error_bars
from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.nulls import IsCancelled, Permutations, overlap_nulls, rate_nulls
from subspacelens_tui.analysis.sample import Sample
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.geometry import (
    Cancelled,
    GeometryError,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    hoyer_gaussian,
    hoyer_laplace,
    mean_off_diagonal,
    participation_ratio_from_spectrum,
    projection_normality,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)

T = TypeVar("T")

_RANKS = {
    "effective_rank": effective_rank_from_spectrum,
    "eigenvalue_rank": eigenvalue_rank_from_spectrum,
    "participation_ratio": participation_ratio_from_spectrum,
    "stable_rank": stable_rank_from_spectrum,
}


def layer_figures(
    sample: Sample,
    names: list[str],
    settings: Settings,
    hoyer: Float64Array,
    features: Callable[[int], Float64Array],
    cancelled: IsCancelled | None,
) -> list[LayerFigures]:
    """The figures of all layers.

    Args:
        sample: the images.
        names: of the blocks.
        settings: resolved, with a rank.
        hoyer: Hoyer sparsity of each image (layers, N).
        features: gives the raw features (d, N) of a layer, for what the Gram matrix does not hold.
        cancelled: asked before each layer.

    Raises:
        Cancelled: once `cancelled` says True.
    """
    layers = []
    for index, name in enumerate(names):
        if cancelled is not None and cancelled():
            raise Cancelled
        collected = _Collected(sample, index, name, settings)
        collected.overlaps()
        collected.rates()
        collected.ranks()
        collected.sparsity(hoyer[index])
        if settings.thorough:
            collected.thorough(features)
        layers.append(collected.layer())
    if settings.permutations:
        layers = _with_nulls(layers, sample, settings, cancelled)
    return _with_errors(layers, sample, settings) if settings.errors else layers


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
        self._values["overlap_mean"] = float(mean_off_diagonal(subspaces.overlap))
        self._values["explained_mean"] = float(mean_off_diagonal(subspaces.variance_explained))

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
        R = sample.coding_rate(index, eps)
        self._values |= {"eps": eps, "R": R}
        if self._single_class("Rc", "delta_R", "ratio"):
            return
        Rc = sample.class_rate(index, eps)
        self._values |= {"Rc": Rc, "delta_R": R - Rc}
        if R > 0:
            self._values["ratio"] = Rc / R
        else:
            self._miss("R is 0: all features are zero", "ratio")

    def ranks(self) -> None:
        if self._single_image(*_RANKS, "participation_ratio_unbiased"):
            return
        spectrum = self._sample.spectrum(self._index)
        for figure, rank in _RANKS.items():
            self._take_kept(figure, functools.partial(_number, rank, spectrum))
        if self._sample.view == "class-centred":
            self._miss("it does not hold for class-centred features", "participation_ratio_unbiased")
            return
        centred = self._sample.view == "centred"
        unbiased = unbiased_centred_participation_ratio if centred else unbiased_participation_ratio
        G = self._sample.grams[self._index]
        self._take_kept("participation_ratio_unbiased", functools.partial(_number, unbiased, G))

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
        if self._single_image("normality"):
            return
        labels = np.asarray(sample.labels)
        self._take("normality", lambda: projection_normality(features(index), labels, seed))
        if self._single_class("split_half_ceiling", "split_half_mean"):
            return
        try:
            halves = sample.split_half(index, self._rank, seed)
        except GeometryError as error:
            self._miss(str(error), "split_half_ceiling", "split_half_mean")
            return
        self._values["split_half_ceiling"] = float(np.diagonal(halves).mean())
        self._values["split_half_mean"] = float(mean_off_diagonal(halves))

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


def _number(figure: Callable[[Float64Array], Float64Array], of: Float64Array) -> float:
    return float(figure(of))


def _with_nulls(
    layers: list[LayerFigures], sample: Sample, settings: Settings, cancelled: IsCancelled | None
) -> list[LayerFigures]:
    """The layers with their nulls; where there can be none, with the reason."""
    design = settings.design
    assert design is not None
    permutations = Permutations(design, settings.permutations, settings.seed)
    layers = _with(
        layers,
        lambda layer: layer.delta_R is not None,
        lambda able: rate_nulls(
            sample.of_layers([layer.layer for layer in able]),
            [layer.eps for layer in able],
            permutations,
            cancelled,
        ),
        lambda layer, nulls: replace(layer, nulls=nulls),
        "nulls",
    )
    count = settings.permutations if settings.overlap_permutations is None else settings.overlap_permutations
    if count < 2:
        return layers
    assert settings.rank is not None
    rank, fewer = settings.rank, replace(permutations, count=count)
    return _with(
        layers,
        lambda layer: bool(layer.nulls) and layer.overlap_mean is not None,
        lambda able: overlap_nulls(
            sample.of_layers([layer.layer for layer in able]),
            [layer.overlap_mean or 0.0 for layer in able],
            rank,
            fewer,
            cancelled,
        ),
        lambda layer, null: replace(layer, nulls={**layer.nulls, "overlap_mean": null}),
        "null of overlap_mean",
    )


def _with_errors(layers: list[LayerFigures], sample: Sample, settings: Settings) -> list[LayerFigures]:
    """The layers with their error bars; where there can be none, with the reason."""
    by = settings.errors
    assert by is not None
    return _with(
        layers,
        lambda layer: layer.ratio is not None,
        lambda able: error_bars(
            sample.of_layers([layer.layer for layer in able]), [layer.eps for layer in able], by
        ),
        lambda layer, bars: replace(layer, errors=bars),
        "errors",
    )


def _with(
    layers: list[LayerFigures],
    able: Callable[[LayerFigures], bool],
    compute: Callable[[list[LayerFigures]], list[T]],
    put: Callable[[LayerFigures, T], LayerFigures],
    what: str,
) -> list[LayerFigures]:
    """The layers, with what is computed together for all that can have it."""
    chosen = [layer for layer in layers if able(layer)]
    if not chosen:
        return layers
    try:
        found = {layer.layer: value for layer, value in zip(chosen, compute(chosen), strict=True)}
    except GeometryError as error:
        return [_missing(layer, what, str(error)) if layer in chosen else layer for layer in layers]
    return [put(layer, found[layer.layer]) if layer.layer in found else layer for layer in layers]


def _missing(layer: LayerFigures, figure: str, reason: str) -> LayerFigures:
    return replace(layer, missing={**layer.missing, figure: reason})
