"""Curves over the layers for publication, of one model or of several."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.analysis.layer_gaps import layer_gaps, runs, shared_axis
from subspacelens_tui.analysis.output.plots import (
    COLOURS,
    POINTS,
    STYLES,
    Plot,
    literal,
    name_layers,
    say_why_empty,
)
from subspacelens_tui.analysis.output.rows import layer_rows
from subspacelens_tui.analysis.quantities import error_bands, null_bands, quantity
from subspacelens_tui.analysis.relative_depth import relative_depth
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.sessions.sanitise import plain


def curve_plot(name: str, curves: Sequence[Result], metric: str, names: Sequence[str] = ()) -> Plot:
    """A metric over the layers, a curve for each result, with its null band and its error band.

    Models of different depths are over relative depth: 0 the first layer, 1 the last; where some blocks only
    were recorded, curves are over the blocks' numbers.

    Args:
        name: stem of its files.
        curves: results that differ in labels, branch, step, guidance or session.
        metric: which quantity.
        names: of the curves; default: what their results are of.
    """
    asked = quantity(metric)
    axis = shared_axis([of.numbers for of in curves])
    relative = not axis and any(of.layers for of in curves)
    places = [_places(of, axis) for of in curves]

    def draw(canvas: Any) -> None:
        axes = canvas.add_subplot()
        for number, (of, at) in enumerate(zip(curves, places, strict=True)):
            _draw_curve(axes, _Curve(of, at, metric, names[number] if names else _label(of)), number)
        ceilings = {tuple(layer.rank_ceiling for layer in of.layers) for of in curves}
        # One line for all curves, where it is the same for all.
        if asked.metric.ceiling and len(ceilings) == 1 and curves[0].layers:
            label = "min(N, d)"
            for run in runs(len(places[0]), layer_gaps(curves[0].numbers)):
                axes.plot(places[0][run], next(iter(ceilings))[run], color="0.5", lw=0.8, label=label)
                label = ""
        if asked.has_zero_line:
            axes.axhline(0, color="0.5", lw=0.8)
        if relative:
            axes.set_xlabel("relative depth")
        else:
            name_layers(axes, axis)
        axes.set_ylabel(asked.words)
        if not any(value is not None for of in curves for value in of.curve(metric)):
            say_why_empty(axes, curves[0].why_missing(metric) if curves else "")
        # Beside the curves there is no corner that is always free.
        legend = canvas.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=7)
        literal(legend.get_texts())
        axes.set_title(_encoding(curves, metric), fontsize=6, color="0.4")

    rows = (
        {**({"name": names[number]} if names else {}), **row}
        for number, of in enumerate(curves)
        for row in layer_rows(of)
    )
    return Plot(name, (4.8, 3.3), draw, tuple(rows))


def _places(of: Result, axis: Sequence[int]) -> list[float]:
    """Where its layers are on an axis of blocks, or of relative depth if it has none."""
    layers = len(of.layers)
    if not axis:
        return [relative_depth(layer, layers) for layer in range(layers)]
    return [float(axis.index(number)) for number in of.numbers]


def _label(of: Result) -> str:
    settings = of.settings
    return f"{settings.labels}, {settings.branch}, step {of.step_name}, guidance {settings.guidance:g}"


def _encoding(curves: Sequence[Result], metric: str) -> str:
    """What stands for what in a plot of curves, as on the screen; only what is there."""
    with_null = [of for of in curves if any(end is not None for end in null_bands(of, metric)[0])]
    with_error = [of for of in curves if any(end is not None for end in error_bands(of, metric)[0])]
    words = []
    if with_null:
        words.append("shaded: 95 % of the null, points inside it hollow")
    if with_error:
        errors = ", ".join(dict.fromkeys(str(of.settings.errors) for of in with_error))
        words.append(f"bars: 95 % CI, jackknife ({errors})")
    if any(width_breaks(of, metric) for of in curves):
        words.append("gaps: the width changes")
    if any(layer_gaps(of.numbers) for of in curves):
        words.append("gaps: layers not recorded")
    return "; ".join(words)


@dataclass(frozen=True)
class _Curve:
    """One quantity of a result, where its layers are, and its name in the legend."""

    of: Result
    places: Sequence[float]
    metric: str
    name: str


def _draw_curve(axes: Any, curve: _Curve, number: int) -> None:
    colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
    marker = POINTS[number % len(POINTS)]
    of, metric, places = curve.of, curve.metric, np.array(curve.places)
    values = np.array(_numbers(of.curve(metric)))
    null = [np.array(_numbers(ends)) for ends in null_bands(of, metric)]
    label: str | None = plain(curve.name)
    for run in runs(len(values), (*width_breaks(of, metric), *layer_gaps(of.numbers))):
        axes.plot(places[run], values[run], style, color=colour, lw=1.2, marker=marker, ms=4, label=label)
        label = None
        if np.isfinite(null[0]).any():
            axes.fill_between(places[run], null[0][run], null[1][run], color=colour, alpha=0.25, lw=0)
    inside = (null[0] <= values) & (values <= null[1])
    axes.plot(places[inside], values[inside], marker, color=colour, mfc="white", ms=4)
    low, high = (np.array(_numbers(ends)) for ends in error_bands(of, metric))
    if np.isfinite(low).any():
        axes.vlines(places, low, high, color=colour, lw=0.8, alpha=0.7)


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]
