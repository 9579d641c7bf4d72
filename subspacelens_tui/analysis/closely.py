"""A closer look at one layer: what costs seconds, for the layer that somebody looks at."""

from dataclasses import replace

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.evidence import with_close_errors, with_rank_errors
from subspacelens_tui.analysis.figures import THOROUGH, Figures, LayerFigures
from subspacelens_tui.analysis.layers import one_layer
from subspacelens_tui.analysis.watch import IsCancelled, Watch
from subspacelens_tui.geometry import GeometryError

CLOSE = (*THOROUGH, "normality")
"""What a closer look adds to a layer, beside error bars."""


def closely(
    analyzer: Analyzer, figures: Figures, layer: int, cancelled: IsCancelled | None = None
) -> LayerFigures:
    """One layer of figures with what `Settings.thorough` adds, the errors of its overlap excepted.

    Those cost as much again many times over: see `close_errors`.

    Raises:
        SettingsError: if the session has lost the images that the figures are of.
        Cancelled: once `cancelled` says True.
    """
    watch, settings, known = Watch(cancelled), figures.settings, figures.layers[layer]
    with one_blas_thread():
        sample, hoyer, features = analyzer.sample_of(figures)
        watch.check()
        found = one_layer(sample, layer, known.name, replace(settings, thorough=True), hoyer, features)
        found = replace(
            found, nulls=known.nulls, errors=known.errors, missing={**known.missing, **found.missing}
        )
        return with_rank_errors(found, sample, settings.errors, watch)


def rank_errors(
    analyzer: Analyzer, figures: Figures, layer: int, cancelled: IsCancelled | None = None
) -> LayerFigures:
    """One layer of figures with the error bars of its ranks, where it can have any.

    Raises:
        SettingsError: if the session has lost the images that the figures are of.
        Cancelled: once `cancelled` says True.
    """
    with one_blas_thread():
        sample, _, _ = analyzer.sample_of(figures)
        return with_rank_errors(figures.layers[layer], sample, figures.settings.errors, Watch(cancelled))


def close_errors(
    analyzer: Analyzer, figures: Figures, layer: int, cancelled: IsCancelled | None = None
) -> LayerFigures:
    """One layer of figures with the error bars of its ranks and of its overlap, where it can have any.

    Raises:
        SettingsError: if the session has lost the images that the figures are of.
        Cancelled: once `cancelled` says True.
    """
    known = figures.layers[layer]
    if figures.settings.errors is None:
        return known
    with one_blas_thread():
        sample, _, _ = analyzer.sample_of(figures)
        return with_close_errors(known, sample, figures.settings, Watch(cancelled))


def split_halves(
    analyzer: Analyzer, figures: Figures, cancelled: IsCancelled | None = None
) -> tuple[tuple[float | None, float | None], ...]:
    """For each layer the overlap of random halves of one class, and of two classes; None where there is none.

    Raises:
        SettingsError: if the session has lost the images that the figures are of.
        Cancelled: once `cancelled` says True.
    """
    watch, settings = Watch(cancelled), figures.settings
    assert settings.rank is not None
    found: list[tuple[float | None, float | None]] = []
    with one_blas_thread():
        sample, _, _ = analyzer.sample_of(figures)
        for layer in range(len(figures.layers)):
            watch.check()
            try:
                found.append(sample.split_half_means(layer, settings.rank, settings.seed))
            except GeometryError:
                found.append((None, None))
    return tuple(found)
