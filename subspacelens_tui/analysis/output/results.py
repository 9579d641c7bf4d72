"""The metrics of every layer, as a table and as JSON."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from rich.text import Text

from subspacelens_tui.analysis.metrics import ARRAYS, METRICS, Cost, Metric, Shape, Table
from subspacelens_tui.analysis.output.console import INTERVAL, PlainTable, console, number, print_json
from subspacelens_tui.analysis.quantities import HEADLINE, quantity
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.statistics.pairs_of_layers import MatrixNull
from subspacelens_tui.analysis.uncertainty.multiple_tests import MultipleTests, tests_json
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.sessions import Session
from subspacelens_tui.sessions.sanitise import plain


def result_json(session: Session, result: Result) -> dict[str, Any]:
    """The one object that `analyze --json` prints."""
    return {
        "session": session.name,
        "settings": settings_json(result),
        "images": result.images,
        "left_out": len(result.left_out.images) if result.left_out else 0,
        "subset": asdict(result.subset) if result.subset else None,
        "classes": [
            {"name": name, "images": size}
            for name, size in zip(result.classes, result.class_sizes, strict=True)
        ],
        "layers": [layer.to_json() for layer in result.layers],
        **_arrays(result),
        **_tests(result),
        **_matrices(result),
        "notes": list(result.notes),
    }


def _tests(result: Result) -> dict[str, Any]:
    """The tests of each metric over the layers, read together; nothing without nulls."""
    keys = [
        metric.key for metric in METRICS.scalars if any(metric.key in layer.nulls for layer in result.layers)
    ]
    if not keys:
        return {}
    tests = {key: result.tests(key) for key in keys}
    return {
        "multiple_tests": tests_json()
        | {"over": "layers", "metrics": {key: of.to_json() for key, of in tests.items()}}
    }


def settings_json(result: Result) -> dict[str, Any]:
    """What metrics are of: the settings, and the timestep at their step."""
    said = {name: value for name, value in asdict(result.settings).items() if name != "images"}
    # `rank` is the older name of `subspace_dim`.
    return said | {"rank": result.settings.subspace_dim, "timestep": result.timestep}


def _arrays(result: Result) -> dict[str, Any]:
    """The matrices and curves of all layers, layer by layer; those between classes unasked."""
    found: dict[str, Any] = {}
    for metric in METRICS.of_shape(*ARRAYS):
        if metric.shape is Shape.CLASSES or result.settings.wants(metric.key):
            arrays = [layer.arrays.get(metric.key) for layer in result.layers]
            lists = [None if array is None else _array_json(metric, array) for array in arrays]
            found[metric.key] = lists if any(array is not None for array in arrays) else None
    return found


def _array_json(metric: Metric, array: Any) -> Any:
    """A matrix or curve; one whose points have names for what they consist of, by these."""
    if metric.shape is not Shape.CURVE:
        return array.tolist()
    return dict(zip(metric.columns, array.T.tolist(), strict=True))


def _matrices(result: Result) -> dict[str, Any]:
    """The matrices, layers × layers, that were asked for, with their nulls, or why they are missing."""
    found: dict[str, Any] = {key: matrix.tolist() for key, matrix in result.matrices.items()}
    found |= dict.fromkeys(result.missing)
    if result.matrix_nulls:
        found["nulls"] = {key: matrix_null_json(null) for key, null in result.matrix_nulls.items()}
    if result.missing:
        found["missing"] = dict(result.missing)
    return found


def matrix_null_json(null: MatrixNull) -> dict[str, Any]:
    """The null of a matrix: of mean 0, with z and p for each entry."""
    return {
        "mean": 0.0,
        "std": null.std,
        "z": null.z.tolist(),
        "p": None if null.p is None else null.p.tolist(),
        "permutations": null.permutations,
    }


def print_result(session: Session, result: Result, as_json: bool) -> None:
    """Print the metrics of every layer on stdout."""
    if as_json:
        print_json(result_json(session, result))
        return
    settings = result.settings
    out = console()
    out.print(
        Text(
            f"{plain(session.name)}: {result.images} images, labels {plain(settings.labels or '')}, "
            f"ε {settings.eps:g}, {settings.branch}, step {result.step_name}, "
            f"guidance {settings.guidance:g}, {settings.features} features, "
            f"class subspaces of dimension {settings.subspace_dim}; rates in nats" + null_words(settings)
        )
    )
    columns = _columns(settings, result.tests(HEADLINE))
    breaks = width_breaks(result, HEADLINE)
    if breaks:
        columns.insert(1, ("width", lambda layer: str(layer.width)))
    rows: list[list[str]] = []
    for layer in result.layers:
        rows += [[""] * len(columns)] if layer.layer in breaks else []
        rows.append([cell(layer) for _, cell in columns])
    out.print(PlainTable([heading for heading, _ in columns], rows))
    tests = result.tests(HEADLINE)
    said = [f"* ΔR over {tests.words('layers')}"] if tests.count else []
    for line in (*said, *_reasons(result), *result.notes):
        out.print(Text(plain(line)))


def null_words(settings: Settings, permuted: str = "permutations") -> str:
    """What null and intervals are of, to follow other words; nothing where there are none."""
    words = f"; null: {settings.permutations} {permuted}, {settings.design}" if settings.permutations else ""
    return words + (f"; {_interval_words(settings)}" if settings.errors else "")


def _interval_words(settings: Settings) -> str:
    """What ± stands for."""
    over = " and ".join(f"{kind}s" for kind in (settings.errors or "").split("+"))
    return f"{INTERVAL} is half the 95 % confidence interval, by the jackknife over {over}"


def _columns(settings: Settings, tests: MultipleTests) -> list[tuple[str, Callable[[LayerResult], str]]]:
    """Headings and cells: the layer, then every metric that a table has room for."""
    columns: list[tuple[str, Callable[[LayerResult], str]]] = [("layer", lambda layer: str(layer.number))]
    for metric in METRICS.of_shape(Shape.SCALAR, Shape.RECORD):
        if metric.table is not Table.NOTHING and (
            settings.wants(metric.key) or metric.cost is not Cost.DEFERRED
        ):
            columns += _metric_columns(metric, settings, tests)
    if settings.iso_rate is not None:
        columns.append(("ε", lambda layer: number(layer.eps)))
    return columns


def _metric_columns(
    metric: Metric, settings: Settings, tests: MultipleTests
) -> Iterator[tuple[str, Callable[[LayerResult], str]]]:
    """A metric, its error and its null; of the headline metric the excess with its z and p as well."""
    key = metric.key
    if metric.shape is Shape.RECORD:
        for name, heading in metric.parts.items():
            yield heading, lambda layer, name=name: number(getattr(layer.values.get(key), name, None))  # type: ignore[misc]
        return
    yield metric.short, lambda layer: number(layer.values.get(key))
    if metric.table is not Table.EVIDENCE:
        return
    with_errors = bool(settings.errors and metric.error and (settings.wants(key) or key == HEADLINE))
    if with_errors:
        yield INTERVAL, partial(_half_width, key)
    if settings.permutations and metric.null:
        aspects = ("null_mean", "excess", "z", "p") if key == HEADLINE else ("null_mean",)
        for aspect in aspects:
            asked = quantity(f"{key}.{aspect}")
            if aspect == "p":
                yield "p ", partial(_marked_p, tests.survive)
                continue
            yield aspect.removesuffix("_mean"), lambda layer, asked=asked: number(asked.value(layer))  # type: ignore[misc]
            if with_errors and aspect == "excess":
                yield INTERVAL, partial(_half_width, f"{key}.excess")


def _marked_p(passes: Sequence[bool], layer: LayerResult) -> str:
    """The p of the headline metric, with a star where it is one of those that pass together."""
    null = layer.null
    return number(null.p if null else None) + ("*" if null and passes[layer.layer] else " ")


def _half_width(name: str, layer: LayerResult) -> str:
    bar = quantity(name).error(layer)
    return number(bar.half_width if bar else None)


def _reasons(result: Result) -> Iterable[str]:
    """Why metrics are missing, each reason once, with what it is a reason for and where."""
    layers_of: dict[tuple[str, str], list[int]] = {}
    for layer in result.layers:
        for key, why in layer.missing.items():
            layers_of.setdefault((why, key), []).append(layer.number)
    for key, why in result.missing.items():
        layers_of.setdefault((why, key), []).extend(layer.number for layer in result.layers)
    keys_of: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for (why, key), layers in layers_of.items():
        keys_of.setdefault((why, tuple(layers)), []).append(key)
    for (why, at), keys in keys_of.items():
        some = f"layer{'s' * (len(at) > 1)} {', '.join(map(str, at))}"
        where = "all layers" if len(at) == len(result.layers) else some
        yield f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} missing: {why} ({where})"
