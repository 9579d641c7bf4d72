"""One quantity of one set of metrics over the layers: its curve, its null and its error."""

from collections.abc import Iterable
from dataclasses import replace

from textual import events
from textual.geometry import Offset

from subspacelens_tui.analysis.quantities import error_bands, null_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Painted, Row
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Cells, Curve, Markers, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.drawing.pointing import Pointing
from subspacelens_tui.app.panes.pane import LayerChosen
from subspacelens_tui.app.panes.plot_pane import outside
from subspacelens_tui.sessions.sanitise import plain

_COLOUR = 0


class LayerPlot(Pointing[int], Painted):
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
        plot = replace(self._plot(self.result), markers=self.markers, tints=not self.few_colours)
        if not has_values(plot):
            return self.said(
                plain(self.result.why_missing(self._quantity.name)) or "no values", width, height
            )
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - 1)
        styles = PlotStyles(self)
        here = min(self.selected if self._pointed is None else self._pointed, len(self.result.layers) - 1)
        head = (f"L{here:<3} ", self.ink("accent"))
        legend = legend_rows(head, [self._legend(self.result, here)], "", width, 1, self.markers, self)
        return [*legend, *(styles.row(row) for row in self._cells)]

    def _plot(self, result: Result) -> Plot:
        """The curve with its intervals as bars, and its null shaded."""
        name = self._quantity.name
        null = null_bands(result, name)
        breaks = width_breaks(result, name)
        beyond = outside(result.curve(name), *null)
        curve = Curve(tuple(result.curve(name)), _COLOUR, beyond=beyond, breaks=breaks)
        bars = Bars(*error_bands(result, name), _COLOUR)
        zero = self._quantity.has_zero_line
        return Plot((curve,), (Band(*null, _COLOUR, breaks),), (bars,), cursor=self.selected, zero=zero)

    def _legend(self, result: Result, here: int) -> LegendEntry:
        """The value at a layer, its interval, and what the null says."""
        layer, asked = result.layers[here], self._quantity
        null = layer.nulls.get(asked.metric.key)
        p = f"p {numbers.probability(null.p, null.permutations)}" if null is not None else ""
        value = numbers.figure(asked.value(layer), signed=asked.has_zero_line)
        filled = outside(result.curve(asked.name), *null_bands(result, asked.name))
        return LegendEntry(
            asked.title,
            value,
            _COLOUR,
            interval=numbers.interval(*asked.error_band(layer)),
            p=p,
            shape=0,
            filled=not filled or filled[here],
        )

    def place_under(self, offset: Offset | None) -> int | None:
        """The layer at an offset."""
        if offset is None or self.result is None:
            return None
        return layer_at(offset.x, self._cells, len(self.result.layers))

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        layer = self.place_under(event.get_content_offset(self))
        if layer is not None:
            self.post_message(LayerChosen(layer))
