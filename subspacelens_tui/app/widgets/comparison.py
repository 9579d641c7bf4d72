"""Two sides of a comparison: their curves over each other, and the difference with its error."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Literal

from textual import events
from textual.geometry import Offset

from subspacelens_tui.analysis.compare import Comparison, Difference, rounding
from subspacelens_tui.analysis.quantities import Values, error_bands, quantity
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Painted, Row
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Bars, Cells, Curve, Markers, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.drawing.pointing import Pointing
from subspacelens_tui.app.panes.pane import LayerChosen, Numbers
from subspacelens_tui.sessions.sanitise import plain

A_COLOUR, B_COLOUR = 0, 1
_DIFFERENCE = 2


class ComparisonPlot(Pointing[int], Painted):
    """Curves, or the difference, of one metric; the selected layer is marked and its values are named.

    Of sides that differ in depth, what is selected is one of the pairs that are compared.
    """

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
        plot = replace(
            self._sides() if self._shows == "sides" else self._difference(),
            relative=self.comparison.relative,
            markers=self.markers,
            tints=not self.few_colours,
        )
        if not has_values(plot):
            return self.said(self._why_missing(self.comparison), width, height)
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - 1)
        styles = PlotStyles(self)
        here = self.selected if self._pointed is None else self._pointed
        here = min(here, len(self.comparison.layers) - 1)
        head = (f"{self._head(here):<4} ", self.ink("accent"))
        entries, note = self._legend(self.comparison.layers[here][self.figure], here), self._note()
        legend = legend_rows(head, entries, note, width, 1, self.markers, self)
        return [*legend, *(styles.row(row) for row in self._cells)]

    def _head(self, pair: int) -> str:
        """What the legend is of: a layer, or those of both sides."""
        assert self.comparison is not None
        a, b = self.comparison.pairs[pair]
        return f"A L{a} B L{b}" if self.comparison.relative else f"L{a}"

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
                **self.comparison.place(place),
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
        found = self.comparison
        curves, bars = [], []
        # A on top of B.
        for side, colour in ((found.b, B_COLOUR), (found.a, A_COLOUR)):
            values, breaks = tuple(side.curve(self.figure)), width_breaks(side, self.figure)
            curves.append(Curve(values, colour, dashed=colour == B_COLOUR, shape=colour, breaks=breaks))
            bars.append(Bars(*error_bands(side, self.figure), colour))
        return Plot(tuple(curves), bars=tuple(bars), cursor=self._deepest(self.selected))

    def _deepest(self, pair: int) -> int:
        """The layer of a pair on the side that has more of them."""
        assert self.comparison is not None
        return max(self.comparison.pairs[min(pair, len(self.comparison.pairs) - 1)])

    def _difference(self) -> Plot:
        curve = Curve(self._of(lambda of: of.difference), _DIFFERENCE)
        low, high = self._of(lambda of: of.low), self._of(lambda of: of.high)
        bars = Bars(low, high, _DIFFERENCE)
        return Plot((curve,), bars=(bars,), zero=True, cursor=self.selected)

    def _legend(self, here: Difference, pair: int) -> list[LegendEntry]:
        assert self.comparison is not None
        if self._shows == "difference":
            value = numbers.figure(here.difference, signed=True)
            between = numbers.interval(here.low, here.high)
            return [LegendEntry("B − A", value, _DIFFERENCE, interval=between, shape=0)]
        a, b = self.comparison.pairs[pair]
        sides = (self.comparison.a.layers[a], here.a), (self.comparison.b.layers[b], here.b)
        return [
            LegendEntry(
                name,
                numbers.figure(value),
                colour,
                dashed=colour == B_COLOUR,
                interval=numbers.interval(*quantity(self.figure).error_band(layer)),
                shape=colour,
            )
            for name, colour, (layer, value) in zip("AB", (A_COLOUR, B_COLOUR), sides, strict=True)
        ]

    def _note(self) -> str:
        return "│ 95 % CI" if self._shows == "sides" else f"│ 95 % CI, {self._error_words()}"

    def _error_words(self) -> str:
        assert self.comparison is not None
        if all(layer[self.figure].low is None for layer in self.comparison.layers):
            return "none for this metric"
        by = self.comparison.a.settings.errors
        return f"{by}, left out of both" if self.comparison.paired else f"{by}, as of independent sides"

    def place_under(self, offset: Offset | None) -> int | None:
        """The layer at an offset."""
        if offset is None or self.comparison is None:
            return None
        return layer_at(offset.x, self._cells, len(self.comparison.layers))

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        layer = self.place_under(event.get_content_offset(self))
        if layer is not None:
            self.post_message(LayerChosen(layer))
