"""A closer look at one layer: what costs seconds, for the layer that somebody looks at."""

from dataclasses import replace

from subspacelens_tui.analysis.analyzer import Analyzer, one_blas_thread
from subspacelens_tui.analysis.evidence import with_close_errors, with_rank_errors
from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.layers import one_layer
from subspacelens_tui.analysis.watch import IsCancelled, Watch


def closely(
    analyzer: Analyzer, figures: Figures, layer: int, cancelled: IsCancelled | None = None
) -> LayerFigures:
    """One layer of figures with all that `Settings.thorough` adds: normality, split halves, more errors.

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
        return with_close_errors(found, sample, settings, watch) if settings.errors else found


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
