"""What stands beside the figures: nulls and error bars; where there can be none, the reason."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from subspacelens_tui.analysis.errors import (
    OVERLAPS,
    ErrorBar,
    ErrorsBy,
    hoyer_error,
    overlap_errors,
    rank_errors,
    rate_errors,
)
from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.nulls import Permutations, overlap_nulls, rate_nulls
from subspacelens_tui.analysis.sample import Sample
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.watch import Watch
from subspacelens_tui.geometry import GeometryError, NullSummary

T = TypeVar("T")


def with_nulls(
    layers: list[LayerFigures], sample: Sample, settings: Settings, watch: Watch
) -> list[LayerFigures]:
    """The layers with their nulls.

    Raises:
        Cancelled: see `Watch`.
    """
    design = settings.design
    assert design is not None
    permutations = Permutations(design, settings.permutations, settings.seed)
    try:
        permutations.labelings(sample.images)
    except GeometryError as error:
        return [_missing(layer, "nulls", str(error)) for layer in layers]
    # The overlap first: where it gets all permutations, its class spectra give the rates as well.
    layers = _with_overlap_nulls(layers, sample, settings, permutations, watch)
    return _with(
        layers,
        lambda layer: layer.delta_R is not None,
        lambda able: rate_nulls(
            sample.of_layers([layer.layer for layer in able]),
            [layer.eps for layer in able],
            permutations,
            settings.rank,
            watch,
        ),
        lambda layer, nulls: replace(layer, nulls={**nulls, **layer.nulls}),
        "nulls",
    )


def _with_overlap_nulls(
    layers: list[LayerFigures],
    sample: Sample,
    settings: Settings,
    permutations: Permutations,
    watch: Watch,
) -> list[LayerFigures]:
    count = settings.permutations if settings.overlap_permutations is None else settings.overlap_permutations
    if count < 2:
        return layers
    assert settings.rank is not None
    rank, fewer = settings.rank, replace(permutations, count=count)

    def compute(able: list[LayerFigures]) -> list[dict[str, NullSummary]]:
        observed = [{figure: getattr(layer, figure) for figure in OVERLAPS} for layer in able]
        return overlap_nulls(sample.of_layers([layer.layer for layer in able]), observed, rank, fewer, watch)

    return _with(
        layers,
        lambda layer: layer.overlap_mean is not None,
        compute,
        lambda layer, nulls: replace(layer, nulls=nulls),
        "null of overlap_mean",
    )


def with_errors(
    layers: list[LayerFigures], sample: Sample, settings: Settings, hoyer: Float64Array, watch: Watch
) -> list[LayerFigures]:
    """The layers with the error bars of their rates and sparsity; if thorough, of ranks and overlap too.

    Raises:
        Cancelled: see `Watch`.
    """
    by = settings.errors
    assert by is not None
    layers = _with(
        layers,
        lambda layer: layer.ratio is not None,
        lambda able: rate_errors(
            sample.of_layers([layer.layer for layer in able]), [layer.eps for layer in able], by, watch
        ),
        lambda layer, bars: replace(layer, errors=bars),
        "errors",
    )
    finished = []
    for layer in layers:
        index = layer.layer
        if layer.hoyer is not None and sample.count > 1:
            layer = _with_bars(layer, "hoyer", functools.partial(_hoyer, sample, hoyer[index], by))
        if settings.thorough:
            watch.said("error bars of ranks and overlap", index, len(layers))
            layer = with_close_errors(layer, sample, settings, watch)
        elif sample.kept(("rank errors", index, by)) is not None:
            layer = with_rank_errors(layer, sample, by, watch)
        finished.append(layer)
    return finished


def _hoyer(sample: Sample, hoyer: Float64Array, by: ErrorsBy) -> dict[str, ErrorBar]:
    return {"hoyer": hoyer_error(sample, hoyer, by)}


def with_close_errors(layer: LayerFigures, sample: Sample, settings: Settings, watch: Watch) -> LayerFigures:
    """The layer with the error bars of its ranks and its overlap, which are by recomputation.

    Raises:
        Cancelled: see `Watch`.
    """
    by, rank, index = settings.errors, settings.rank, layer.layer
    assert by is not None
    assert rank is not None
    layer = with_rank_errors(layer, sample, by, watch)
    if layer.overlap_mean is not None:
        layer = _with_bars(layer, "overlap_mean", lambda: overlap_errors(sample, index, rank, by, watch))
    return layer


def with_rank_errors(layer: LayerFigures, sample: Sample, by: ErrorsBy | None, watch: Watch) -> LayerFigures:
    """The layer with the error bars of its ranks.

    Raises:
        Cancelled: see `Watch`.
    """
    if by is None or layer.effective_rank is None:
        return layer
    return _with_bars(layer, "ranks", lambda: rank_errors(sample, layer.layer, by, watch))


def _with_bars(layer: LayerFigures, what: str, compute: Callable[[], dict[str, ErrorBar]]) -> LayerFigures:
    try:
        return replace(layer, errors={**layer.errors, **compute()})
    except GeometryError as error:
        return _missing(layer, f"error of {what}", str(error))


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
