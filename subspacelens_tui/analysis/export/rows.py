"""Figures as flat rows: one for each layer, pair of classes, eigenvalue or configuration."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from subspacelens_tui.analysis.bands import error_band, null_band
from subspacelens_tui.analysis.compare import Comparison, rounding
from subspacelens_tui.analysis.figures import FIGURES, Figures, LayerFigures
from subspacelens_tui.analysis.sweep import Sweep
from subspacelens_tui.analysis.tokens.figures import TokenFigures

FlatRow = dict[str, Any]


def setting_columns(figures: Figures) -> FlatRow:
    """What the figures are of, to stand before every row."""
    settings = figures.settings
    return {
        "guidance": settings.guidance,
        "branch": settings.branch,
        "step": settings.step,
        "timestep": figures.timestep,
        "labels": settings.labels,
        "eps": settings.eps,
        "features": settings.features,
    }


def figure_rows(figures: Figures) -> Iterator[FlatRow]:
    """A row for each layer: every figure, its error and its null."""
    for layer in figures.layers:
        yield {**setting_columns(figures), "images": figures.images, **layer_columns(layer)}


def layer_columns(layer: LayerFigures) -> FlatRow:
    """A layer's figures by name, with `delta_R_se`, `delta_R_low`, …, `Rc_null_mean`, …, `R_rounding`, …."""
    flat: FlatRow = {}
    for name, value in layer.to_json().items():
        if name == "normality":
            flat |= {f"normality_{kind}": share for kind, share in value.items()}
        elif name == "nulls":
            flat |= {
                f"{figure}_null_{key}": number
                for figure, null in value.items()
                for key, number in null.items()
            }
        elif name == "errors":
            for figure, bar in value.items():
                flat |= {
                    f"{figure}_se": bar["standard_error"],
                    f"{figure}_low": bar["low"],
                    f"{figure}_high": bar["high"],
                }
        elif name == "missing":
            flat["missing"] = "; ".join(f"{figure}: {why}" for figure, why in value.items())
        elif name == "rounding":
            flat |= {f"{figure}_rounding": amount for figure, amount in value.items()}
        else:
            flat[name] = value
    return flat


def curve_rows(figures: Figures, figure: str) -> Iterator[FlatRow]:
    """A row for each layer: one figure with its null band, its error band, or why it is missing."""
    values = figures.curve(figure)
    for layer, value in zip(figures.layers, values, strict=True):
        null_low, null_high = null_band(layer, figure)
        low, high = error_band(layer, figure)
        yield {
            **setting_columns(figures),
            "images": figures.images,
            "layer": layer.layer,
            figure: value,
            "null_low": null_low,
            "null_high": null_high,
            "low": low,
            "high": high,
            "missing": layer.missing.get(figure) or (layer.missing.get("nulls") if value is None else None),
            **_rounding(layer, "delta_R" if figure in ("excess", "z") else figure),
        }


def _rounding(layer: LayerFigures, figure: str) -> FlatRow:
    """How far rounding may have moved a figure, where it may have moved any."""
    return {"rounding": layer.rounding.get(figure)} if layer.rounding else {}


def comparison_rows(comparison: Comparison, figure: str) -> Iterator[FlatRow]:
    """A row for each layer: one figure on two branches, and their difference with its error."""
    first, second = comparison.b.settings.branch, comparison.a.settings.branch
    for layer, differences in enumerate(comparison.layers):
        found = differences[figure]
        yield {
            **setting_columns(comparison.b),
            "branch": f"{first} − {second}",
            "images": comparison.b.images,
            "layer": layer,
            f"{figure}_{first}": found.b,
            f"{figure}_{second}": found.a,
            figure: found.difference,
            "standard_error": found.standard_error,
            "low": found.low,
            "high": found.high,
            **({} if (moved := rounding(comparison, layer, figure)) is None else {"rounding": moved}),
        }


def layer_rows(figures: Figures, found: LayerFigures, images: int | None = None) -> Iterator[FlatRow]:
    """A row for each figure of one layer, with its null and its error, or why it is missing.

    Args:
        figures: what it is a layer of.
        found: the layer.
        images: how many images it is of, if not as many as the others.
    """
    values = {figure: getattr(found, figure) for figure in FIGURES}
    if found.normality is not None:
        values |= {f"normality_{kind}": share for kind, share in asdict(found.normality).items()}
    for figure, value in values.items():
        missing = found.missing.get(figure)
        if value is None and missing is None:
            continue
        null, error = found.nulls.get(figure), found.errors.get(figure)
        yield {
            **setting_columns(figures),
            "images": images or figures.images,
            "layer": found.layer,
            "figure": figure,
            "value": value,
            **{
                f"null_{name}": getattr(null, name) if null else None
                for name in ("mean", "std", "low", "high", "z", "p")
            },
            "standard_error": error.standard_error if error else None,
            "low": error.low if error else None,
            "high": error.high if error else None,
            "missing": missing,
            **_rounding(found, figure),
        }


def overlap_rows(figures: Figures, layer: int | None = None) -> Iterator[FlatRow]:
    """A row for each pair of classes, of every layer or of one; none where the overlap is missing."""
    if figures.overlap is None or figures.explained is None:
        return
    for index in range(len(figures.layers)) if layer is None else [layer]:
        if math.isnan(figures.overlap[index, 0, 0]):
            continue
        for i, first in enumerate(figures.classes):
            for j, second in enumerate(figures.classes):
                yield {
                    **setting_columns(figures),
                    "rank": figures.settings.rank,
                    "layer": index,
                    "class": first,
                    "other": second,
                    "overlap": float(figures.overlap[index, i, j]),
                    "explained": float(figures.explained[index, i, j]),
                }


def spectrum_rows(figures: Figures, layer: int) -> Iterator[FlatRow]:
    """A row for each eigenvalue of a layer's Gram matrix, the largest first."""
    if figures.spectra is not None:
        for number, eigenvalue in enumerate(figures.spectra[layer].tolist(), start=1):
            yield {**setting_columns(figures), "layer": layer, "number": number, "eigenvalue": eigenvalue}


def sweep_rows(sweep: Sweep) -> Iterator[FlatRow]:
    """A row for each configuration and layer."""
    rows = zip(sweep.rows, sweep.timesteps, sweep.values, sweep.peaks, sweep.dips, strict=True)
    for row, timestep, values, peak, dip in rows:
        for layer, value in enumerate(values.tolist()):
            yield {
                **asdict(row),
                "timestep": timestep,
                "layer": layer,
                sweep.figure: None if math.isnan(value) else value,
                "peak": layer == peak,
                "dip": layer == dip,
            }


def token_rows(found: TokenFigures) -> Iterator[FlatRow]:
    """A row for each layer of the tokens' figures, with their parts and the rates of the image means."""
    for row, layer in zip(figure_rows(found.figures), found.layers, strict=True):
        for part, values in layer.to_json().items():
            for name, value in values.items():
                if name == "nulls":
                    row |= {
                        f"{part}_{figure}_null_{key}": number
                        for figure, null in value.items()
                        for key, number in null.items()
                    }
                else:
                    row[f"{part}_{name}"] = value
        yield {**row, "tokens": found.tokens}
