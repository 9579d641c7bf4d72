"""How alike the layers arrange the images: unbiased CKA of all pairs, as coloured cells."""

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from rich.style import Style
from textual import events

from subspacelens_tui.analysis.sentences import of_cka
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row
from subspacelens_tui.app.drawing.palette import SHADES, ramp_index, ramp_style
from subspacelens_tui.app.panes.pane import Deferred, LayerChosen, Numbers, Pane
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

_LABEL, _CELL_AT_MOST, _TALL_AT_MOST = 4, 9, 4
# Cells from which on there is room for the hundredths, and for a decimal point before them.
_HUNDREDTHS, _WITH_POINT = 3, 5
# Rows of a cell for each of its columns: a little more than a square.
_TALL = 0.5


class CkaPane(Pane):
    """Layers by layers; the selected layer's row and column are marked, a click selects another."""

    pane_name = "cka"
    heading = "CKA of layers"
    tab = "CKA"
    jump = "5"
    place = "overlap"
    in_column = "right"
    of_a_step = True
    needs = frozenset({Deferred.CKA})
    _cell, _tall, _first = 1, 1, 0

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def absence(self) -> str:
        """Why there is no matrix; empty if there is one."""
        alike = self.analysis.alike if self.analysis else None
        if words := super().absence():
            return words
        if alike is None:
            return "comparing the layers …"
        return "" if "cka" in alike.matrices else plain(alike.missing.get("cka", "")) or "no values"

    def sample(self) -> str:
        """How many images it is of."""
        alike = self.analysis.alike if self.analysis else None
        return f"N {alike.images}" if alike else ""

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Heads, a row a layer around the selected one, the scale, and what the matrix says."""
        assert self.analysis is not None
        alike = self.analysis.alike
        assert alike is not None
        matrix = alike.matrices["cka"].tolist()
        count = len(matrix)
        if width < _LABEL + count or height < 3:
            return self.too_small(width, height, _LABEL + count, 3)
        words = textwrap.wrap(
            of_cka(alike.matrices["cka"], alike.matrix_nulls["cka"].std, alike.numbers), width
        )
        words = words if height - len(words) - 2 >= min(count, 4) else []
        room = height - 2 - len(words)
        shown = min(count, room)
        self._cell = min(_CELL_AT_MOST, (width - _LABEL) // count)
        most = 1 if self.few_colours else _TALL_AT_MOST
        self._tall = min(most, room // shown, max(1, round(_TALL * self._cell)))
        self._first = max(0, min(self.selected - shown // 2, count - shown))
        least = min(min(row) for row in matrix)
        low = math.floor(10 * max(0.0, min(0.9, least))) / 10
        rows: list[Row] = [self._heads(count)]
        for layer in range(self._first, self._first + shown):
            for line in range(self._tall):
                named = line == (self._tall - 1) // 2
                rows.append(self._row(matrix[layer], layer, low, named))
        notes = ["99 is .99"] if _HUNDREDTHS <= self._cell < _WITH_POINT else []
        if shown < count:
            first, last = self.number_of(self._first), self.number_of(self._first + shown - 1)
            notes.append(f"rows {first}-{last} of {count}")
        scale = [
            (f"{numbers.fraction(low, 1)} ", self.ink("dim")),
            *self.ramp(),
            ("  ".join([" 1", *notes]), self.ink("dim")),
        ]
        return [*rows, cut_row(scale, width), *([(line, self.ink("dim"))] for line in words)]

    def _heads(self, count: int) -> Row:
        pieces: list[Piece] = [(fit("", _LABEL), self.ink())]
        every = max(1, math.ceil((len(str(self.number_of(count - 1))) + 1) / self._cell))
        side: Literal["left", "centre"] = "centre" if self._cell >= _HUNDREDTHS else "left"
        layer = 0
        while layer < count:
            span = min(every, count - layer)
            style = self.ink("accent" if layer <= self.selected < layer + span else "dim")
            pieces.append((fit(str(self.number_of(layer)), self._cell * span, side), style))
            layer += span
        return pieces

    def _row(self, values: Sequence[float], layer: int, low: float, named: bool) -> Row:
        mine = layer == self.selected
        pieces: list[Piece] = [
            (
                fit(f"{'▶' if mine else ' '}{self.number_of(layer)}" if named else "", _LABEL),
                self.ink("accent" if mine else "dim"),
            )
        ]
        for other, value in enumerate(values):
            text = " " * self._cell
            if named and self._cell >= _HUNDREDTHS:
                text = fit(_written(value, self._cell), self._cell, "centre")
            if self.few_colours:
                style = self.ink("accent" if mine or other == self.selected else "")
                shade = SHADES[ramp_index(value, low, 1.0, len(SHADES))]
                text = text if text.strip() else shade * self._cell
            else:
                style = ramp_style(ramp_index(value, low, 1.0))
                style += Style(bold=mine or other == self.selected)
            pieces.append((text, style))
        return pieces

    def numbers(self) -> Numbers:
        """Every pair of layers."""
        from subspacelens_tui.analysis.output.rows import layer_pair_rows

        alike = self.analysis.alike if self.analysis else None
        return list(layer_pair_rows(alike, "cka")) if alike is not None else []

    def publication(self, name: str) -> "Plot | None":
        """The matrix."""
        from subspacelens_tui.analysis.output import layers_plot

        alike = self.analysis.alike if self.analysis else None
        return layers_plot(name, alike, "cka") if alike is not None and "cka" in alike.matrices else None

    def on_click(self, event: events.Click) -> None:
        """Select the layer of the row under the mouse."""
        offset = event.get_content_offset(self)
        main = self.analysis.main if self.analysis else None
        if offset is None or main is None or offset.y < 1:
            return
        layer = self._first + (offset.y - 1) // self._tall
        if layer < len(main.layers):
            self.post_message(LayerChosen(layer))


def _written(value: float, width: int) -> str:
    """A fraction; its hundredths where there is no room for the point, and 1 with one to tell it from 1/100."""
    if width >= _WITH_POINT:
        return "1" if value >= 0.995 else numbers.fraction(value)
    return "1." if value >= 0.995 else f"{100 * value:.0f}"
