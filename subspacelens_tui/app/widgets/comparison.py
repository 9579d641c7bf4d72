"""Two sides of a comparison: their curves over each other, and the difference with its error."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Literal

from rich.color import Color
from rich.style import Style
from textual import events

from subspacelens_tui.analysis.compare import Comparison, Difference, rounding
from subspacelens_tui.analysis.quantities import Values, error_bands
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Painted, Piece, Row, cut_row
from subspacelens_tui.app.drawing.palette import curve_colour
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Band, Cells, Curve, Markers, Plot
from subspacelens_tui.app.panes.pane import LayerChosen, Numbers
from subspacelens_tui.app.panes.plot_pane import PlotStyles
from subspacelens_tui.sessions.sanitise import plain

A_COLOUR, B_COLOUR = 0, 1
_DIFFERENCE = 2


class ComparisonPlot(Painted):
    """Curves, or the difference, of one metric; the selected layer is marked and its values are named."""

    markers: Markers = "braille"
    comparison: Comparison | None = None
    message = ""
    figure = ""
    selected = 0
    _cells: Cells = ()

    def __init__(self, shows: Literal["sides", "difference"], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shows = shows

    def update(self, comparison: Comparison | None, figure: str, selected: int, message: str) -> None:
        """Show this; the message stands where there is no comparison."""
        self.comparison, self.figure, self.selected, self.message = comparison, figure, selected, message
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        if self.comparison is None:
            return self.said(self.message, width, height)
        plot = self._sides() if self._shows == "sides" else self._difference()
        if not has_values(plot):
            return self.said(self._why_missing(self.comparison), width, height)
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - 1)
        styles = PlotStyles(self)
        legend = cut_row(self._legend(self.comparison.layers[self.selected][self.figure]), width)
        return [legend, *(styles.row(row) for row in self._cells)]

    def _why_missing(self, comparison: Comparison) -> str:
        reasons = (
            f"{name}: {why}"
            for name, side in (("A", comparison.a), ("B", comparison.b))
            if (why := side.why_missing(self.figure))
        )
        return plain("; ".join(reasons)) or "no values at these settings"

    def numbers(self) -> Numbers:
        """Each layer with both sides, the difference and its error."""
        if self.comparison is None:
            return []
        rows = []
        for place, layer in enumerate(self.comparison.layers):
            row = {
                "layer": place,
                "figure": self.figure,
                **asdict(layer[self.figure]),
                "images_a": self.comparison.a.images,
                "images_b": self.comparison.b.images,
            }
            moved = rounding(self.comparison, place, self.figure)
            rows.append(row if moved is None else {**row, "rounding": moved})
        return rows

    def _of(self, value: Callable[[Difference], float | None]) -> Values:
        assert self.comparison is not None
        return tuple(value(layer[self.figure]) for layer in self.comparison.layers)

    def _sides(self) -> Plot:
        assert self.comparison is not None
        a, b = self._of(lambda of: of.a), self._of(lambda of: of.b)
        curves = (Curve(b, B_COLOUR, dashed=True), Curve(a, A_COLOUR))
        bands = (self._band(self.comparison.b, B_COLOUR), self._band(self.comparison.a, A_COLOUR))
        return Plot(curves, bands, cursor=self.selected, markers=self.markers)

    def _band(self, figures: Result, colour: int) -> Band:
        return Band(*error_bands(figures, self.figure), colour, hatched=True)

    def _difference(self) -> Plot:
        curve = Curve(self._of(lambda of: of.difference), _DIFFERENCE)
        low, high = self._of(lambda of: of.low), self._of(lambda of: of.high)
        band = Band(low, high, _DIFFERENCE, hatched=True)
        return Plot((curve,), (band,), cursor=self.selected, zero=True, markers=self.markers)

    def _legend(self, here: Difference) -> list[Piece]:
        row: list[Piece] = [(f"L{self.selected:<3}", self.ink("accent"))]
        if self._shows == "sides":
            row += self._entry("━━", "A", numbers.figure(here.a), A_COLOUR)
            row += self._entry("╍╍", "B", numbers.figure(here.b), B_COLOUR)
            return [*row, (" ╱ error 95 %", self.ink("dim"))]
        half = numbers.half_width(here.low, here.high)
        row += self._entry("━━", "B − A", numbers.figure(here.difference, signed=True) + half, _DIFFERENCE)
        return [*row, (f" ╱ error 95 %, {self._error_words()}", self.ink("dim"))]

    def _error_words(self) -> str:
        assert self.comparison is not None
        if all(layer[self.figure].low is None for layer in self.comparison.layers):
            return "none for this figure"
        by = self.comparison.a.settings.errors
        return f"{by}, left out of both" if self.comparison.paired else f"{by}, as of independent sides"

    def _entry(self, line: str, name: str, value: str, colour: int) -> list[Piece]:
        style = Style.from_color(Color.parse(curve_colour(colour, self.app.current_theme.dark)))
        return [(f" {line} ", style), (f"{name} ", self.ink("dim")), (f"{value} ", self.ink("strong"))]

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        offset = event.get_content_offset(self)
        if self.comparison is None or offset is None:
            return
        layer = layer_at(offset.x, self._cells, len(self.comparison.layers))
        if layer is not None:
            self.post_message(LayerChosen(layer))
