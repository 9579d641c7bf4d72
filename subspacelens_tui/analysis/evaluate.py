"""All metrics of some layers: a value or a reason for each, with its null and its error bar."""

from collections.abc import Sequence

from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import ARRAYS, METRICS, Cost, Metric, Shape
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.analysis.settings import ALL_METRICS, Settings, SettingsError
from subspacelens_tui.analysis.statistics.base import Labelings, LayerStatistics
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.pairs_of_layers import LayersTogether, MatrixNull
from subspacelens_tui.analysis.uncertainty.excess import add_excess_errors
from subspacelens_tui.analysis.uncertainty.jackknife import add_errors
from subspacelens_tui.analysis.uncertainty.permutation import add_nulls, add_own_nulls
from subspacelens_tui.geometry import GeometryError


def evaluate(
    layers: Sequence[LayerStatistics],
    blocks: Sequence[tuple[int, str]],
    settings: Settings,
    labelings: Labelings | str | None,
    watch: Watch,
    spectra: bool = True,
) -> list[LayerResult]:
    """Every metric of some layers, with its null and its error as far as settings ask for them.

    Args:
        layers: of any kind.
        blocks: number in the model and name of each.
        settings: resolved, with a subspace dimension.
        labelings: the permuted labels; or why there are none; None if no null was asked for.
        watch: progress and cancellation.
        spectra: whether also what needs eigenvalues.

    Raises:
        SettingsError: a metric is asked for that there is not.
        Cancelled: see `Watch`.
    """
    if unknown := [key for key in settings.metrics if key not in METRICS and key != ALL_METRICS]:
        raise SettingsError(f"there is no metric {unknown[0]!r}: use all, or some of {', '.join(METRICS)}")
    # Spectra before rates, which take them where there are any and cheaper factors where not.
    costs = [*[Cost.SPECTRA] * spectra, Cost.FIRST, *[Cost.PAIRS] * (spectra and settings.between_layers)]
    metrics = [*of_costs(costs), *requested(settings)]
    found = []
    for index, layer in enumerate(layers):
        watch.report("layers", index, len(layers))
        found.append(measured(layer, metrics))
    add_own_nulls(found)
    if labelings is not None:
        add_nulls(found, labelings, settings, watch)
    if settings.errors is not None:
        for index, of_layer in enumerate(found):
            watch.report("error bars", index, len(found))
            add_errors(of_layer, settings.errors, settings.wants_error, watch)
            if isinstance(labelings, Labelings):
                add_excess_errors(of_layer, settings.errors, labelings, settings.wants_error, watch)
    return [result(of_layer, *block) for of_layer, block in zip(found, blocks, strict=True)]


def of_costs(costs: Sequence[Cost]) -> list[Metric]:
    """The metrics of single layers of some costs, in the order of these."""
    return [
        metric
        for cost in costs
        for metric in METRICS.values()
        if metric.cost is cost and metric.shape is not Shape.LAYERS
    ]


def requested(settings: Settings) -> list[Metric]:
    """The metrics of single layers that are on request and asked for, with those that they are of."""
    asked = [metric for metric in of_costs([Cost.DEFERRED]) if settings.wants(metric.key)]
    wanted = {base.key for metric in asked for base in metric.bases} | {metric.key for metric in asked}
    return [metric for metric in of_costs([Cost.DEFERRED]) if metric.key in wanted]


def of_all_layers(
    together: LayersTogether, settings: Settings
) -> tuple[dict[str, Float64Array], dict[str, MatrixNull], dict[str, str]]:
    """The matrices, layers × layers, that are asked for, with their nulls; or why they are missing.

    Raises:
        Cancelled: see `LayersTogether`.
    """
    found: dict[str, Float64Array] = {}
    nulls: dict[str, MatrixNull] = {}
    missing: dict[str, str] = {}
    for metric in METRICS.of_shape(Shape.LAYERS):
        if settings.wants(metric.key):
            try:
                found[metric.key] = metric.compute(together)
                assert metric.own_null is not None
                nulls[metric.key] = metric.own_null(together)
            except GeometryError as error:
                missing[metric.key] = str(error)
    return found, nulls, missing


def measured(layer: LayerStatistics, metrics: Sequence[Metric]) -> Measured:
    """Some metrics of a layer, without nulls and errors."""
    found = Measured(layer)
    for metric in metrics:
        _measure(metric, found)
    return found


def _measure(metric: Metric, layer: Measured) -> None:
    try:
        layer.values[metric.key] = _value(metric, layer)
    except GeometryError as error:
        layer.missing[metric.key] = str(error)


def _value(metric: Metric, layer: Measured) -> object:
    """The value of a metric; of one that does not depend on ε only the first time."""
    if metric.of:
        for base in metric.of:
            if base in layer.missing:
                raise GeometryError(layer.missing[base])
        return metric.of_values(layer.values)
    statistics = layer.statistics
    if metric.depends_on_eps or metric.mean:
        return metric.value(statistics)
    key = metric.key, *(getattr(statistics.settings, name) for name in metric.depends_on)
    return statistics.keep(key, lambda: metric.value(statistics))


def result(layer: Measured, number: int, name: str) -> LayerResult:
    """The result of an evaluated layer: of the block of that number in the model."""
    statistics = layer.statistics
    moved = statistics.rounding(layer.values)
    known = [METRICS[key] for key in (*layer.values, *layer.missing) if key in METRICS]
    arrays = {metric.key for metric in known if metric.shape in ARRAYS}
    return LayerResult(
        layer=statistics.index,
        name=name,
        width=statistics.width,
        eps=statistics.shown_eps,
        rank_ceiling=min(statistics.columns, statistics.width),
        values={key: value for key, value in layer.values.items() if key not in arrays},
        arrays={key: value for key, value in layer.values.items() if key in arrays},
        nulls=layer.nulls,
        errors=layer.errors,
        missing={key: why for key, why in layer.missing.items() if key not in arrays},
        rounding={key: moved[key] for key in METRICS if key in moved},
        massive=statistics.massive() if moved else "",
        model_number=None if number == statistics.index else number,
    )
