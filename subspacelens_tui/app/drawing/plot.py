"""Curves over the layers as rows of cells: numbers to cells, in as true parts of cells as characters have.

Ticks are in the middle of rows, layers in the middle of columns. Shading covers eighths of cells and never
more than a band does; bars stand at the layers; lines join them in dots; a point says by the ground it stands
on whether its value is inside a band. So nothing on the screen says other than the numbers. Colours come
later: a cell names the part it belongs to, so that themes cost nothing.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from subspacelens_tui.app.drawing.axis import (
    LARGEST,
    ROWS_AT_LEAST,
    Axis,
    log_axis,
    value_axis,
)
from subspacelens_tui.app.drawing.plot_axes import below, beside
from subspacelens_tui.app.drawing.plot_frame import Frame
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Cell, Cells, Curve, Plot, Values
from subspacelens_tui.app.drawing.subcells import (
    BRAILLE,
    DOTS,
    QUADRANTS,
    Span,
    band_cell,
    bar_character,
    eighths,
)

_CURSOR = {"braille": "┊", "blocks": "┊", "ascii": ":"}
_ZERO = {"braille": "┄", "blocks": "┄", "ascii": "-"}
# Filled and hollow, by shape.
_POINTS = {
    "braille": ("●○", "◆◇", "■□"),
    "blocks": ("●○", "◆◇", "■□"),
    "ascii": ("Oo", "Xx", "Ss"),
}
# Dots of a cell: columns and rows.
_DOTS = {"braille": (2, 4), "blocks": (2, 2), "ascii": (1, 1)}
_BLANK = Cell(" ", "")
_COLUMNS_AT_LEAST = 4
_DASH, _DASH_GAP = 5, 4
# Columns from one layer to the next, where there is room for points.
_POINT_COLUMNS = 2


def point(shape: int, filled: bool, markers: str) -> str:
    """The character of a point, as of a curve with this shape."""
    shapes = _POINTS[markers]
    return shapes[shape % len(shapes)][0 if filled else 1]


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
    if plot.relative:
        return _COLUMNS_AT_LEAST
    return max(_COLUMNS_AT_LEAST, len(plot.name(plot.layers - 1)) + 2)


def draw(plot: Plot, width: int, height: int) -> Cells:
    """The cells of a plot, `height` rows of `width`; empty if it has no values or needs more room."""
    cells = _without_cursor(replace(plot, cursor=None), width, height)
    return _with_cursor(cells, plot, _left(cells)) if cells else ()


@lru_cache(maxsize=32)
def _without_cursor(plot: Plot, width: int, height: int) -> Cells:
    """Kept, so that moving the cursor costs no drawing."""
    plot, rows = _drawable(plot), height - 2
    if rows < ROWS_AT_LEAST or not _all_values(plot):
        return ()
    axis = _axis(plot, rows)
    columns = width - axis.width - 1
    if columns < _least_columns(plot):
        return ()
    frame = Frame(rows, columns, plot.layers, axis.low, axis.high)
    inside = _inside(plot, frame)
    return (*beside(axis, inside, frame, plot), *below(axis.width, frame, plot))


def _axis(plot: Plot, rows: int) -> Axis:
    """The axis of the values of a plot that is drawable."""
    values = [value for value in _all_values(plot) if math.isfinite(value)]
    low, high = plot.limits or (min(values), max(values))
    if plot.log:
        return log_axis(low, high, rows)
    return value_axis(low, high, rows, plot.zero and plot.limits is None)


def _drawable(plot: Plot) -> Plot:
    """The plot with gaps for what has no place on its axis.

    On a logarithmic axis a band or bar that reaches down to zero has no lower end.
    """

    def placed(value: float | None) -> float | None:
        if value is None or not abs(value) <= LARGEST or (plot.log and value < 1 / LARGEST):
            return None
        return math.log10(value) if plot.log else value

    def drawable(values: Values) -> Values:
        return tuple(map(placed, values))

    def lower(low: Values, high: Values) -> Values:
        if not plot.log:
            return drawable(low)
        ends = zip(low, high, strict=True)
        return tuple(
            -math.inf if a is not None and a <= 0 and b is not None and b > 0 else placed(a) for a, b in ends
        )

    return replace(
        plot,
        curves=tuple(replace(curve, values=drawable(curve.values)) for curve in plot.curves),
        bands=tuple(replace(of, low=lower(of.low, of.high), high=drawable(of.high)) for of in plot.bands),
        bars=tuple(replace(of, low=lower(of.low, of.high), high=drawable(of.high)) for of in plot.bars),
        limits=_placed_limits(plot),
    )


def _placed_limits(plot: Plot) -> tuple[float, float] | None:
    if plot.limits is None or not plot.log:
        return plot.limits
    return (math.log10(plot.limits[0]), math.log10(plot.limits[1])) if plot.limits[0] > 0 else None


def _all_values(plot: Plot) -> list[float]:
    """The values that are drawn, of a plot that is drawable."""
    if not plot.layers:
        return []
    series: list[Sequence[float | None]] = [curve.values for curve in plot.curves]
    ranges: Iterable[Band | Bars] = (*plot.bands, *plot.bars)
    for of in ranges:
        series += [of.low, of.high]
    found = [value for values in series for value in values if value is not None]
    return found if any(map(math.isfinite, found)) else []


# What is inside the axes


@dataclass(frozen=True)
class _Ink:
    """What is drawn over the bands in one cell, and the height it stands for, if it is one."""

    character: str
    part: str
    colour: int
    height: float | None = None


_Drawn = dict[tuple[int, int], _Ink]


def _inside(plot: Plot, frame: Frame) -> list[list[Cell]]:
    """The cells between the axes, the highest row first."""
    over = _over(plot, frame)
    bands = []
    for band in plot.bands[::-1]:
        own = _frame_of(band.high, plot, frame, band.breaks)
        bands.append((own, own.heights(band.low), own.heights(band.high), band.colour))
    zero = _zero_row(plot, frame)
    grid: list[list[Cell]] = [[] for _ in range(frame.rows)]
    for column in range(frame.columns):
        spans = []
        for own, lower, upper, colour in bands:
            low, high = own.at(lower, column), own.at(upper, column)
            if low is not None and high is not None:
                spans.append(Span(low, high, colour))
        for row in range(frame.rows):
            here = [span for span in spans if span.low < row + 1 and span.high > row]
            cell = _cell(over.get((row, column)), here, row, column, row == zero, plot)
            grid[frame.rows - 1 - row].append(cell)
    return grid


def _frame_of(values: Values, plot: Plot, frame: Frame, breaks: tuple[int, ...] = ()) -> Frame:
    """Where the layers of one curve, band or set of bars are."""
    if plot.relative:
        return frame.spanned_by(values, breaks)
    return replace(frame, breaks=(*breaks, *plot.gaps))


def _zero_row(plot: Plot, frame: Frame) -> int | None:
    if plot.log or not frame.low <= 0 <= frame.high:
        return None
    return int(frame.height(0.0))


def _cell(ink: _Ink | None, spans: Sequence[Span], row: int, column: int, zero: bool, plot: Plot) -> Cell:
    if ink is None and not spans and not zero:
        return _BLANK
    tinted = plot.tints and plot.markers != "ascii"
    colours = set(eighths(spans, row)) if spans and tinted else {None}
    behind = next(iter(colours)) if len(colours) == 1 else None
    if ink is not None:
        if behind is not None or not tinted:
            return Cell(ink.character, ink.part, ink.colour, behind)
        # No shading, or some: what stands for one height says whether it is inside, a point by its ground.
        inside = _topmost(spans, ink.height) if ink.height is not None else None
        if inside is None or ink.part == "point" or colours == {None}:
            return Cell(ink.character, ink.part, ink.colour, inside if ink.part == "point" else None)
        if None not in colours:
            return Cell(ink.character, ink.part, ink.colour, inside)
    band = band_cell(spans, row, plot.markers, plot.tints) if spans else None
    # Dots and the line at zero take turns.
    if zero and (band is None or band.character == " " or (band.part == "texture" and column % 4 == 3)):
        full = band.band if band is not None and band.character == " " else None
        return Cell(_ZERO[plot.markers], "zero", None, full)
    return band or _BLANK


def _topmost(spans: Sequence[Span], height: float) -> int | None:
    return next((span.colour for span in spans if span.low <= height <= span.high), None)


def _over(plot: Plot, frame: Frame) -> _Drawn:
    """Bars, lines and points, what comes later over what came before."""
    drawn: _Drawn = {}
    gaps = [frame.column(layer + 1) - frame.column(layer) for layer in range(frame.layers - 1)]
    pointed = min(gaps, default=_POINT_COLUMNS) >= _POINT_COLUMNS
    lines, bars = (
        [_line(curve, plot, frame) for curve in plot.curves],
        [_bars(of, plot, frame) for of in plot.bars],
    )
    # Where every column has a bar, a line below them would not be seen.
    for layer in (*lines, *bars) if pointed else (*bars, *lines):
        drawn.update(layer)
    for curve in plot.curves:
        if pointed and curve.points:
            drawn.update(_points(curve, plot, frame))
    return drawn


def _points(curve: Curve, plot: Plot, frame: Frame) -> _Drawn:
    found: _Drawn = {}
    frame = _frame_of(curve.values, plot, frame)
    for layer, height in enumerate(frame.heights(curve.values)):
        if height is not None and 0 <= height <= frame.rows:
            filled = not curve.beyond or curve.beyond[layer]
            row = min(frame.rows - 1, int(height))
            character = point(curve.shape, filled, plot.markers)
            found[row, frame.column(layer)] = _Ink(character, "point", curve.colour, height)
    return found


def _bars(bars: Bars, plot: Plot, frame: Frame) -> _Drawn:
    found: _Drawn = {}
    frame = _frame_of(bars.high, plot, frame)
    ends = zip(frame.heights(bars.low), frame.heights(bars.high), strict=True)
    for layer, (low, high) in enumerate(ends):
        if low is None or high is None:
            continue
        for row in range(max(0, int(low)), min(frame.rows, int(high) + 1)):
            if character := bar_character(low, high, row, plot.markers):
                found[row, frame.column(layer)] = _Ink(character, "bar", bars.colour)
    return found


def _line(curve: Curve, plot: Plot, frame: Frame) -> _Drawn:
    """A curve in dots; a value with gaps on both sides is a point."""
    across, up = _DOTS[plot.markers]
    frame = _frame_of(curve.values, plot, frame, curve.breaks)
    heights = frame.heights(curve.values)
    dots: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for x, y in _dots(heights, frame, across, up):
        if curve.dashed and x % (_DASH + _DASH_GAP) >= _DASH:
            continue
        dots.setdefault((y // up, x // across), set()).add((x % across, y % up))
    found: _Drawn = {}
    for (row, column), within in dots.items():
        if 0 <= row < frame.rows and 0 <= column < frame.columns:
            height = frame.at(heights, column)
            if height is None:
                height = row + (min(y for _, y in within) + 0.5) / up
            found[row, column] = _Ink(_dotted(within, plot.markers), "curve", curve.colour, height)
    for layer, height in enumerate(heights):
        if height is not None and _is_alone(heights, layer, frame.breaks) and 0 <= height <= frame.rows:
            character = point(curve.shape, True, plot.markers)
            row = min(frame.rows - 1, int(height))
            found[row, frame.column(layer)] = _Ink(character, "curve", curve.colour, height)
    return found


def _is_alone(heights: Sequence[float | None], layer: int, breaks: tuple[int, ...]) -> bool:
    """Whether no line leads to a layer."""
    before = layer > 0 and layer not in breaks and heights[layer - 1] is not None
    after = layer + 1 < len(heights) and layer + 1 not in breaks and heights[layer + 1] is not None
    return not (before or after)


def _dots(heights: Sequence[float | None], frame: Frame, across: int, up: int) -> Iterator[tuple[int, int]]:
    """The dots of a line, by column and row from the lower left: the line goes through each of them."""
    for layer, (a, b) in enumerate(pairwise(heights)):
        if a is None or b is None or layer + 1 in frame.breaks:
            continue
        start, end = frame.column(layer) + 0.5, frame.column(layer + 1) + 0.5
        first, last = math.floor(start * across), max(math.floor(start * across), math.ceil(end * across) - 1)
        for x in range(first, last + 1):
            left, right = max(start, x / across), min(end, (x + 1) / across)
            share = (b - a) / (end - start) if end > start else 0.0
            ends = (a + (left - start) * share, a + (right - start) * share) if share else (a, b)
            low, high = min(ends) * up, max(ends) * up
            if high - low < 1:
                low = high = (low + high) / 2
            for y in range(math.floor(low), math.floor(high) + 1):
                yield x, y


def _dotted(dots: Iterable[tuple[int, int]], markers: str) -> str:
    if markers == "braille":
        return chr(BRAILLE + sum(DOTS[x][y] for x, y in dots))
    if markers == "blocks":
        return QUADRANTS[sum(1 << (2 * x + y) for x, y in dots)]
    return "*"


# The cursor


def _with_cursor(cells: Cells, plot: Plot, left: int) -> Cells:
    """The cells of a plot with its cursor where nothing else is drawn."""
    if plot.cursor is None or not 0 <= plot.cursor < plot.layers:
        return cells
    frame = Frame(len(cells) - 2, len(cells[0]) - left, plot.layers, 0.0, 1.0)
    place = left + frame.column(plot.cursor)

    def marked(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        cell = row[place]
        if cell.character != " " and cell.part != "zero":
            return row
        return (*row[:place], Cell(_CURSOR[plot.markers], "cursor", None, cell.band), *row[place + 1 :])

    return tuple(map(marked, cells[:-2])) + cells[-2:]
