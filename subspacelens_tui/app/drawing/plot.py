"""Curves over the layers as rows of cells. The one module that knows plotext.

plotext (6.1) draws braille curves, axes and ticks into a matrix of cells on a figure that the whole
process shares; each call here sets it up anew, and is remembered by what it draws and at which size.
Colours come later: a cell names the part it belongs to, so that themes cost nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from subspacelens_tui.app.drawing.axis import (
    LARGEST,
    ROWS_AT_LEAST,
    Axis,
    layer_ticks,
    log_axis,
    value_axis,
)
from subspacelens_tui.app.drawing.backdrop import draw_behind, with_cursor
from subspacelens_tui.app.drawing.plot_parts import Cell, Cells, Curve, Markers, Plot, between

_PLOTEXT_MARKERS = {"braille": "braille", "blocks": "hd", "ascii": "*"}
_LONE = {"braille": "•", "blocks": "•", "ascii": "*"}
_ASCII_FRAME = str.maketrans("│┤┼└┬─├", "||+++-|")
_COLUMNS_AT_LEAST = 4
_DASH, _DASH_GAP = 5, 4


def layer_at(column: int, cells: Cells, layers: int) -> int | None:
    """The layer nearest to a column of a plot; None left of its axis, or where nothing is drawn."""
    left = _left(cells) if cells else column + 1
    if column < left or layers < 1:
        return None
    return min(layers - 1, max(0, round((column - left) / (len(cells[0]) - left - 1) * (layers - 1))))


def _left(cells: Cells) -> int:
    """The column of the first layer."""
    return 1 + next(column for column, cell in enumerate(cells[-2]) if cell.character != " ")


def has_values(plot: Plot) -> bool:
    """Whether there is anything to draw."""
    return bool(_all_values(_drawable(plot)))


def least_size(plot: Plot, height: int) -> tuple[int, int]:
    """The columns and rows that a plot with values needs; the columns at this height, if it is enough."""
    axis = _axis(_drawable(plot), max(ROWS_AT_LEAST, height - 2))
    return axis.width + 1 + _least_columns(plot), ROWS_AT_LEAST + 2


def _least_columns(plot: Plot) -> int:
    """With the first and the last layer named below them."""
    return max(_COLUMNS_AT_LEAST, len(str(plot.layers - 1 + plot.first)) + 2)


def draw(plot: Plot, width: int, height: int) -> Cells:
    """The cells of a plot, `height` rows of `width`; empty if it has no values or needs more room."""
    cells = _without_cursor(replace(plot, cursor=None), width, height)
    return with_cursor(cells, plot, _left(cells)) if cells else ()


@lru_cache(maxsize=32)
def _without_cursor(plot: Plot, width: int, height: int) -> Cells:
    """Kept, so that moving the cursor costs no drawing."""
    plot, rows = _drawable(plot), height - 2
    if rows < ROWS_AT_LEAST or not _all_values(plot):
        return ()
    axis = _axis(plot, rows)
    if width - axis.width - 1 < _least_columns(plot):
        return ()
    drawn = _by_plotext(plot.curves, plot.markers, width, height, axis, plot.first)
    grid = [list(row) for row in drawn]
    draw_behind(grid, plot, axis.width + 1, axis.low, axis.high)
    return tuple(tuple(row) for row in grid)


def _axis(plot: Plot, rows: int) -> Axis:
    """The axis of the values of a plot that is drawable."""
    values = _all_values(plot)
    if plot.log:
        return log_axis(min(values), max(values), rows)
    return value_axis(min(values), max(values), rows, plot.zero)


def _drawable(plot: Plot) -> Plot:
    """The plot with gaps for what has no place on its axis: plotext would end the process over infinity."""

    def placed(value: float | None) -> float | None:
        if value is None or not abs(value) <= LARGEST or (plot.log and value <= 0):
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
    """The values that are drawn, of a plot that is drawable."""
    if not plot.layers:
        return []
    series: list[Sequence[float | None]] = [curve.values for curve in plot.curves]
    for band in plot.bands:
        series += [band.low, band.high]
    return [value for values in series for value in values if value is not None]


def prepare() -> None:
    """Import what draws curves: a tenth of a second, which the list of sessions need not wait for."""
    import plotext  # noqa: F401


@lru_cache(maxsize=32)
def _by_plotext(
    curves: tuple[Curve, ...], markers: Markers, width: int, height: int, axis: Axis, first: int
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
    where = layer_ticks(layers, width - axis.width - 1, first)
    figure.ruler(0, 0).ticks(where, [str(tick + first) for tick in where])
    figure.ruler(0, 0).lim(*((0, layers - 1) if layers > 1 else (-0.5, 0.5)))
    figure.ruler(1, 0).ticks(list(axis.ticks), [f"{label:>{axis.width}}" for label in axis.labels])
    figure.ruler(1, 0).lim(axis.low, axis.high)
    for curve in curves:
        _add(plotext, curve, markers, width - axis.width - 1)
    return _cells(figure.build(), markers, width, height, axis.width)


def _cells(matrix: Any, markers: Markers, width: int, height: int, left: int) -> Cells:
    lines = [line[:width].ljust(width) for line in matrix.string(colorless=True).split("\n")[:height]]
    if markers == "ascii":
        lines = [line.translate(_ASCII_FRAME) for line in lines]
    return tuple(
        tuple(
            _cell(character, _colour_of(matrix.get(y, x)) if y < height - 2 and x > left else None)
            for x, character in enumerate(line)
        )
        for y, line in enumerate(lines)
    )


def _add(plotext: Any, curve: Curve, markers: Markers, columns: int) -> None:
    points = _dashes(curve.values, columns) if curve.dashed else list(enumerate(curve.values))
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


def _dashes(values: Sequence[float | None], columns: int) -> list[tuple[float, float | None]]:
    """The curve sampled at every dot, with gaps."""
    if len(values) < 2:
        return list(enumerate(values))
    dots = 2 * max(1, columns - 1)
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
