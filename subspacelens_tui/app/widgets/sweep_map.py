"""One figure over all configurations: rows guidance and step, columns layers, as a map of coloured cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.message import Message

from subspacelens_tui.analysis.growing import Configuration
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import fit
from subspacelens_tui.app.palette import SHADES, ramp_index, ramp_style
from subspacelens_tui.app.widgets.painted import Painted, Piece, Row, cut_row
from subspacelens_tui.app.widgets.pane import Numbers
from subspacelens_tui.sessions.steps import step_name

_LABEL, _TIMESTEP, _CELL_AT_MOST, _DIGITS_AT_LEAST, _TICKS = 18, 7, 6, 6, 5
_PEAK, _DIP = "▲", "▼"


@dataclass(frozen=True)
class SweepRow:
    """A configuration with its values layer by layer, None while it is computed; its peak and its dip."""

    configuration: Configuration
    timestep: float | None = None
    values: tuple[float | None, ...] | None = None
    peak: int | None = None
    dip: int | None = None
    reason: str = ""


class SweepMap(Painted, can_focus=True):
    """The map, the colour scale, and the selected cell in words.

    Attributes:
        rows: the configurations.
        row, column: the selected cell.
        figure: what it is of.
    """

    class Opened(Message):
        """A configuration is to be looked at."""

    rows: Sequence[SweepRow] = ()
    row = column = 0
    figure = ""
    _top = 0

    def update(self, figure: str, rows: Sequence[SweepRow]) -> None:
        """Show this."""
        self.figure, self.rows = figure, rows
        self.repaint()

    @property
    def count(self) -> int:
        """How many there are, as far as is known."""
        return max((len(row.values or ()) for row in self.rows), default=0)

    def numbers(self) -> Numbers:
        """Each layer of each configuration that is computed, with where the peak and the dip are."""
        return [
            {
                "guidance": row.configuration.guidance,
                "step": row.configuration.step,
                "timestep": row.timestep,
                "layer": layer,
                self.figure: value,
                "peak": layer == row.peak,
                "dip": layer == row.dip,
            }
            for row in self.rows
            for layer, value in enumerate(row.values or ())
        ]

    def move(self, rows: int, layers: int) -> None:
        """Select another cell."""
        self.row = min(len(self.rows) - 1, max(0, self.row + rows))
        self.column = min(max(0, self.count - 1), max(0, self.column + layers))
        self.repaint()

    def _cell_width(self, width: int) -> int:
        return max(1, min(_CELL_AT_MOST, (width - self._label) // max(1, self.count)))

    @property
    def _timesteps_known(self) -> bool:
        return any(row.timestep is not None for row in self.rows)

    @property
    def _label(self) -> int:
        """Columns that say which configuration a row is of."""
        return _LABEL + _TIMESTEP * self._timesteps_known

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Layers, rows, scale, words."""
        if not self.rows:
            return
        cell = self._cell_width(width)
        known = [v for row in self.rows for v in row.values or () if v is not None and math.isfinite(v)]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        room = max(1, height - 3)
        self._top = max(min(self._top, self.row, len(self.rows) - room), self.row - room + 1, 0)
        yield cut_row([(self._heads(cell), self.ink("dim"))], width)
        shown = self.rows[self._top : self._top + room]
        for index, row in enumerate(shown, self._top):
            yield cut_row(self._row(row, index == self.row, cell, low, high), width)
        for _ in range(room - len(shown)):
            yield ()
        yield cut_row(self._legend(low, high), width)
        yield cut_row([(self._words(), self.ink("strong"))], width)

    def _heads(self, cell: int) -> str:
        step = max(1, math.ceil(_TICKS / cell))
        names = [
            fit(f"L{layer}", cell * min(step, self.count - layer)) for layer in range(0, self.count, step)
        ]
        timestep = fit("t", _TIMESTEP, "right") if self._timesteps_known else ""
        return fit(f"  guidance  step{timestep}", self._label) + "".join(names)

    def _row(self, row: SweepRow, chosen: bool, cell: int, low: float, high: float) -> list[Piece]:
        where = f"{row.configuration.guidance:>8g}{row.configuration.step:>6}"
        where += "" if row.timestep is None else f"{row.timestep:>{_TIMESTEP}.4g}"
        pieces: list[Piece] = [("▶ " if chosen else "  ", self.ink("accent"))]
        pieces.append((fit(where, self._label - 2), self.ink("accent" if chosen else "")))
        if row.values is None:
            pieces.append((row.reason or "…", self.ink("warning" if row.reason else "dim")))
            return pieces
        for layer, value in enumerate(row.values):
            mark = _PEAK if layer == row.peak else _DIP if layer == row.dip else ""
            here = chosen and layer == self.column
            pieces.append(self._cell(value, mark, here, cell, low, high))
        return pieces

    def _cell(self, value: float | None, mark: str, here: bool, width: int, low: float, high: float) -> Piece:
        if value is None:
            return fit("·", width, "centre"), self.ink("faint")
        digits = width >= _DIGITS_AT_LEAST
        text = fit(
            f"{numbers.figure(value)}{mark}" if digits else mark or ("◆" if here else ""), width, "centre"
        )
        if here:
            text = fit(f"▸{text.strip()}"[:width], width, "centre")
        bold = Style(bold=bool(mark) or here, underline=here)
        if self.few_colours:
            shade = SHADES[ramp_index(value, low, high, len(SHADES))]
            return (text if text.strip() else shade * width), self.ink() + bold
        return text, ramp_style(ramp_index(value, low, high)) + bold

    def _legend(self, low: float, high: float) -> list[Piece]:
        marks = f"   {_PEAK} the most prominent maximum between the ends, {_DIP} the same minimum"
        return [
            (f"  {numbers.figure(low)} ", self.ink("dim")),
            *self.ramp(),
            (f" {numbers.figure(high)}", self.ink("dim")),
            (marks, self.ink("dim")),
        ]

    def _words(self) -> str:
        row = self.rows[min(self.row, len(self.rows) - 1)]
        at = row.configuration
        place = f"  guidance {at.guidance:g}, step {step_name(at.step, row.timestep)}"
        if row.values is None or self.column >= len(row.values):
            return place
        peak = f", peak L{row.peak}" if row.peak is not None else ""
        dip = f", dip L{row.dip}" if row.dip is not None else ""
        return f"{place}, L{self.column}: {numbers.figure(row.values[self.column])}{peak}{dip}"

    def on_click(self, event: events.Click) -> None:
        """Select the cell under the mouse; a second click looks at its configuration."""
        offset = event.get_content_offset(self)
        if offset is None or not 1 <= offset.y <= len(self.rows) - self._top:
            return
        self.row = self._top + offset.y - 1
        if offset.x >= self._label:
            self.column = min(
                max(0, self.count - 1), (offset.x - self._label) // self._cell_width(self.size.width)
            )
        self.repaint()
        if event.chain > 1:
            self.post_message(self.Opened())
