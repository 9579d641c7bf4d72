"""What lies behind the curves of a plot: bands, the line at zero, the cursor."""

from collections.abc import Callable, Sequence

from subspacelens_tui.app.drawing.plot_parts import Band, Cell, Cells, Plot, between

_CURSOR = {"braille": "┊", "blocks": "┊", "ascii": ":"}
_ZERO = {"braille": "┄", "blocks": "┄", "ascii": "-"}
_SHADE = {"braille": "░", "blocks": "░", "ascii": "."}
_HATCH = {"braille": "╱", "blocks": "╱", "ascii": "/"}


def draw_behind(grid: list[list[Cell]], plot: Plot, left: int, low: float, high: float) -> None:
    """Draw bands and the line at zero: whatever shows where no curve is.

    Args:
        grid: the cells of the plot, changed in place; its last two rows are the axis.
        plot: what to draw.
        left: the column of the first layer.
        low, high: the values of the lowest and the highest row.
    """
    columns, rows = len(grid[0]) - left, len(grid) - 2
    last = plot.layers - 1

    def row_of(value: float) -> int:
        return rows - 1 - round((value - low) / (high - low) * (rows - 1))

    zero = row_of(0.0) if low < 0 < high and not plot.log else None
    shaded = [band for band in plot.bands if not band.hatched]
    hatched = [band for band in plot.bands if band.hatched]
    for column in range(columns):
        x = column / (columns - 1) * last
        shades, hatches = _band_rows(shaded, x, row_of), _band_rows(hatched, x, row_of)
        for row in range(rows):
            cell = grid[row][left + column]
            band, error = _at(shades, row), _at(hatches, row)
            if cell.part:
                cell = cell._replace(band=band)
            elif error is not None:
                cell = Cell(_HATCH[plot.markers], "error", error, band)
            elif row == zero:
                cell = Cell(_ZERO[plot.markers], "zero", None, band)
            elif band is not None:
                cell = Cell(_SHADE[plot.markers], "band", band, band)
            grid[row][left + column] = cell


def with_cursor(cells: Cells, plot: Plot, left: int) -> Cells:
    """The cells of a plot with its cursor before what lies behind the curves."""
    last = plot.layers - 1
    if plot.cursor is None or not 0 <= plot.cursor <= last:
        return cells
    columns = len(cells[0]) - left
    place = left + (round(plot.cursor / last * (columns - 1)) if last else (columns - 1) // 2)

    def marked(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
        cell = row[place]
        if cell.part in ("curve", "frame"):
            return row
        return (*row[:place], Cell(_CURSOR[plot.markers], "cursor", None, cell.band), *row[place + 1 :])

    return tuple(map(marked, cells[:-2])) + cells[-2:]


def _at(spans: Sequence[tuple[int, int, int]], row: int) -> int | None:
    """The colour of the band that is on top in a row."""
    return next((colour for top, bottom, colour in spans if top <= row <= bottom), None)


def _band_rows(bands: Sequence[Band], x: float, row_of: Callable[[float], int]) -> list[tuple[int, int, int]]:
    """First row, last row and colour of each band at a place; the narrowest first, for it is on top.

    A band thinner than a row still has one: it would come and go with the rounding otherwise.
    """
    spans = []
    for band in bands:
        low, high = (between(edge, x) if edge else None for edge in (band.low, band.high))
        if low is not None and high is not None:
            spans.append((row_of(high), row_of(low), band.colour))
    return sorted(spans, key=lambda span: span[1] - span[0])
