"""Where the cells of a matrix of classes are: how wide, how tall, which are seen, how many digits fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from subspacelens_tui.app import numbers
from subspacelens_tui.app.panes.matrix_heads import Heads, heads_for

# In a cell of three there is room for the hundredths only.
HUNDREDTHS_CELL = 3
# Of what has a sign, with room for the brackets of the selected cell.
_THOUSANDTHS_CELL = 6
_LABEL_AT_MOST = 12
_LABEL_AT_LEAST = 4
_LABEL_SHARE = 5
_CELL_AT_MOST = 16
# Rows of a cell for each of its columns: a little more than a square.
_TALL = 0.6
# Rows of a matrix that scrolls from which on some of them give way to heads, and how many do.
_SCROLLS_WELL, _GIVES_WAY = 9, 4


@dataclass(frozen=True)
class MatrixGrid:
    """Where the cells are: width of labels and cells, first row and column shown, how many, how tall.

    `heads` is how the heads of the columns are written.
    """

    label: int
    cell: int
    top: int
    left: int
    rows: int
    columns: int
    tall: int
    heads: Heads


def grid_for(
    names: Sequence[str],
    width: int,
    rows: int,
    digits: bool,
    tallest: int,
    selected: tuple[int, int],
    before: tuple[int, int],
) -> MatrixGrid:
    """The cells of a matrix in so many columns and rows of the screen.

    Args:
        names: of the classes.
        width: of all of it.
        rows: for cells, with one row of heads above them.
        digits: whether there is to be room for them.
        tallest: rows of a cell at most.
        selected: row and column that must be seen.
        before: first row and column shown so far: the matrix scrolls no more than it must.
    """
    count, longest = len(names), max(map(len, names))
    label = whole = min(max(_LABEL_AT_MOST, width // _LABEL_SHARE), longest)
    # Labels give way first, if that makes room for digits; then cells; then the matrix scrolls.
    least = min(label, _LABEL_AT_LEAST)
    fits = [cell for cell in (4, 3) if digits and least + 1 + count * cell <= width]
    wanted = fits[0] if fits else 2
    label = max(least, min(label, width - 1 - count * wanted))
    cell = min(max(_CELL_AT_MOST, longest + 1), max(1, (width - label - 1) // count))
    columns = min(count, max(1, (width - label - 1) // cell))
    label = max(label, min(whole, width - 1 - columns * cell))
    # One row of heads is there in any case; where the matrix scrolls, some of its rows give way to them.
    spare = rows + 1 - count
    if spare < 1:
        spare = _GIVES_WAY if rows >= _SCROLLS_WELL else 1
    heads = heads_for(names, cell, label + 1, spare)
    rows += 1 - heads.rows
    shown = min(count, max(1, rows))
    (row, column), (top, left) = selected, before
    top = max(min(top, row, count - shown), row - shown + 1, 0)
    left = max(min(left, column, count - columns), column - columns + 1, 0)
    tall = min(tallest, max(1, rows // count), max(1, round(_TALL * cell)))
    return MatrixGrid(label, cell, top, left, shown, columns, tall, heads)


def digits_of(value: float, width: int, signed: bool) -> str:
    """A value, or a difference, in a cell of this width."""
    if signed:
        if width <= HUNDREDTHS_CELL + 1:
            return f"{round(100 * value):+d}"
        return f"{value:+z.{3 if width > _THOUSANDTHS_CELL else 2}f}".replace("0.", ".")
    return numbers.fraction(value) if width > HUNDREDTHS_CELL else f"{100 * value:02.0f}"
