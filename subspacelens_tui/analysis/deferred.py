"""What costs seconds, for the layer that somebody looks at: deferred metrics and errors by recomputation."""

from dataclasses import replace

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.analysis.evaluate import measured, of_all_layers, of_costs, result
from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS, Cost, Family
from subspacelens_tui.analysis.progress import IsCancelled, Progress, Watch
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.statistics.base import Labelings
from subspacelens_tui.analysis.statistics.pairs_of_layers import LayersTogether
from subspacelens_tui.analysis.uncertainty.excess import add_excess_errors
from subspacelens_tui.analysis.uncertainty.jackknife import add_errors
from subspacelens_tui.analysis.uncertainty.permutation import add_nulls, add_own_nulls, labelings_of
from subspacelens_tui.geometry import GeometryError


def deferred_metrics(
    analyzer: Analyzer, found: Result, layer: int, cancelled: IsCancelled | None = None
) -> LayerResult:
    """One layer of a result with what `Settings.thorough` adds, the errors of its overlap excepted.

    Those cost as much again many times over: see `deferred_errors`.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    watch, known = Watch(cancelled), found.layers[layer]
    with one_blas_thread():
        statistics = analyzer.layers_of(found, watch)[layer]
        watch.check()
        more = measured(statistics, of_costs([Cost.DEFERRED]))
        add_own_nulls([more])
        if statistics.labelings is not None:
            add_nulls([more], statistics.labelings, found.settings, watch)
        of_layer = result(more, known.number, known.name)
        with_them = replace(
            known,
            values={**known.values, **of_layer.values},
            arrays={**known.arrays, **of_layer.arrays},
            nulls={**of_layer.nulls, **known.nulls},
            missing={**known.missing, **of_layer.missing},
        )
        return _with_errors(with_them, analyzer, found, watch, METRICS["effective_rank"].family)


def rank_errors(
    analyzer: Analyzer, found: Result, layer: int, cancelled: IsCancelled | None = None
) -> LayerResult:
    """One layer of a result with the error bars of its ranks, where it can have any.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    family = METRICS["effective_rank"].family
    with one_blas_thread():
        return _with_errors(found.layers[layer], analyzer, found, Watch(cancelled), family)


def overlap_errors(
    analyzer: Analyzer, found: Result, layer: int, cancelled: IsCancelled | None = None
) -> LayerResult:
    """One layer of a result with the error bars of its overlap and of its excess, where it can have any.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    family = METRICS["overlap_mean"].family
    with one_blas_thread():
        return _with_errors(found.layers[layer], analyzer, found, Watch(cancelled), family)


def deferred_errors(
    analyzer: Analyzer, found: Result, layer: int, cancelled: IsCancelled | None = None
) -> LayerResult:
    """One layer of a result with the errors by recomputation of all the values it has, where it can have any.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    with one_blas_thread():
        return _with_errors(found.layers[layer], analyzer, found, Watch(cancelled), None)


def with_deferred_errors(
    analyzer: Analyzer, found: Result, cancelled: IsCancelled | None = None, progress: Progress | None = None
) -> Result:
    """A result with the error bars of ranks and overlaps at all layers; those of excesses are not among them.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    watch, layers = Watch(cancelled, progress), []
    with one_blas_thread():
        for place, layer in enumerate(found.layers):
            watch.report("error bars of ranks and overlaps", place, len(found.layers))
            layers.append(_with_errors(layer, analyzer, found, watch, None, unasked=False))
    return replace(found, layers=tuple(layers))


def _with_errors(
    known: LayerResult,
    analyzer: Analyzer,
    found: Result,
    watch: Watch,
    family: Family | None,
    unasked: bool = True,
) -> LayerResult:
    """The layer with the errors by recomputation, of one family of metrics or of all.

    `unasked` is whether excesses are among them, and what takes eigenvectors, without their being asked for.
    """
    if found.settings.errors is None:
        return known
    deferred = {
        metric.key: known.values[metric.key]
        for metric in METRICS.scalars
        if metric.error is Cost.DEFERRED
        and metric.key in known.values
        and family in (None, metric.family)
        and (unasked or metric.cost is not Cost.PAIRS or found.settings.wants(metric.key))
    }
    statistics = analyzer.layers_of(found)[known.layer]
    layer = Measured(statistics, deferred, dict(known.nulls))
    add_errors(layer, found.settings.errors, lambda key: True, watch)
    labelings = labelings_of(statistics.sample.images, found.settings) if unasked else None
    if isinstance(labelings, Labelings):
        add_excess_errors(layer, found.settings.errors, labelings, lambda key: True, watch)
    return replace(known, errors={**known.errors, **layer.errors}, missing={**known.missing, **layer.missing})


def cka_of_layers(analyzer: Analyzer, found: Result, cancelled: IsCancelled | None = None) -> Result:
    """A result with the CKA of all of its layers, or why there is none.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    settings = replace(
        found.settings, metrics=("cka",), thorough=False, permutations=0, overlap_permutations=None
    )
    with one_blas_thread():
        layers = analyzer.layers_of(found)
        together = LayersTogether(lambda layer: layers[layer].features(), len(layers), 0, 0, cancelled)
        matrices, nulls, missing = of_all_layers(together, settings)
    return replace(found, matrices=matrices, matrix_nulls=nulls, missing=missing)


def split_halves(
    analyzer: Analyzer, found: Result, cancelled: IsCancelled | None = None
) -> tuple[tuple[float | None, float | None], ...]:
    """For each layer the overlap of random halves of one class, and of two classes; None where there is none.

    Raises:
        SettingsError: if the session has lost the images that the result is of.
        Cancelled: once `cancelled` says True.
    """
    watch = Watch(cancelled)
    halves: list[tuple[float | None, float | None]] = []
    with one_blas_thread():
        for statistics in analyzer.layers_of(found):
            watch.check()
            try:
                halves.append(statistics.split_half_means())
            except GeometryError:
                halves.append((None, None))
    return tuple(halves)
