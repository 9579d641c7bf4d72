"""One quantity of one set of metrics over the layers: its curve, its null and its error."""

from collections.abc import Iterable

from subspacelens_tui.analysis.quantities import error_bands, null_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted_widget import Row
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, legend_rows
from subspacelens_tui.app.panes.plot_pane import outside
from subspacelens_tui.app.widgets.curve_widget import Curves
from subspacelens_tui.sessions.sanitise import plain

_COLOUR = 0


class LayerPlot(Curves):
    """A legend with the value at the selected layer, then the plot; in a single row the legend alone.

    Args:
        name: of the quantity.
        id: of the widget.
    """

    result: Result | None = None
    message = ""

    def __init__(self, name: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._quantity = quantity(name)
        self.axis_of = self._quantity.short

    def update(self, result: Result | None, selected: int, message: str) -> None:
        """Show this; the message stands where there are no metrics."""
        self.result, self.selected, self.message = result, selected, message
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, and the plot where there is more than a row."""
        if height > 1 or self.result is None:
            return super().paint(width, height)
        self._cells = ()
        head = (f"{self.head():<4} ", self.ink("dim"))
        return legend_rows(head, self.legend(), "", width, 1, self.markers, self)

    def head(self) -> str:
        """The layer that the values of the legend are of."""
        return super().head() if self.result is None else f"L{self.result.numbers[self._layer(self.result)]}"

    def _layer(self, result: Result) -> int:
        return min(self.here, len(result.layers) - 1)

    def why_empty(self) -> str:
        """The message, or why the metric has no values."""
        if self.result is None:
            return self.message
        return plain(self.result.why_missing(self._quantity.name)) or "no values"

    def plot(self) -> Plot:
        """The curve with its intervals as bars, and its null shaded."""
        if self.result is None:
            return Plot(())
        name, result = self._quantity.name, self.result
        null = null_bands(result, name)
        breaks = width_breaks(result, name)
        beyond = outside(result.curve(name), *null)
        curve = Curve(tuple(result.curve(name)), _COLOUR, beyond=beyond, breaks=breaks)
        bars = Bars(*error_bands(result, name), _COLOUR)
        return Plot(
            (curve,),
            (Band(*null, _COLOUR, breaks),),
            (bars,),
            zero=self._quantity.has_zero_line,
            numbers=result.numbers,
        )

    def legend(self) -> list[LegendEntry]:
        """The value at a layer, its interval, and what the null says."""
        result, asked = self.result, self._quantity
        if result is None:
            return []
        layer = result.layers[self._layer(result)]
        null = layer.nulls.get(asked.metric.key)
        p = f"p {numbers.probability(null.p, null.permutations)}" if null is not None else ""
        value = numbers.number(asked.value(layer), signed=asked.has_zero_line)
        filled = outside(result.curve(asked.name), *null_bands(result, asked.name))
        # The interval goes before a name in full.
        name = asked.title if 3 * len(asked.title) <= self.size.width else asked.short
        return [
            LegendEntry(
                name,
                value,
                _COLOUR,
                interval=numbers.interval(*asked.error_band(layer)),
                p=p,
                shape=0,
                filled=not filled or filled[self._layer(result)],
            )
        ]
