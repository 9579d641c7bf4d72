"""Two sides of a comparison: their curves over each other, and the difference with its error."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Literal

from subspacelens_tui.analysis.compare import Comparison, Difference, rounding
from subspacelens_tui.analysis.quantities import Values, error_bands, quantity
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.widgets.curve_widget import Curves
from subspacelens_tui.sessions.sanitise import plain

A_COLOUR, B_COLOUR = 0, 1
_DIFFERENCE = 2


class ComparisonPlot(Curves):
    """Curves, or the difference, of one metric; the selected layer is marked and its values are named.

    Of sides that differ in depth, what is selected is one of the pairs that are compared.
    """

    comparison: Comparison | None = None
    message = ""
    metric = ""

    def __init__(self, shows: Literal["sides", "difference"], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shows = shows

    def update(self, comparison: Comparison | None, metric: str, selected: int, message: str) -> None:
        """Show this; the message stands where there is no comparison."""
        if metric != self.metric:
            self.fit_axis()
        self.comparison, self.metric, self.selected, self.message = comparison, metric, selected, message
        of = "both sides" if self._shows == "sides" else "difference"
        self.axis_of = f"{quantity(metric).short}: {of}"
        self.repaint()

    def why_empty(self) -> str:
        """The message, or why neither side has values."""
        if self.comparison is None:
            return self.message
        reasons = (
            f"{name}: {why}"
            for name, side in (("A", self.comparison.a), ("B", self.comparison.b))
            if (why := side.why_missing(self.metric))
        )
        return plain("; ".join(reasons)) or "no values at these settings"

    def plot(self) -> Plot:
        """The sides over each other, or their difference."""
        if self.comparison is None:
            return Plot(())
        plot = self._sides() if self._shows == "sides" else self._difference()
        numbers = () if self.comparison.relative else self.comparison.b.numbers
        return replace(plot, relative=self.comparison.relative, numbers=numbers)

    def head(self) -> str:
        """The layer that the values of the legend are of, or those of both sides."""
        if self.comparison is None:
            return super().head()
        a, b = self.comparison.pairs[min(self.here, len(self.comparison.pairs) - 1)]
        return f"A L{a} B L{b}" if self.comparison.relative else f"L{self.comparison.b.numbers[b]}"

    def numbers(self) -> Numbers:
        """Each layer with both sides, the difference and its error."""
        if self.comparison is None:
            return []
        rows = []
        for place, layer in enumerate(self.comparison.layers):
            row = {
                "layer": self.comparison.b.numbers[self.comparison.pairs[place][1]],
                **self.comparison.place(place),
                "figure": self.metric,
                **asdict(layer[self.metric]),
                "images_a": self.comparison.a.images,
                "images_b": self.comparison.b.images,
            }
            moved = rounding(self.comparison, place, self.metric)
            rows.append(row if moved is None else {**row, "rounding": moved})
        return rows

    def _of(self, value: Callable[[Difference], float | None]) -> Values:
        assert self.comparison is not None
        return tuple(value(layer[self.metric]) for layer in self.comparison.layers)

    def _sides(self) -> Plot:
        assert self.comparison is not None
        found = self.comparison
        curves, bars = [], []
        # A on top of B.
        for side, colour in ((found.b, B_COLOUR), (found.a, A_COLOUR)):
            values, breaks = tuple(side.curve(self.metric)), width_breaks(side, self.metric)
            curves.append(Curve(values, colour, dashed=colour == B_COLOUR, shape=colour, breaks=breaks))
            bars.append(Bars(*error_bands(side, self.metric), colour))
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

    def legend(self) -> list[LegendEntry]:
        """The values at a layer, with their intervals."""
        if self.comparison is None:
            return []
        pair = min(self.here, len(self.comparison.layers) - 1)
        here = self.comparison.layers[pair][self.metric]
        if self._shows == "difference":
            value = numbers.number(here.difference, signed=True)
            between = numbers.interval(here.low, here.high)
            return [LegendEntry("B − A", value, _DIFFERENCE, interval=between, shape=0)]
        a, b = self.comparison.pairs[pair]
        sides = (self.comparison.a.layers[a], here.a), (self.comparison.b.layers[b], here.b)
        return [
            LegendEntry(
                name,
                numbers.number(value, signed=quantity(self.metric).has_zero_line),
                colour,
                dashed=colour == B_COLOUR,
                interval=numbers.interval(*quantity(self.metric).error_band(layer)),
                shape=colour,
            )
            for name, colour, (layer, value) in zip("AB", (A_COLOUR, B_COLOUR), sides, strict=True)
        ]

    def note(self) -> str:
        """What the bars are."""
        return "│ 95 % CI" if self._shows == "sides" else f"│ 95 % CI, {self._error_words()}"

    def _error_words(self) -> str:
        assert self.comparison is not None
        if all(layer[self.metric].low is None for layer in self.comparison.layers):
            return "none for this metric"
        by = self.comparison.a.settings.errors
        return f"{by}, paired" if self.comparison.paired else f"{by}, sides independent"
