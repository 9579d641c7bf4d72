"""The overlap of the class subspaces at the selected layer, as a matrix of coloured cells."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Offset

from subspacelens_tui.analysis.class_pairs import Pairs
from subspacelens_tui.analysis.classes import group_starts
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row, row_width, whole_pieces
from subspacelens_tui.app.drawing.palette import SHADES, ramp_index
from subspacelens_tui.app.drawing.pointing import Pointing
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.panes.matrix_grid import HUNDREDTHS_CELL, MatrixGrid, digits_of, grid_for
from subspacelens_tui.app.panes.matrix_heads import head_lines
from subspacelens_tui.app.panes.matrix_scale import MatrixScale, scale_of
from subspacelens_tui.app.panes.pair_tests import PairTest, pair_tests, test_columns, tests_words
from subspacelens_tui.app.panes.pane import Deferred, Numbers, Pane
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

_TALL_AT_MOST = 8
# The scale; a row with its heads and the name of its cell, and below them the scale if there is room.
_COLUMNS, _ROWS = 18, 3
_RULE = "▏"


class OverlapMatrixPane(Pointing[tuple[int, int]], Pane):
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
    needs = frozenset({Deferred.PAIRS})

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.digits = True
        self.row, self.column = 0, 1
        self._top = self._left = 0
        self._grid: MatrixGrid | None = None
        self._shown_tests: Mapping[frozenset[str], PairTest] = {}

    def subtitles(self) -> Sequence[str]:
        """How many pairs are tested and what passes, and what else the pane shows."""
        found = self._pairs()
        words = tests_words(found) if found is not None else []
        return [*(f"{of} · {self.others}" for of in words[:1]), *words, self.others]

    def title_detail(self) -> str:
        """Labels, branch and rank."""
        main = self.analysis.main if self.analysis else None
        if self.analysis is None or main is None:
            return ""
        return f"{self.analysis.main_words} · r={main.settings.subspace_dim}"

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes."""
        main = self.analysis.main if self.analysis else None
        return main.classes if main else ()

    def _sides(self) -> list[Any]:
        """The matrix of the layer, or of cond and of uncond for a difference; None for what is missing."""
        if self.analysis is None:
            return []
        scheme, branch = self.analysis.selection.main
        branches = ("cond", "uncond") if self.analysis.is_difference else (branch,)
        found = [self.analysis.of(scheme, of) for of in branches]  # type: ignore[arg-type]
        return [self._of(result) for result in found]

    def _of(self, result: Result | None) -> Any:
        if result is None or result.overlap is None or self.selected >= len(result.overlap):
            return None
        matrix = result.overlap[self.selected]
        return None if math.isnan(matrix[0, 0]) else matrix

    def _matrix(self) -> Any:
        sides = self._sides()
        if not sides or any(side is None for side in sides):
            return None
        if len(sides) == 1:
            return sides[0]
        return sides[0] - sides[1] if sides[0].shape == sides[1].shape else None

    def _pairs(self) -> Pairs | None:
        """The tests of the pairs of the layer; None until they are there, and of a difference."""
        found = self.analysis.pairs if self.analysis and not self._signed() else None
        return found[1] if found and found[0] == self.selected and isinstance(found[1], Pairs) else None

    def _tests(self) -> Mapping[frozenset[str], PairTest]:
        found = self._pairs()
        return pair_tests(found) if found is not None else {}

    def _signed(self) -> bool:
        return self.analysis is not None and self.analysis.is_difference

    def numbers(self) -> Numbers:
        """Overlap and variance explained of each pair of classes at the layer, or the difference."""
        from subspacelens_tui.analysis.output.rows import overlap_rows

        if self._signed():
            return self._differences()
        main = self.analysis.main if self.analysis else None
        if main is None or self._matrix() is None:
            return []
        tests = self._tests()
        rows = overlap_rows(main, self.selected)
        return [{**row, **test_columns(tests.get(frozenset((row["class"], row["other"]))))} for row in rows]

    def _differences(self) -> Numbers:
        sides, matrix = self._sides(), self._matrix()
        if matrix is None:
            return []
        names = self.class_names
        return [
            {
                "layer": self.selected,
                "class_a": names[a],
                "class_b": names[b],
                "cond": float(sides[0][a, b]),
                "uncond": float(sides[1][a, b]),
                "difference": float(matrix[a, b]),
            }
            for a in range(len(names))
            for b in range(len(names))
        ]

    def publication(self, name: str) -> "Plot | None":
        """The matrix of the layer; a difference has no plot of its own."""
        from subspacelens_tui.analysis.output import matrix_plot

        if self._signed():
            return None
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
        names = [plain(name) for name in self.class_names]
        tallest = 1 if self.few_colours and self.digits else _TALL_AT_MOST
        selected, before = (self.row, self.column), (self._top, self._left)
        self._grid = layout = grid_for(names, width, room, self.digits, tallest, selected, before)
        self._top, self._left = layout.top, layout.left
        scale, rules = scale_of(matrix, self._signed()), self._rules()
        self._shown_tests = self._tests()
        yield from self._heads(layout)
        for row in range(layout.top, layout.top + layout.rows):
            for line in range(layout.tall):
                with_text = line == (layout.tall - 1) // 2
                ruled = row + 1 in rules and line == layout.tall - 1 and row + 1 < layout.top + layout.rows
                yield self._row(matrix, row, layout, scale, rules, with_text, ruled)
        for _ in range(room + 1 - layout.heads.rows - layout.rows * layout.tall):
            yield ()
        if height > _ROWS:
            yield self._legend(scale, width)
        yield self._named(matrix, width)

    def _rules(self) -> tuple[int, ...]:
        """The classes that a coarser group begins with."""
        if self.recording is None or self.analysis is None:
            return ()
        return group_starts(self.recording.manifest, self.analysis.selection.main[0], self.class_names)

    def _why_missing(self) -> str:
        layer = self.analysis.layer(self.selected) if self.analysis else None
        return plain(layer.why_missing("overlap_mean") if layer else "") or self.why_missing("overlap_mean")

    def _heads(self, layout: MatrixGrid) -> Iterator[Row]:
        names = [plain(name) for name in self.class_names[layout.left : layout.left + layout.columns]]
        heads, left = layout.heads, layout.label + 1
        # Where heads touch, every other one is fainter.
        touching = layout.cell <= (1 if heads.down else 2)
        for line, pieces in enumerate(head_lines(heads, names, layout.cell, left)):
            row: list[Piece] = []
            if line == heads.rows - 1:
                row.append((fit(self.name_of(self.selected), left), self.ink("accent")))
            elif heads.down:
                row.append((" " * left, self.ink()))
            for text, column in pieces:
                here = column is not None and layout.left + column == self.column
                plain_ink = "faint" if column is None or (touching and column % 2) else "dim"
                row.append((text, self.ink("accent" if here else plain_ink)))
            yield row

    def _row(
        self,
        matrix: Any,
        row: int,
        layout: MatrixGrid,
        scale: MatrixScale,
        rules: Sequence[int],
        with_text: bool,
        ruled: bool,
    ) -> Row:
        style = self.ink("accent" if row == self.row else "dim")
        name = plain(self.class_names[row])
        pieces: list[Piece] = [(fit(name if with_text else "", layout.label) + " ", style)]
        for column in range(layout.left, layout.left + layout.columns):
            text, of_cell = self._cell(matrix, row, column, layout.cell, scale, with_text)
            if column in rules and column > layout.left and text[0] == " ":
                text = _RULE + text[1:]
            pieces.append((text, of_cell + Style(underline=True) if ruled else of_cell))
        return pieces

    def _cell(
        self, matrix: Any, row: int, column: int, width: int, scale: MatrixScale, with_text: bool
    ) -> Piece:
        value = float(matrix[row, column])
        chosen = row == self.row and column == self.column
        text = " " * width
        if with_text and self.digits and width >= HUNDREDTHS_CELL:
            own = "·" if self._signed() else "1"
            text = _centred(digits_of(value, width, self._signed()) if row != column else own, width)
        if row == column:
            style = self.ink("faint")
            text = text if text.strip() or not with_text else fit("·", width, "centre")
        elif self.few_colours:
            style = self.ink("faint" if self._fails(row, column) else "")
            size = abs(value) if scale.diverging else value
            shade = SHADES[ramp_index(size, 0.0 if scale.diverging else scale.low, scale.high, len(SHADES))]
            text = text if text.strip() else shade * width
        else:
            style = scale.style(value, self.background if self._fails(row, column) else None)
        if chosen:
            # Its colour stays: it is what one wants to see. Brackets or a diamond mark it, in any terminal.
            style += Style(bold=True)
            if with_text:
                value_text = text.strip()
                text = _centred(f"▸{value_text}◂" if 3 <= len(value_text) + 2 <= width else "◆", width)
        return text, style

    def _test(self, row: int, column: int) -> PairTest | None:
        return self._shown_tests.get(frozenset((self.class_names[row], self.class_names[column])))

    def _fails(self, row: int, column: int) -> bool:
        """Whether two classes overlap no less than permuted ones, as far as is known."""
        test = self._test(row, column)
        return test is not None and not test.passes

    def _legend(self, scale: MatrixScale, width: int) -> Row:
        """The colour scale with the null marked, and the mean of the cells it colours."""
        mean, null = self._mean(), None if scale.diverging else self._null()
        mark = None
        if null is not None and scale.low <= null <= scale.high:
            mark = ramp_index(null, scale.low, scale.high)
        low, high = numbers.fraction(scale.low), numbers.fraction(scale.high)
        if scale.diverging:
            low, high = numbers.number(scale.low), numbers.number(scale.high, signed=True)
        ramp: list[Piece] = [
            (f"{low} ", self.ink("dim")),
            *self.ramp(scale.diverging, mark),
            (f" {high}", self.ink("dim")),
        ]
        said = [f"mean {numbers.fraction(mean, 3 if scale.diverging else 2)}"]
        if null is not None:
            sign = "┃" if mark is not None and not self.few_colours else ""
            said.append(f"{sign}null {numbers.fraction(null)}")
        missing = row_width(ramp) + sum(len(words) + 2 for words in said) - width
        gap = "  " if missing <= 0 else " "
        if missing > len(said):
            ramp = [(text.strip() or text, style) for text, style in ramp]
        return whole_pieces([*ramp, *((gap + words, self.ink("dim")) for words in said)], width)

    def _mean(self) -> float | None:
        """Of the cells off the diagonal, or the difference of those of cond and uncond."""
        if self.analysis is None:
            return None
        if self.analysis.is_difference:
            layer = self.analysis.difference_of(self.selected)
            return layer["overlap_mean"].difference if layer else None
        main = self.analysis.main
        return main.layers[self.selected].overlap_mean if main and self.selected < len(main.layers) else None

    def _permutations(self) -> int:
        found = self._pairs()
        return found.of.settings.permutations if found is not None else 0

    def _null(self) -> float | None:
        main = self.analysis.main if self.analysis else None
        layer = main.layers[self.selected] if main and self.selected < len(main.layers) else None
        null = layer.nulls.get("overlap_mean") if layer else None
        return null.mean if null else None

    def _named(self, matrix: Any, width: int) -> Row:
        """The cell under the mouse, else the selected one, in words."""
        row, column = self._pointed or (self.row, self.column)
        row, column = min(row, len(matrix) - 1), min(column, len(matrix) - 1)
        a, b = plain(self.class_names[row]), plain(self.class_names[column])
        value, sides = numbers.fraction(float(matrix[row, column]), 3), ""
        if self._signed():
            value = f"{float(matrix[row, column]):+z.3f}".replace("0.", ".")
            cond, uncond = (numbers.fraction(float(side[row, column]), 3) for side in self._sides())
            sides = f"  cond {cond}, uncond {uncond}"
        elif (test := self._test(row, column)) is not None:
            sides = f"  p {numbers.probability(test.p, self._permutations())}"
        room = max(2, (width - len(value) - 5) // 2)
        pieces: list[Piece] = [
            (f"{cut(a, room)} × {cut(b, room)} ", self.ink("accent")),
            (value, self.ink("strong")),
        ]
        return whole_pieces([*cut_row(pieces, width), (sides, self.ink("dim"))], width)

    def place_under(self, offset: Offset | None) -> tuple[int, int] | None:
        """The row and the column of the cell at a place of the pane."""
        layout = self._grid
        if offset is None or layout is None or offset.y < layout.heads.rows or offset.x <= layout.label:
            return None
        row = (offset.y - layout.heads.rows) // layout.tall + layout.top
        column = (offset.x - layout.label - 1) // layout.cell + layout.left
        inside = row < layout.top + layout.rows and column < layout.left + layout.columns
        return (row, column) if inside else None

    def on_click(self, event: events.Click) -> None:
        """Select the cell under the mouse."""
        if (cell := self.place_under(event.get_content_offset(self))) is not None:
            self.row, self.column = cell
            self.repaint()


def _centred(text: str, width: int) -> str:
    """Text in the middle of a cell, sooner with a blank before it: the line between two groups goes there."""
    return f"{' ' * ((width - len(text) + 1) // 2)}{text}".ljust(width)
