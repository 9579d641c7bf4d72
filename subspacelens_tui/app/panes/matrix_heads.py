"""Heads over the columns of a matrix: side by side, in turn in several rows, or written downwards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from subspacelens_tui.app.drawing.cell_text import cut, fit

# Letters of a head that can be read; heads of fewer are written downwards, if there are as many rows.
_READABLE = 4
_DOWN_AT_LEAST, _DOWN_AT_MOST = 3, 12
_STAGGERED_AT_MOST = 3
# From the name of a column, in a row further up, down to the column.
_LEADER = "╷"

HeadPiece = tuple[str, int | None]
"""Text, and the column that it is the name of; None for what is between names."""


@dataclass(frozen=True)
class Heads:
    """How heads are written.

    Attributes:
        rows: that they take.
        down: whether each is written downwards.
    """

    rows: int
    down: bool = False


def heads_for(names: Sequence[str], cell: int, left: int, rows: int) -> Heads:
    """How heads are best read over cells of a width.

    Args:
        names: of the columns.
        cell: cells of the screen that a column is wide.
        left: cells of the screen before the first column.
        rows: that there are for heads, at least one.
    """
    longest = max(map(cell_len, names), default=0)
    if cell > longest:
        return Heads(1)
    most = min(rows, _STAGGERED_AT_MOST, len(names))
    for count in range(2, most + 1):
        if _staggered(names, cell, left, count, longest) is not None:
            return Heads(count)
    if cell - 1 < min(longest, _READABLE):
        down = rows >= _DOWN_AT_LEAST
        return Heads(min(longest, rows, _DOWN_AT_MOST), down=True) if down else Heads(1)
    return Heads(most)


def head_lines(heads: Heads, names: Sequence[str], cell: int, left: int) -> Iterator[list[HeadPiece]]:
    """The rows of the heads, the one next to the matrix last; each begins at the first column or before it.

    A row is as wide as all columns, and `left` more where it begins before the first of them.
    """
    if heads.down:
        for line in range(heads.rows):
            # From above to below, down to the matrix.
            letters = (f"{name[: heads.rows]:>{heads.rows}}"[line] for name in names)
            yield [(fit(letter, cell, "centre"), column) for column, letter in enumerate(letters)]
    elif heads.rows == 1:
        texts = (name[: cell - (cell > 2)] for name in names)
        side = "centre" if cell > 2 else "left"
        yield [(fit(text, cell, side), column) for column, text in enumerate(texts)]  # type: ignore[arg-type]
    else:
        for length in range(max(map(cell_len, names)), 0, -1):
            if (found := _staggered(names, cell, left, heads.rows, length)) is not None:
                yield from found
                return


def _staggered(
    names: Sequence[str], cell: int, left: int, rows: int, length: int
) -> list[list[HeadPiece]] | None:
    """The names in turn in so many rows, each cut to a length; None if they or their leaders do not fit."""
    width = left + len(names) * cell
    lines = []
    for row in range(rows):
        # The corner before the last row is not theirs.
        first = left if row == rows - 1 else 0
        placed: list[tuple[int, str, int | None]] = []
        end = width
        for column in reversed(range(row, len(names), rows)):
            text = cut(names[column], length)
            start = min(left + column * cell + (cell - cell_len(text)) // 2, end - cell_len(text))
            if start < first:
                return None
            placed.insert(0, (start, text, column))
            end = start - 1
        leaders = list(_leaders(placed, len(names), cell, left, row, rows))
        # A name below another says which column is its own only where the other's leader is seen.
        if len(leaders) < sum(column % rows < row for column in range(len(names))):
            return None
        lines.append(_line([*placed, *leaders], first, width))
    return lines


def _leaders(
    placed: Sequence[tuple[int, str, int | None]], columns: int, cell: int, left: int, row: int, rows: int
) -> Iterator[tuple[int, str, None]]:
    """Below the names of the rows above, where there is nothing else."""
    for column in range(columns):
        place = left + column * cell + cell // 2
        free = all(not start <= place < start + cell_len(text) for start, text, _ in placed)
        if column % rows < row and free:
            yield place, _LEADER, None


def _line(placed: Sequence[tuple[int, str, int | None]], first: int, width: int) -> list[HeadPiece]:
    pieces: list[HeadPiece] = []
    end = first
    for start, text, column in sorted(placed):
        pieces += [(" " * (start - end), None), (text, column)]
        end = start + cell_len(text)
    return [*pieces, (" " * (width - end), None)]
