"""One metric of several sessions over the layers, a curve for each."""

from collections.abc import Iterable, Mapping

from textual import events

from subspacelens_tui.analysis.quantities import error_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Painted, Row
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Bars, Cells, Curve, Markers, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.panes.pane import LayerChosen


class OverlaidCurves(Painted):
    """Curves with their intervals, and their values at the selected layer."""

    markers: Markers = "braille"
    results: Mapping[str, Result] = {}
    figure = ""
    selected = 0
    message = ""
    _cells: Cells = ()

    def update(self, results: Mapping[str, Result], figure: str, selected: int, message: str) -> None:
        """Show this; the message stands where there are no results.

        Args:
            results: by the letter that stands for the session.
            figure: which quantity.
            selected: layer to mark.
            message: why there are none.
        """
        self.results, self.figure, self.selected, self.message = results, figure, selected, message
        self.repaint()

    @property
    def most_layers(self) -> int:
        """Of the session that has most."""
        return max((len(of.layers) for of in self.results.values()), default=0)

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        plot = self._plot()
        if not has_values(plot):
            return self.said(self.message or "no values at these settings", width, height)
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        entries = [self._entry(letter, of) for letter, of in self.results.items()]
        numbers = self._numbers
        here = numbers[self.selected] if self.selected < len(numbers) else self.selected
        head = (f"L{here:<3} ", self.ink("accent"))
        legend = legend_rows(head, entries, "│ 95 % CI", width, 2, self.markers, self)
        self._cells = draw(plot, width, height - len(legend))
        styles = PlotStyles(self)
        return [*legend, *(styles.row(row) for row in self._cells)]

    @property
    def _numbers(self) -> tuple[int, ...]:
        """Of each layer the number of its block, where all sessions have the same; none where they differ."""
        found = {of.numbers for of in self.results.values()}
        return next(iter(found)) if len(found) == 1 else ()

    def _plot(self) -> Plot:
        # The first on top, as in its legend.
        every = [(_place(letter), of) for letter, of in reversed(list(self.results.items()))]
        return Plot(
            tuple(Curve(tuple(of.curve(self.figure)), n, dashed=n % 2 > 0, shape=n) for n, of in every),
            bars=tuple(Bars(*error_bands(of, self.figure), n) for n, of in every),
            cursor=self.selected,
            numbers=self._numbers,
            zero=bool(self.results) and quantity(self.figure).has_zero_line,
            markers=self.markers,
            tints=not self.few_colours,
        )

    def _entry(self, letter: str, of: Result) -> LegendEntry:
        asked, colour = quantity(self.figure), _place(letter)
        here = of.layers[self.selected] if self.selected < len(of.layers) else None
        value = numbers.figure(asked.value(here), signed=asked.has_zero_line) if here else numbers.NONE
        between = numbers.interval(*asked.error_band(here)) if here else ""
        return LegendEntry(letter, value, colour, dashed=colour % 2 > 0, interval=between, shape=colour)

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        offset = event.get_content_offset(self)
        layer = None if offset is None else layer_at(offset.x, self._cells, self.most_layers)
        if layer is not None:
            self.post_message(LayerChosen(layer))


def _place(letter: str) -> int:
    return ord(letter) - ord("A")
