"""Curves over the layers as rows of cells. The one module that knows plotext.

plotext (6.1) draws braille curves, axes and ticks into a matrix of cells on a figure that the whole
process shares; each call here sets it up anew, and is remembered by what it draws and at which size.
Colours come later: a cell names the part it belongs to, so that themes cost nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from subspacelens_tui.app.widgets.backdrop import draw_behind, with_cursor
from subspacelens_tui.app.widgets.plot_parts import Cell, Cells, Curve, Markers, Plot, between

_PLOTEXT_MARKERS = {"braille": "braille", "blocks": "hd", "ascii": "*"}
_LONE = {"braille": "•", "blocks": "•", "ascii": "*"}
_ASCII_FRAME = str.maketrans("│┤┼└┬─├", "||+++-|")
_LABEL = 6
_TICK_ROWS = 2.5
_TICK_COLUMNS = 9
_DASH, _DASH_GAP = 5, 4


class _Axis(NamedTuple):
    """Its lowest and highest value, and its ticks with what they say."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]


def layer_at(column: int, width: int, layers: int) -> int | None:
    """The layer nearest to a column of a plot of this width; None left of the axis."""
    room = width - _LABEL - 1
    if column < _LABEL + 1 or layers < 1 or room < 2:
        return None
    return min(layers - 1, max(0, round((column - _LABEL - 1) / (room - 1) * (layers - 1))))


def draw(plot: Plot, width: int, height: int) -> Cells:
    """The cells of a plot, `height` rows of `width`; empty if nothing can be drawn in so little room."""
    cells = _without_cursor(replace(plot, cursor=None), width, height)
    return with_cursor(cells, plot, _LABEL + 1) if cells else ()


@lru_cache(maxsize=32)
def _without_cursor(plot: Plot, width: int, height: int) -> Cells:
    """Kept, so that moving the cursor costs no drawing."""
    columns, rows = width - _LABEL - 1, height - 2
    plot = _drawable(plot)
    values = _all_values(plot)
    if columns < 4 or rows < 2 or not values or plot.layers == 0:
        return ()
    axis = (_log_axis if plot.log else _value_axis)(min(values), max(values), rows, plot.zero)
    drawn = _by_plotext(plot.curves, plot.markers, width, height, axis, plot.first)
    grid = [list(row) for row in drawn]
    draw_behind(grid, plot, _LABEL + 1, axis.low, axis.high)
    return tuple(tuple(row) for row in grid)


def _drawable(plot: Plot) -> Plot:
    """The plot with gaps for what has no place on its axis: plotext would end the process over infinity."""

    def placed(value: float | None) -> float | None:
        if value is None or not math.isfinite(value) or (plot.log and value <= 0):
            return None
        return math.log10(value) if plot.log else value

    def drawable(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
        return tuple(map(placed, values))

    return replace(
        plot,
        curves=tuple(replace(curve, values=drawable(curve.values)) for curve in plot.curves),
        bands=tuple(replace(band, low=drawable(band.low), high=drawable(band.high)) for band in plot.bands),
    )


def _all_values(plot: Plot) -> list[float]:
    series: list[Sequence[float | None]] = [curve.values for curve in plot.curves]
    for band in plot.bands:
        series += [band.low, band.high]
    return [value for values in series for value in values if value is not None]


def _value_axis(low: float, high: float, rows: int, zero: bool) -> _Axis:
    """Limits on round numbers, which hold still while the values move a little, and the ticks between."""
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = abs(high) * 0.1 or 1.0
        low, high = low - pad, high + pad
    step = _round_step((high - low) / max(1, round(rows / _TICK_ROWS)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # Half a step is enough of a margin; a whole one would waste rows.
    bottom = (first + 0.5) * step if low >= (first + 0.5) * step else first * step
    top = (last - 0.5) * step if high <= (last - 0.5) * step else last * step
    ticks = [
        i * step for i in range(first, last + 1) if bottom - 1e-9 * step <= i * step <= top + 1e-9 * step
    ]
    return _Axis(bottom, top, tuple(ticks), tuple(_tick_labels(ticks)))


def _log_axis(low: float, high: float, rows: int, zero: bool) -> _Axis:
    """The axis of common logarithms, with ticks at powers of ten where there are two or more."""
    axis = _value_axis(low, high, rows, zero=False)
    step = max(1, math.ceil((axis.high - axis.low) / max(1.0, rows / _TICK_ROWS)))
    powers = [k for k in range(math.ceil(axis.low), math.floor(axis.high) + 1) if k % step == 0]
    if len(powers) > 1:
        return axis._replace(ticks=tuple(map(float, powers)), labels=tuple(_fitted(f"1e{k}") for k in powers))
    return axis._replace(labels=tuple(_fitted(f"{10**tick:.3g}") for tick in axis.ticks))


def _round_step(raw: float) -> float:
    decade = 10.0 ** math.floor(math.log10(raw))
    return next(
        factor * decade for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * decade >= raw * (1 - 1e-9)
    )


def _tick_labels(ticks: Sequence[float]) -> list[str]:
    step = min((b - a for a, b in pairwise(ticks)), default=1.0)
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest >= 1e5 or 0 < largest < 1e-3:
        labels = [f"{tick:.1e}".replace("e+0", "e").replace("e-0", "e-") for tick in ticks]
    else:
        digits = next((d for d in range(8) if abs(round(step, d) - step) < 1e-6 * step), 8)
        labels = [f"{tick:.{digits}f}" for tick in ticks]
    return [_fitted(label) for label in labels]


def _fitted(label: str) -> str:
    return f"{label:>{_LABEL}}"[-_LABEL:]


def _layer_ticks(layers: int, columns: int) -> list[int]:
    if layers == 1:
        return [0]
    most = max(1, columns // _TICK_COLUMNS)
    step = max(1, round(_round_step(max(1.0, (layers - 1) / most))))
    ticks = list(range(0, layers, step))
    # The last layer is always named; a tick too close to it makes room.
    if ticks[-1] != layers - 1:
        if (layers - 1 - ticks[-1]) * columns < (layers - 1) * 4:
            ticks.pop()
        ticks.append(layers - 1)
    return ticks


def prepare() -> None:
    """Import what draws curves: a tenth of a second, best spent while the first figures are computed."""
    import plotext  # noqa: F401


@lru_cache(maxsize=32)
def _by_plotext(
    curves: tuple[Curve, ...], markers: Markers, width: int, height: int, axis: _Axis, first: int
) -> Cells:
    """Axes and curves; kept apart from what lies behind, which may change alone."""
    import plotext

    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.data()
    figure.clear.settings()
    figure.plot_size(width, height)
    figure.canvas("default")
    figure.legend(False)
    figure.axes(False, axis=0, side=1)
    figure.axes(False, axis=1, side=1)
    layers = max(len(curve.values) for curve in curves)
    where = _layer_ticks(layers, width - _LABEL - 1)
    figure.ruler(0, 0).ticks(where, [str(tick + first) for tick in where])
    figure.ruler(0, 0).lim(*((0, layers - 1) if layers > 1 else (-0.5, 0.5)))
    figure.ruler(1, 0).ticks(list(axis.ticks), list(axis.labels))
    figure.ruler(1, 0).lim(axis.low, axis.high)
    for curve in curves:
        _add(plotext, curve, markers, width)
    return _cells(figure.build(), markers, width, height)


def _cells(matrix: Any, markers: Markers, width: int, height: int) -> Cells:
    lines = [line[:width].ljust(width) for line in matrix.string(colorless=True).split("\n")[:height]]
    if markers == "ascii":
        lines = [line.translate(_ASCII_FRAME) for line in lines]
    return tuple(
        tuple(
            _cell(character, _colour_of(matrix.get(y, x)) if y < height - 2 and x > _LABEL else None)
            for x, character in enumerate(line)
        )
        for y, line in enumerate(lines)
    )


def _add(plotext: Any, curve: Curve, markers: Markers, width: int) -> None:
    points = _dashes(curve.values, width) if curve.dashed else list(enumerate(curve.values))
    drawn = [
        (x, y, before)
        for before, (x, y) in zip([(0.0, None), *points], points, strict=False)
        if y is not None
    ]
    if not drawn:
        return
    # A lone dot of braille is easily missed.
    shape = _LONE[markers] if len(drawn) == 1 else _PLOTEXT_MARKERS[markers]
    marker = plotext.marker(shape, pixel=(curve.colour + 1, 0, 0))
    signal = plotext.figure.signal([x for x, _, _ in drawn], [y for _, y, _ in drawn], marker=marker)
    for index, (_, _, before) in enumerate(drawn):
        signal.line(index, before[1] is not None)
    plotext.figure.draw(signal)


def _dashes(values: Sequence[float | None], width: int) -> list[tuple[float, float | None]]:
    """The curve sampled at every dot, with gaps."""
    if len(values) < 2:
        return list(enumerate(values))
    dots = 2 * max(1, width - _LABEL - 2)
    return [
        (
            (len(values) - 1) * i / dots,
            between(values, (len(values) - 1) * i / dots) if i % (_DASH + _DASH_GAP) < _DASH else None,
        )
        for i in range(dots + 1)
    ]


def _colour_of(pixel: Any) -> int | None:
    colour = pixel.foreground()
    return colour[0] - 1 if colour is not None and colour[1:] == (0, 0) and colour[0] else None


def _cell(character: str, colour: int | None) -> Cell:
    if colour is not None and character != " ":
        return Cell(character, "curve", colour)
    return Cell(character, "frame" if character != " " else "")
