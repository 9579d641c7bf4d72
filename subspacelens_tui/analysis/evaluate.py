"""All metrics of some layers: a value or a reason for each, with its null and its error bar."""

from collections.abc import Iterable, Sequence

from subspacelens_tui.analysis.measured import Measured
from subspacelens_tui.analysis.metrics import METRICS, Cost, Metric, Need, Shape
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.base import Labelings, LayerStatistics
from subspacelens_tui.analysis.uncertainty.jackknife import add_errors
from subspacelens_tui.analysis.uncertainty.permutation import add_nulls
from subspacelens_tui.geometry import GeometryError

_ARRAYS = (Shape.CLASSES, Shape.SPECTRUM)
# Spectra before rates, which take them where there are any and cheaper factors where not.
_IN_ORDER = (Cost.SPECTRA, Cost.FIRST, Cost.DEFERRED)


def evaluate(
    layers: Sequence[LayerStatistics],
    names: Sequence[str],
    settings: Settings,
    labelings: Labelings | str | None,
    watch: Watch,
    spectra: bool = True,
) -> list[LayerResult]:
    """Every metric of some layers, with its null and its error as far as settings ask for them.

    Args:
        layers: of any kind.
        names: of their blocks.
        settings: resolved, with a subspace dimension.
        labelings: the permuted labels; or why there are none; None if no null was asked for.
        watch: progress and cancellation.
        spectra: whether also what needs eigenvalues.

    Raises:
        Cancelled: see `Watch`.
    """
    costs = [Cost.FIRST, *[Cost.SPECTRA] * spectra, *[Cost.DEFERRED] * settings.thorough]
    found = []
    for index, layer in enumerate(layers):
        watch.said("layers", index, len(layers))
        found.append(measured(layer, [cost for cost in _IN_ORDER if cost in costs]))
    if labelings is not None:
        add_nulls(found, labelings, settings, watch)
    if settings.errors is not None:
        for index, of_layer in enumerate(found):
            watch.said("error bars", index, len(found))
            add_errors(of_layer, settings.errors, settings.thorough, watch)
    return [result(of_layer, name) for of_layer, name in zip(found, names, strict=True)]


def measured(layer: LayerStatistics, costs: Iterable[Cost]) -> Measured:
    """The metrics of a layer, without nulls and errors; only those of some costs."""
    found = Measured(layer)
    for cost in costs:
        for metric in METRICS.values():
            if metric.cost is cost:
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
    if Need.RATES in metric.needs or metric.mean:
        return metric.value(layer.statistics)
    settings = layer.statistics.settings
    depends_on = (settings.rank, settings.seed) if {Need.SUBSPACES, Need.VECTORS} & {*metric.needs} else ()
    return layer.statistics.keep((metric.key, *depends_on), lambda: metric.value(layer.statistics))


def result(layer: Measured, name: str) -> LayerResult:
    """What is known of a layer, as it is handed out."""
    statistics = layer.statistics
    moved = statistics.rounding(layer.values)
    arrays = {metric.key for metric in METRICS.of_shape(*_ARRAYS)}
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
    )
