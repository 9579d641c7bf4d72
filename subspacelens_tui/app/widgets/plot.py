"""Curves over the layers as rows of cells. The one module that knows plotext.

plotext (6.1) draws braille curves, axes and ticks into a matrix of cells on a figure that the whole
process shares; each call here sets it up anew, and is remembered by what it draws and at which size.
Colours come later: a cell names the part it belongs to, so that themes cost nothing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, NamedTuple

Markers = Literal["braille", "blocks", "ascii"]

_PLOTEXT_MARKERS = {"braille": "braille", "blocks": "hd", "ascii": "*"}
_LONE = {"braille": "•", "blocks": "•", "ascii": "*"}
_ASCII_FRAME = str.maketrans("│┤┼└┬─├", "||+++-|")
_LABEL = 6
_TICK_ROWS = 2.5
_TICK_COLUMNS = 9
_DASH, _DASH_GAP = 5, 4
_CURSOR = {"braille": "┊", "blocks": "┊", "ascii": ":"}
_BAND = {"braille": "░", "blocks": "░", "ascii": "."}


@dataclass(frozen=True)
class Curve:
    """One value a layer; None where there is none, which leaves a gap.

    Attributes:
        values: layer by layer.
        colour: index of the curve's colour.
        dashed: drawn with gaps.
    """

    values: tuple[float | None, ...]
    colour: int
    dashed: bool = False


@dataclass(frozen=True)
class Band:
    """A shaded range at each layer, behind the curves."""

    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    colour: int


@dataclass(frozen=True)
class Plot:
    """What to draw.

    Attributes:
        curves: later ones over earlier ones.
        bands: behind them.
        cursor: the layer to mark, if any.
        zero: whether the axis must include 0.
        markers: what the terminal's font can show.
    """

    curves: tuple[Curve, ...]
    bands: tuple[Band, ...] = ()
    cursor: int | None = None
    zero: bool = False
    markers: Markers = "braille"

    @property
    def layers(self) -> int:
        """Length of the longest curve."""
        return max((len(curve.values) for curve in self.curves), default=0)


class Cell(NamedTuple):
    """One cell: its character, the part it belongs to ("frame", "curve", "cursor", "zero", "" for none),
    the colour index of a curve, and the colour index of the band behind it.
    """

    character: str
    part: str
    colour: int | None = None
    band: int | None = None


Cells = tuple[tuple[Cell, ...], ...]


class _Axis(NamedTuple):
    low: float
    high: float
    ticks: tuple[float, ...]


def layer_at(column: int, width: int, layers: int) -> int | None:
    """The layer nearest to a column of a plot of this width; None left of the axis."""
    room = width - _LABEL - 1
    if column < _LABEL + 1 or layers < 1 or room < 2:
        return None
    return min(layers - 1, max(0, round((column - _LABEL - 1) / (room - 1) * (layers - 1))))


@lru_cache(maxsize=32)
def draw(plot: Plot, width: int, height: int) -> Cells:
    """The cells of a plot, `height` rows of `width`; empty if nothing can be drawn in so little room."""
    columns, rows = width - _LABEL - 1, height - 2
    plot = _finite(plot)
    values = _all_values(plot)
    if columns < 4 or rows < 2 or not values or plot.layers == 0:
        return ()
    low, high, _ = axis = _value_axis(min(values), max(values), rows, plot.zero)
    grid = [list(row) for row in _by_plotext(plot.curves, plot.markers, width, height, axis)]
    _behind(grid, plot, columns, rows, low, high)
    return tuple(tuple(row) for row in grid)


def _finite(plot: Plot) -> Plot:
    """The plot with gaps for what is not finite: plotext ends the process over an infinite point."""

    def finite(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
        return tuple(v if v is not None and math.isfinite(v) else None for v in values)

    return replace(
        plot,
        curves=tuple(replace(curve, values=finite(curve.values)) for curve in plot.curves),
        bands=tuple(replace(band, low=finite(band.low), high=finite(band.high)) for band in plot.bands),
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
    return _Axis(bottom, top, tuple(ticks))


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
    return [f"{label:>{_LABEL}}"[-_LABEL:] for label in labels]


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


@lru_cache(maxsize=32)
def _by_plotext(curves: tuple[Curve, ...], markers: Markers, width: int, height: int, axis: _Axis) -> Cells:
    """Axes and curves; kept apart from what lies behind, so that moving the cursor costs no drawing."""
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
    figure.ruler(0, 0).ticks(where, [str(tick) for tick in where])
    figure.ruler(0, 0).lim(*((0, layers - 1) if layers > 1 else (-0.5, 0.5)))
    figure.ruler(1, 0).ticks(list(axis.ticks), _tick_labels(axis.ticks))
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
            _between(values, (len(values) - 1) * i / dots) if i % (_DASH + _DASH_GAP) < _DASH else None,
        )
        for i in range(dots + 1)
    ]


def _between(values: Sequence[float | None], x: float) -> float | None:
    """Linear interpolation; None next to a gap."""
    left = min(int(x), len(values) - 1)
    share = x - left
    if share < 1e-9:
        return values[left]
    a, b = values[left], values[left + 1]
    return None if a is None or b is None else a + share * (b - a)


def _colour_of(pixel: Any) -> int | None:
    colour = pixel.foreground()
    return colour[0] - 1 if colour is not None and colour[1:] == (0, 0) and colour[0] else None


def _cell(character: str, colour: int | None) -> Cell:
    if colour is not None and character != " ":
        return Cell(character, "curve", colour)
    return Cell(character, "frame" if character != " " else "")


def _behind(grid: list[list[Cell]], plot: Plot, columns: int, rows: int, low: float, high: float) -> None:
    """Bands, the line at zero and the cursor: whatever shows where no curve is."""
    last = plot.layers - 1
    cursor = None
    if plot.cursor is not None and 0 <= plot.cursor <= last:
        cursor = round(plot.cursor / last * (columns - 1)) if last else (columns - 1) // 2

    def row_of(value: float) -> int:
        return rows - 1 - round((value - low) / (high - low) * (rows - 1))

    zero = row_of(0.0) if low < 0 < high else None
    for column in range(columns):
        x = column / (columns - 1) * last
        spans = _band_rows(plot.bands, x, row_of)
        for row in range(rows):
            cell = grid[row][_LABEL + 1 + column]
            band = next((colour for top, bottom, colour in spans if top <= row <= bottom), None)
            if cell.part:
                cell = cell._replace(band=band)
            elif column == cursor:
                cell = Cell(_CURSOR[plot.markers], "cursor", None, band)
            elif row == zero:
                cell = Cell("-" if plot.markers == "ascii" else "┄", "zero", None, band)
            elif band is not None:
                cell = Cell(_BAND[plot.markers], "band", band, band)
            grid[row][_LABEL + 1 + column] = cell


def _band_rows(bands: Sequence[Band], x: float, row_of: Callable[[float], int]) -> list[tuple[int, int, int]]:
    """First row, last row and colour of each band at a place; the narrowest first, for it is on top.

    A band thinner than a row still has one: it would come and go with the rounding otherwise.
    """
    spans = []
    for band in bands:
        low, high = (_between(edge, x) if edge else None for edge in (band.low, band.high))
        if low is not None and high is not None:
            spans.append((row_of(high), row_of(low), band.colour))
    return sorted(spans, key=lambda span: span[1] - span[0])
