"""The overlap of the class subspaces at the selected layer, as a matrix of coloured cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType

from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.painted import Piece, Row, cut_row
from subspacelens_tui.app.drawing.palette import SHADES, ramp_index, ramp_style
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.panes.pane import Numbers, Pane
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

_LABEL_AT_MOST = 12
_LABEL_AT_LEAST = 4
_LABEL_SHARE = 5
_CELL_AT_MOST = 8
_TALL_AT_MOST = 3
# The scale; a row with its heads and the name of its cell, and below them the scale if there is room.
_COLUMNS, _ROWS = 18, 3
# In a cell of three there is room for the hundredths only.
_HUNDREDTHS_CELL = 3
_ROUND_TO = 0.1


@dataclass(frozen=True)
class _Grid:
    """Where the cells are: width of labels and cells, first row and column shown, how many, how tall."""

    label: int
    cell: int
    top: int
    left: int
    rows: int
    columns: int
    tall: int


class OverlapMatrixPane(Pane):
    """Class by class, any number of them; the cell under the cursor is named with its value.

    Attributes:
        digits: whether the cells show their values.
        row, column: the selected cell.
    """

    keys: ClassVar[tuple[Key, ...]] = (
        Key("cell-left", "left", "cell(0, -1)", "overlap: cell to the left", "In the overlap matrix", "cell"),
        Key("cell-right", "right", "cell(0, 1)", "overlap: cell to the right", "In the overlap matrix"),
        Key("cell-up", "up", "cell(-1, 0)", "overlap: cell above", "In the overlap matrix"),
        Key("cell-down", "down", "cell(1, 0)", "overlap: cell below", "In the overlap matrix"),
        Key(
            "cell-pair",
            "enter",
            "cell_pair",
            "overlap: both classes over the layers, with null and error",
            "In the overlap matrix",
            "pair",
        ),
        Key(
            "cell-pictures",
            "P",
            "cell_pictures",
            "overlap: images of both classes side by side",
            "In the overlap matrix",
            "images",
        ),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(keys)

    pane_name = "overlap"
    heading = "Overlap"
    tab = "Overlap"
    jump = "5"
    place = "overlap"
    in_column = "right"
    says = "overlap matrix"
    of_a_layer = True
    of_a_step = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.digits = True
        self.row, self.column = 0, 1
        self._top = self._left = 0
        self._grid: _Grid | None = None

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def title_detail(self) -> str:
        """Labels, branch and rank."""
        main = self.analysis.main if self.analysis else None
        if self.analysis is None or main is None:
            return ""
        scheme, branch = self.analysis.selection.main
        return f"{cut(scheme, 14)} · {branch} · r={main.settings.subspace_dim}"

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes."""
        main = self.analysis.main if self.analysis else None
        return main.classes if main else ()

    def _matrix(self) -> Any:
        main = self.analysis.main if self.analysis else None
        if main is None or main.overlap is None or self.selected >= len(main.overlap):
            return None
        matrix = main.overlap[self.selected]
        return None if math.isnan(matrix[0, 0]) else matrix

    def numbers(self) -> Numbers:
        """Overlap and variance explained of each pair of classes at the layer."""
        from subspacelens_tui.analysis.output.rows import overlap_rows

        main = self.analysis.main if self.analysis else None
        return list(overlap_rows(main, self.selected)) if main and self._matrix() is not None else []

    def publication(self, name: str) -> "Plot | None":
        """The matrix of the layer."""
        from subspacelens_tui.analysis.output import matrix_plot

        main = self.analysis.main if self.analysis else None
        return matrix_plot(name, main, self.selected) if main and self._matrix() is not None else None

    def selected_cell(self) -> tuple[str, str, float] | None:
        """Both classes of the selected cell, and its value; None where there is no matrix."""
        matrix = self._matrix()
        if matrix is None:
            return None
        row, column = min(self.row, len(matrix) - 1), min(self.column, len(matrix) - 1)
        return self.class_names[row], self.class_names[column], float(matrix[row, column])

    def action_digits(self) -> None:
        """Numbers in the cells, or colours only."""
        self.digits = not self.digits
        self.repaint()

    def action_cell(self, rows: int, columns: int) -> None:
        """Move the selected cell."""
        last = len(self.class_names) - 1
        if last < 0:
            return
        self.row = min(last, max(0, min(self.row, last) + rows))
        self.column = min(last, max(0, min(self.column, last) + columns))
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Column heads, the matrix, the colour scale, the selected cell."""
        matrix, self._grid = self._matrix(), None
        if matrix is None:
            yield from self.said(self._why_missing(), width, height)
            return
        if width < _COLUMNS or height < _ROWS:
            yield from self.too_small(width, height, _COLUMNS, _ROWS)
            return
        count = len(matrix)
        self.row, self.column = min(self.row, count - 1), min(self.column, count - 1)
        room = max(1, height - 3)
        layout = self._laid_out(width, room, count)
        low, high = self._scale(matrix)
        yield self._heads(layout)
        for row in range(layout.top, layout.top + layout.rows):
            for line in range(layout.tall):
                yield self._row(matrix, row, layout, low, high, with_text=line == (layout.tall - 1) // 2)
        for _ in range(room - layout.rows * layout.tall):
            yield ()
        if height > _ROWS:
            yield self._legend(low, high, width)
        yield self._named(matrix, width)

    def _why_missing(self) -> str:
        layer = self.analysis.layer(self.selected) if self.analysis else None
        return plain(layer.why_missing("overlap_mean") if layer else "") or self.why_missing("overlap_mean")

    def _laid_out(self, width: int, rows: int, count: int) -> _Grid:
        longest = max(len(plain(name)) for name in self.class_names)
        label = min(max(_LABEL_AT_MOST, width // _LABEL_SHARE), longest)
        # Labels give way first, if that makes room for digits; then cells; then the matrix scrolls.
        least = min(label, _LABEL_AT_LEAST)
        fits = [cell for cell in (4, 3) if self.digits and least + 1 + count * cell <= width]
        wanted = fits[0] if fits else 2
        label = max(least, min(label, width - 1 - count * wanted))
        cell = min(max(_CELL_AT_MOST, longest + 1), max(1, (width - label - 1) // count))
        columns = min(count, max(1, (width - label - 1) // cell))
        shown = min(count, max(1, rows))
        self._top = max(min(self._top, self.row, count - shown), self.row - shown + 1, 0)
        self._left = max(min(self._left, self.column, count - columns), self.column - columns + 1, 0)
        most = 1 if self.few_colours and self.digits else _TALL_AT_MOST
        tall = min(most, max(1, rows // count), max(1, cell // 2))
        self._grid = _Grid(label, cell, self._top, self._left, shown, columns, tall)
        return self._grid

    def _scale(self, matrix: Any) -> tuple[float, float]:
        """The range of the off-diagonal cells, rounded outwards so that colours hold still."""
        others = [float(matrix[i, j]) for i in range(len(matrix)) for j in range(len(matrix)) if i != j]
        if not others:
            return 0.0, 1.0
        low = max(0.0, math.floor(min(others) / _ROUND_TO + 1e-9) * _ROUND_TO)
        # Its ends differ, also where all classes share one subspace.
        low = min(low, 1.0 - _ROUND_TO)
        high = math.ceil(max(others) / _ROUND_TO - 1e-9) * _ROUND_TO
        return low, min(1.0, max(high, low + _ROUND_TO))

    def _heads(self, layout: _Grid) -> Row:
        row: list[Piece] = [(fit(f"L{self.selected}", layout.label + 1), self.ink("accent"))]
        for column in range(layout.left, layout.left + layout.columns):
            # Where heads touch, every other one is fainter.
            plain_ink = "faint" if layout.cell <= 2 and column % 2 else "dim"
            style = self.ink("accent" if column == self.column else plain_ink)
            room = layout.cell - (layout.cell > 2)
            name = plain(self.class_names[column])[:room]
            row.append((fit(name, layout.cell, "centre" if layout.cell > 2 else "left"), style))
        return row

    def _row(self, matrix: Any, row: int, layout: _Grid, low: float, high: float, with_text: bool) -> Row:
        style = self.ink("accent" if row == self.row else "dim")
        name = plain(self.class_names[row])
        pieces: list[Piece] = [(fit(name if with_text else "", layout.label) + " ", style)]
        for column in range(layout.left, layout.left + layout.columns):
            pieces.append(self._cell(matrix, row, column, layout.cell, (low, high), with_text))
        return pieces

    def _cell(
        self, matrix: Any, row: int, column: int, width: int, scale: tuple[float, float], with_text: bool
    ) -> Piece:
        value = float(matrix[row, column])
        chosen = row == self.row and column == self.column
        text = " " * width
        if with_text and self.digits and width >= _HUNDREDTHS_CELL:
            digits = numbers.fraction(value) if width > _HUNDREDTHS_CELL else f"{100 * value:02.0f}"
            text = fit(digits if row != column else "1", width, "centre")
        if row == column:
            style = self.ink("faint")
            text = text if text.strip() or not with_text else fit("·", width, "centre")
        elif self.few_colours:
            style = self.ink()
            shade = SHADES[ramp_index(value, *scale, len(SHADES))]
            text = text if text.strip() else shade * width
        else:
            style = ramp_style(ramp_index(value, *scale))
        if chosen:
            # Its colour stays: it is what one wants to see. Brackets or a diamond mark it, in any terminal.
            style += Style(bold=True)
            if with_text:
                value_text = text.strip()
                text = fit(f"▸{value_text}◂" if 3 <= len(value_text) + 2 <= width else "◆", width, "centre")
        return text, style

    def _legend(self, low: float, high: float, width: int) -> Row:
        """The colour scale, with the mean of the cells it colours."""
        mean = self._mean()
        row: list[Piece] = [
            (f"{numbers.fraction(low, 1)} ", self.ink("dim")),
            *self.ramp(),
            (f" {numbers.fraction(high, 1)}", self.ink("dim")),
            ("  mean ", self.ink("dim")),
            (numbers.fraction(mean), self.ink("strong")),
        ]
        return cut_row(row, width)

    def _mean(self) -> float | None:
        main = self.analysis.main if self.analysis else None
        return main.layers[self.selected].overlap_mean if main and self.selected < len(main.layers) else None

    def _named(self, matrix: Any, width: int) -> Row:
        """The selected cell in words."""
        a, b = plain(self.class_names[self.row]), plain(self.class_names[self.column])
        value = numbers.fraction(float(matrix[self.row, self.column]), 3)
        room = max(2, (width - len(value) - 5) // 2)
        return cut_row(
            [
                (f"{cut(a, room)} × {cut(b, room)} ", self.ink("accent")),
                (value, self.ink("strong")),
            ],
            width,
        )

    def on_click(self, event: events.Click) -> None:
        """Select the cell under the mouse."""
        offset, layout = event.get_content_offset(self), self._grid
        if offset is None or layout is None:
            return
        row = (offset.y - 1) // layout.tall + layout.top
        column = (offset.x - layout.label - 1) // layout.cell + layout.left
        if (
            layout.top <= row < layout.top + layout.rows
            and layout.left <= column < layout.left + layout.columns
        ):
            self.row, self.column = row, column
            self.repaint()
