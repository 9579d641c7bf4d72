"""One metric over all configurations: rows guidance and step, columns layers, as a map of coloured cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.message import Message

from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.drawing.palette import SHADES, ramp_index, ramp_steps, ramp_style
from subspacelens_tui.app.drawing.pointing import Pointing
from subspacelens_tui.app.panes.pane import COMPUTING, Numbers
from subspacelens_tui.sessions.steps import step_name

# The mark of the chosen row, then columns as wide as their heads; timesteps only where they are known.
_MARK, _HEADS, _TIMESTEP = 2, ("guidance", "  step", "      t", "     N"), 2
_LABEL = _MARK + sum(map(len, _HEADS)) + 2
_CELL_AT_LEAST, _CELL_AT_MOST, _TICKS = 6, 10, 5
_PEAK, _DIP = "▲", "▼"

_MARKS = (
    f"{_PEAK} most prominent maximum, {_DIP} minimum between the ends, beyond noise",
    f"{_PEAK} maximum, {_DIP} minimum, beyond noise",
    f"{_PEAK} max, {_DIP} min",
)
_TALL_AT_MOST = 5


@dataclass(frozen=True)
class SweepRow:
    """A configuration with its values layer by layer.

    Attributes:
        configuration: which it is.
        values: one a layer; none while they are computed, or where there are none.
        peak, dip: layers of the most prominent maximum and minimum.
        images: how many the values are of.
        reason: why there are no values, once that is known.
        timestep: of its denoising step, where that is known.
        passes: whether the test of each passes together with all others of the map; none without tests.
        p: of each value, for values that are an excess; empty for others.
    """

    configuration: Configuration
    values: tuple[float | None, ...] = ()
    peak: int | None = None
    dip: int | None = None
    images: int | None = None
    reason: str = ""
    timestep: float | None = None
    passes: tuple[bool, ...] = ()
    p: tuple[float | None, ...] = ()

    def is_dimmed(self, layer: int) -> bool:
        """Whether a value fails its test."""
        return bool(self.passes) and not self.passes[layer]


class SweepMap(Pointing[tuple[int, int]], Painted, can_focus=True):
    """The map, the colour scale, and the selected cell in words.

    Attributes:
        rows: the configurations.
        row, column: the selected cell.
        metric: what it is of.
        layer_numbers: of each layer the number of its block in the model.
        signed: whether zero says something: colours diverge from it then.
        permutations: that each p is of.
    """

    class Opened(Message):
        """A configuration is to be looked at."""

    rows: Sequence[SweepRow] = ()
    row = column = 0
    metric = ""
    layer_numbers: Sequence[int] = ()
    tests = ""
    signed = False
    permutations = 0
    # The row of the layers, one configuration and one cell of it, the scale, the words.
    least = (_LABEL + _CELL_AT_LEAST, 4)
    _top = _left = 0
    _tall = 1

    def update(
        self,
        metric: str,
        rows: Sequence[SweepRow],
        tests: str = "",
        signed: bool = False,
        permutations: int = 0,
    ) -> None:
        """Show this; `tests` says what the dim cells are."""
        self.metric, self.rows, self.tests, self.signed = metric, rows, tests, signed
        self.permutations = permutations
        self.repaint()

    @property
    def count(self) -> int:
        """How many there are, as far as is known."""
        return max((len(row.values) for row in self.rows), default=0)

    def numbers(self) -> Numbers:
        """Each layer of each configuration that is computed, with where the peak and the dip are."""
        return [
            {
                "guidance": row.configuration.guidance,
                "step": row.configuration.step,
                "timestep": row.timestep,
                "images": row.images,
                "layer": self._number(layer),
                self.metric: value,
                "peak": layer == row.peak,
                "dip": layer == row.dip,
                **({"passes": row.passes[layer]} if row.passes else {}),
            }
            for row in self.rows
            for layer, value in enumerate(row.values)
        ]

    def move(self, rows: int, layers: int) -> None:
        """Select another cell."""
        self.row = min(len(self.rows) - 1, max(0, self.row + rows))
        self.column = min(max(0, self.count - 1), max(0, self.column + layers))
        self.repaint()

    def _layer_name(self, layer: int) -> str:
        return f"L{self._number(layer)}"

    def _number(self, layer: int) -> int:
        return self.layer_numbers[layer] if layer < len(self.layer_numbers) else layer

    def _known(self) -> list[float]:
        values = (value for row in self.rows for value in row.values)
        return [value for value in values if value is not None and math.isfinite(value)]

    def _digits(self) -> int:
        """The columns of a cell that says its value, with room for a mark and a blank."""
        return max((len(self._written(value)) for value in self._known()), default=0) + 2

    def _written(self, value: float | None) -> str:
        return numbers.number(value, signed=self.signed)

    def _cell_width(self, width: int) -> int:
        return max(1, min(max(_CELL_AT_MOST, self._digits()), (width - self._label) // max(1, self.count)))

    @property
    def _columns(self) -> list[int]:
        """Which of `_HEADS` are shown."""
        known = any(row.timestep is not None for row in self.rows)
        return [place for place in range(len(_HEADS)) if known or place != _TIMESTEP]

    @property
    def _label(self) -> int:
        """Columns that say which configuration a row is of."""
        return _MARK + sum(len(_HEADS[place]) for place in self._columns) + 2

    def lines(self, width: int, height: int) -> Iterable[Row]:
        """That there are no configurations yet, or the map."""
        return super().lines(width, height) if self.rows else ()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Layers, rows, scale, words."""
        cell = self._cell_width(width)
        shown = min(self.count, (width - self._label) // cell)
        self._left = max(min(self._left, self.column, self.count - shown), self.column - shown + 1, 0)
        layers = range(self._left, self._left + shown)
        known = self._known()
        low, high = self._ends(known)
        room = height - 3
        self._top = max(min(self._top, self.row, len(self.rows) - room), self.row - room + 1, 0)
        yield cut_row([(self._heads(cell, layers), self.ink("dim"))], width)
        rows = self.rows[self._top : self._top + room]
        self._tall = 1 if self.few_colours else max(1, min(_TALL_AT_MOST, room // len(rows)))
        for index, row in enumerate(rows, self._top):
            for line in range(self._tall):
                with_text = line == (self._tall - 1) // 2
                yield cut_row(self._row(row, index == self.row, cell, layers, (low, high), with_text), width)
        for _ in range(room - len(rows) * self._tall):
            yield ()
        yield self._legend(low, high, width) if known else []
        yield cut_row([(self._words(), self.ink("strong"))], width)

    def _ends(self, known: Sequence[float]) -> tuple[float, float]:
        """The values of the ends of the ramp; as far from zero on both sides where zero says something."""
        if not known:
            return 0.0, 1.0
        if self.signed:
            most = max(map(abs, known))
            return -most, most
        return min(known), max(known)

    def _heads(self, cell: int, layers: range) -> str:
        step = max(1, math.ceil(_TICKS / cell))
        side: Literal["left", "centre"] = "centre" if step == 1 else "left"
        spans = ((layer, cell * min(step, layers.stop - layer)) for layer in layers[::step])
        names = [fit(self._layer_name(layer), span, side) for layer, span in spans]
        heads = "".join(_HEADS[place] for place in self._columns)
        return " " * _MARK + heads + "  " + "".join(names)

    def _row(
        self,
        row: SweepRow,
        chosen: bool,
        cell: int,
        layers: range,
        scale: tuple[float, float],
        with_text: bool,
    ) -> list[Piece]:
        """A line of a row; its words, digits and marks are in one of them."""
        images = numbers.NONE if row.images is None else str(row.images)
        timestep = "" if row.timestep is None else f"{row.timestep:.4g}"
        of = (f"{row.configuration.guidance:g}", str(row.configuration.step), timestep, images)
        where = "".join(fit(of[place], len(_HEADS[place]), "right") for place in self._columns)
        if not with_text:
            where, chosen = " " * len(where), False
        pieces: list[Piece] = [("▶ " if chosen else "  ", self.ink("accent"))]
        pieces.append((where + "  ", self.ink("accent" if chosen else "")))
        if all(value is None for value in row.values):
            words = (row.reason or COMPUTING) if with_text else ""
            return [*pieces, (words, self.ink("warning" if row.reason else "dim"))]
        for layer in layers:
            mark = _PEAK if layer == row.peak else _DIP if layer == row.dip else ""
            here = chosen and layer == self.column
            text, style = self._cell(row.values[layer], mark, here, cell, scale, row.is_dimmed(layer))
            pieces.append((text if with_text else " " * cell, style))
        return pieces

    def _cell(
        self,
        value: float | None,
        mark: str,
        here: bool,
        width: int,
        scale: tuple[float, float],
        dimmed: bool,
    ) -> Piece:
        if value is None:
            return fit("·", width, "centre"), self.ink("faint")
        digits = self._written(value) if width >= self._digits() else ""
        # A mark that does not fit beside the digits of the chosen cell gives way: the words below have it.
        sign = "▸" if here else ""
        forms = (f"{sign}{digits}{mark}", f"{sign}{digits}" if digits else mark or sign)
        # A blank before the digits, so that they do not run into those of the next cell.
        room = width - 1 if digits else width
        text = fit(next(form for form in forms if len(form) <= room), room, "centre")
        text = f"{text:>{width}}"
        bold = Style(bold=bool(mark) or here, underline=here)
        if self.few_colours:
            low, high = (0.0, scale[1]) if self.signed else scale
            shade = SHADES[ramp_index(abs(value) if self.signed else value, low, high, len(SHADES))]
            return (text if text.strip() else shade * width), self.ink("faint" if dimmed else "") + bold
        ground = self.background if dimmed else None
        step = ramp_index(value, *scale, ramp_steps(self.signed))
        return text, ramp_style(step, self.signed, ground) + bold

    def _legend(self, low: float, high: float, width: int) -> Row:
        """The scale, what is dim and what is marked, as far as there is room."""
        least, most = numbers.ends(low, high)
        if low == high:
            return cut_row([(f"  {least} everywhere", self.ink("dim"))], width)
        scale: list[Piece] = [
            (f"  {least} ", self.ink("dim")),
            *self.ramp(self.signed),
            (f" {'+' if self.signed else ''}{most}", self.ink("dim")),
        ]
        tests = f"   {self.tests}" if self.tests else ""
        marked = any(row.peak is not None or row.dip is not None for row in self.rows)
        forms = [f"{tests}   {words}" for words in _MARKS] if marked else []
        rows = [[*scale, (words, self.ink("dim"))] for words in (*forms, tests)]
        return next((row for row in rows if row_width(row) <= width), cut_row(rows[-1], width))

    def _words(self) -> str:
        place_of, column = self._pointed or (self.row, self.column)
        row = self.rows[min(place_of, len(self.rows) - 1)]
        at = row.configuration
        place = f"  guidance {at.guidance:g}, step {step_name(at.step, row.timestep)}"
        if column >= len(row.values):
            return place
        known = row.p[column] if column < len(row.p) else None
        n = f"n = {self.permutations}"
        p = "" if known is None else f" (p {numbers.probability(known, self.permutations)}, {n})"
        peak = f", peak {self._layer_name(row.peak)}" if row.peak is not None else ""
        dip = f", dip {self._layer_name(row.dip)}" if row.dip is not None else ""
        return f"{place}, {self._layer_name(column)}: {self._written(row.values[column])}{p}{peak}{dip}"

    def place_under(self, offset: Offset | None) -> tuple[int, int] | None:
        """The row and the layer at a place of the map; those of the selected layer left of the cells."""
        if offset is None or not 1 <= offset.y <= (len(self.rows) - self._top) * self._tall:
            return None
        column = self.column
        if offset.x >= self._label:
            column = self._left + (offset.x - self._label) // self._cell_width(self.size.width)
        return self._top + (offset.y - 1) // self._tall, min(max(0, self.count - 1), column)

    def on_click(self, event: events.Click) -> None:
        """Select the cell under the mouse; a second click looks at its configuration."""
        cell = self.place_under(event.get_content_offset(self))
        if cell is None:
            return
        self.row, self.column = cell
        self.repaint()
        if event.chain > 1:
            self.post_message(self.Opened())
