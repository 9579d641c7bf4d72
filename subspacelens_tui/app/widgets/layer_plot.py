"""One quantity of one set of metrics over the layers: its curve, its null and its error."""

from collections.abc import Iterable

from rich.color import Color
from rich.style import Style
from textual import events

from subspacelens_tui.analysis.quantities import error_bands, null_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Painted, Piece, Row, cut_row
from subspacelens_tui.app.drawing.palette import curve_colour
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Band, Cells, Curve, Markers, Plot
from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.panes.plot_pane import PlotStyles
from subspacelens_tui.sessions.sanitise import plain

_COLOUR = 0


class LayerPlot(Painted):
    """A legend with the value at the selected layer, then the plot.

    Args:
        name: of the quantity.
        id: of the widget.
    """

    markers: Markers = "braille"
    result: Result | None = None
    message = ""
    selected = 0
    _cells: Cells = ()

    def __init__(self, name: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._quantity = quantity(name)

    def update(self, result: Result | None, selected: int, message: str) -> None:
        """Show this; the message stands where there are no metrics."""
        self.result, self.selected, self.message = result, selected, message
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        if self.result is None:
            return self.said(self.message, width, height)
        name = self._quantity.name
        bands = (
            Band(*null_bands(self.result, name), _COLOUR),
            Band(*error_bands(self.result, name), _COLOUR, hatched=True),
        )
        curve = Curve(tuple(self.result.curve(name)), _COLOUR)
        zero = self._quantity.has_zero_line
        plot = Plot((curve,), bands, cursor=self.selected, zero=zero, markers=self.markers)
        if not has_values(plot):
            return self.said(plain(self.result.why_missing(name)) or "no values", width, height)
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - 1)
        styles = PlotStyles(self)
        return [cut_row(self._legend(self.result), width), *(styles.row(row) for row in self._cells)]

    def _legend(self, result: Result) -> list[Piece]:
        """The value at the selected layer, its interval, and what the null says."""
        layer = result.layers[self.selected]
        asked, style = self._quantity, self._line()
        half = numbers.half_width(*asked.error_band(layer))
        value = numbers.figure(asked.value(layer), signed=asked.has_zero_line)
        row: list[Piece] = [
            (f"L{self.selected:<3}", self.ink("accent")),
            ("━━ ", style),
            (f"{asked.title} ", self.ink("dim")),
            (value, self.ink("strong")),
            (f"{half} (95 %)" if half else "", self.ink("dim")),
        ]
        null = layer.nulls.get(asked.metric.key)
        if null is not None:
            row.append((f"   p {numbers.probability(null.p, null.permutations)}", self.ink("dim")))
        return row

    def _line(self) -> Style:
        return Style.from_color(Color.parse(curve_colour(_COLOUR, self.app.current_theme.dark)))

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        offset = event.get_content_offset(self)
        if self.result is None or offset is None:
            return
        layer = layer_at(offset.x, self._cells, len(self.result.layers))
        if layer is not None:
            self.post_message(LayerChosen(layer))
