"""Results as flat rows: one for each layer, pair of classes, eigenvalue or configuration."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from subspacelens_tui.analysis.compare import Comparison, rounding
from subspacelens_tui.analysis.metrics import METRICS, Shape
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.sweep import Sweep
from subspacelens_tui.analysis.token_results import TokenResult

FlatRow = dict[str, Any]


def setting_columns(result: Result) -> FlatRow:
    """What the metrics are of, to stand before every row."""
    settings = result.settings
    return {
        "guidance": settings.guidance,
        "branch": settings.branch,
        "step": settings.step,
        "timestep": result.timestep,
        "labels": settings.labels,
        "eps": settings.eps,
        "features": settings.features,
        "subspace_dim": settings.subspace_dim,
        "design": settings.design if settings.permutations else None,
        "permutations": settings.permutations,
        "errors": settings.errors,
        "seed": settings.seed,
    }


def layer_rows(result: Result) -> Iterator[FlatRow]:
    """A row for each layer: every metric, its error and its null."""
    for layer in result.layers:
        yield {**setting_columns(result), "images": result.images, **layer_columns(layer)}


def layer_columns(layer: LayerResult) -> FlatRow:
    """A layer's metrics by key, with `delta_R_se`, `delta_R_low`, …, `Rc_null_mean`, …, `R_rounding`, …."""
    flat: FlatRow = {}
    for name, value in layer.to_json().items():
        if name in METRICS and METRICS[name].shape is Shape.RECORD:
            flat |= {f"{name}_{part}": number for part, number in (value or {}).items()}
        elif name == "nulls":
            flat |= {
                f"{key}_null_{part}": number for key, null in value.items() for part, number in null.items()
            }
        elif name == "errors":
            for key, bar in value.items():
                column = key.replace(".", "_")
                flat[f"{column}_se"] = bar["standard_error"]
                flat |= {f"{column}_{end}": bar[end] for end in ("low", "high")}
        elif name == "missing":
            flat["missing"] = "; ".join(f"{key}: {why}" for key, why in value.items())
        elif name == "rounding":
            flat |= {f"{key}_rounding": amount for key, amount in value.items()}
        else:
            flat[name] = value
    return flat


def curve_rows(result: Result, name: str) -> Iterator[FlatRow]:
    """A row for each layer: one quantity with its null band, its error band, or why it is missing."""
    asked = quantity(name)
    for layer in result.layers:
        value = asked.value(layer)
        null_low, null_high = asked.null_band(layer)
        low, high = asked.error_band(layer)
        yield {
            **setting_columns(result),
            "images": result.images,
            "layer": layer.number,
            name: value,
            "null_low": null_low,
            "null_high": null_high,
            "low": low,
            "high": high,
            "missing": layer.missing.get(name) or (layer.missing.get("nulls") if value is None else None),
            **({"rounding": asked.rounding(layer)} if layer.rounding else {}),
        }


def comparison_rows(comparison: Comparison, metric: str) -> Iterator[FlatRow]:
    """A row for each layer: one metric on two branches, and their difference with its error."""
    first, second = comparison.b.settings.branch, comparison.a.settings.branch
    for layer, differences in enumerate(comparison.layers):
        found = differences[metric]
        yield {
            **setting_columns(comparison.b),
            "branch": f"{first} − {second}",
            "images": comparison.b.images,
            "layer": comparison.b.numbers[layer],
            f"{metric}_{first}": found.b,
            f"{metric}_{second}": found.a,
            metric: found.difference,
            "standard_error": found.standard_error,
            "low": found.low,
            "high": found.high,
            **({} if (moved := rounding(comparison, layer, metric)) is None else {"rounding": moved}),
        }


def metric_rows(result: Result, found: LayerResult, images: int | None = None) -> Iterator[FlatRow]:
    """A row for each metric of one layer, with its null and its error, or why it is missing.

    Args:
        result: what it is a layer of.
        found: the layer.
        images: how many images it is of, if not as many as the others.
    """
    for key, value in _numbers(found):
        missing = found.missing.get(key)
        if value is None and missing is None:
            continue
        null, error = found.nulls.get(key), found.errors.get(key)
        of_excess = quantity(f"{key}.excess").error(found) if null else None
        yield {
            **setting_columns(result),
            "images": images or result.images,
            "layer": found.number,
            "figure": key,
            "value": value,
            **{
                f"null_{name}": getattr(null, name) if null else None
                for name in ("mean", "std", "low", "high", "z", "p")
            },
            "standard_error": error.standard_error if error else None,
            "low": error.low if error else None,
            "high": error.high if error else None,
            "excess": null.excess if null else None,
            "excess_standard_error": of_excess.standard_error if of_excess else None,
            "excess_low": of_excess.low if of_excess else None,
            "excess_high": of_excess.high if of_excess else None,
            "missing": missing,
            **({"rounding": found.rounding.get(key)} if found.rounding else {}),
        }


def _numbers(layer: LayerResult) -> Iterator[tuple[str, float | None]]:
    """Every number of a layer, those of records one by one."""
    for metric in METRICS.of_shape(Shape.SCALAR, Shape.RECORD):
        value = layer.values.get(metric.key)
        if metric.shape is Shape.SCALAR:
            yield metric.key, value
        elif value is not None:
            yield from ((f"{metric.key}_{part}", number) for part, number in asdict(value).items())


def overlap_rows(result: Result, layer: int | None = None) -> Iterator[FlatRow]:
    """A row for each pair of classes, of every layer or of one; none where the overlap is missing."""
    if result.overlap is None or result.explained is None:
        return
    for index in range(len(result.layers)) if layer is None else [layer]:
        if math.isnan(result.overlap[index, 0, 0]):
            continue
        for i, first in enumerate(result.classes):
            for j, second in enumerate(result.classes):
                yield {
                    **setting_columns(result),
                    "rank": result.settings.subspace_dim,  # the older name
                    "layer": result.numbers[index],
                    "class": first,
                    "other": second,
                    "overlap": float(result.overlap[index, i, j]),
                    "explained": float(result.explained[index, i, j]),
                }


def spectrum_rows(result: Result, layer: int) -> Iterator[FlatRow]:
    """A row for each eigenvalue of a layer's Gram matrix, the largest first."""
    if result.spectra is not None:
        for number, eigenvalue in enumerate(result.spectra[layer].tolist(), start=1):
            yield {
                **setting_columns(result),
                "layer": result.numbers[layer],
                "number": number,
                "eigenvalue": eigenvalue,
            }


def curve_point_rows(result: Result, key: str, layer: int | None = None) -> Iterator[FlatRow]:
    """A row for each point of a curve that a metric is, of every layer or of one."""
    for of in result.layers if layer is None else [result.layers[layer]]:
        points = of.arrays.get(key)
        for point in () if points is None else points.tolist():
            named = dict(zip(METRICS[key].columns, point, strict=True))
            yield {**setting_columns(result), "layer": of.number, **named}


def layer_pair_rows(result: Result, key: str) -> Iterator[FlatRow]:
    """A row for each pair of layers of a matrix, layers × layers, with what its null says."""
    matrix, null = result.matrices.get(key), result.matrix_nulls.get(key)
    for layer, row in enumerate([] if matrix is None else matrix.tolist()):
        for other, value in enumerate(row):
            yield {
                **setting_columns(result),
                "images": result.images,
                "layer": result.numbers[layer],
                "other_layer": result.numbers[other],
                key: value,
                "null_std": null.std if null else None,
                "z": float(null.z[layer, other]) if null else None,
                "p": float(null.p[layer, other]) if null and null.p is not None else None,
            }


def step_pair_rows(result: Result, key: str, steps: Sequence[int]) -> Iterator[FlatRow]:
    """A row for each layer and pair of captured steps of a matrix, steps × steps."""
    for layer in result.layers:
        matrix = layer.arrays.get(key)
        for step, row in zip(steps, [] if matrix is None else matrix.tolist(), strict=False):
            for other, value in zip(steps, row, strict=True):
                yield {
                    **setting_columns(result),
                    "step": step,
                    "other_step": other,
                    "layer": layer.number,
                    key: value,
                }


def sweep_rows(sweep: Sweep) -> Iterator[FlatRow]:
    """A row for each configuration and layer."""
    rows = zip(
        sweep.rows, sweep.timesteps, sweep.values, sweep.peaks, sweep.dips, sweep.passes.tolist(), strict=True
    )
    for row, timestep, values, peak, dip, passes in rows:
        for layer, value in enumerate(values.tolist()):
            yield {
                **asdict(row),
                "timestep": timestep,
                "layer": sweep.numbers[layer],
                sweep.metric: None if math.isnan(value) else value,
                "peak": layer == peak,
                "dip": layer == dip,
                **({} if sweep.tests is None else {"passes": passes[layer]}),
            }


def token_rows(found: TokenResult) -> Iterator[FlatRow]:
    """A row for each layer of the tokens' metrics, with their parts and the rates of the image means."""
    for row, layer in zip(layer_rows(found.result), found.layers, strict=True):
        for part, values in layer.to_json().items():
            for name, value in values.items():
                if name == "nulls":
                    row |= {
                        f"{part}_{metric}_null_{key}": number
                        for metric, null in value.items()
                        for key, number in null.items()
                    }
                else:
                    row[f"{part}_{name}"] = value
        yield {**row, "tokens": found.tokens}
