"""Two sides of a comparison: their curves over each other, and the difference with its error."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Literal

from subspacelens_tui.analysis.compare import Comparison, Difference, rounding
from subspacelens_tui.analysis.quantities import Values, error_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.widgets.curves import Curves
from subspacelens_tui.sessions.sanitise import plain

A_COLOUR, B_COLOUR = 0, 1
_DIFFERENCE = 2


class ComparisonPlot(Curves):
    """Curves, or the difference, of one metric; the selected layer is marked and its values are named."""

    comparison: Comparison | None = None
    message = ""
    figure = ""

    def __init__(self, shows: Literal["sides", "difference"], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shows = shows

    def update(self, comparison: Comparison | None, figure: str, selected: int, message: str) -> None:
        """Show this; the message stands where there is no comparison."""
        if figure != self.figure:
            self.fit_axis()
        self.comparison, self.figure, self.selected, self.message = comparison, figure, selected, message
        of = "both sides" if self._shows == "sides" else "difference"
        self.axis_of = f"{quantity(figure).short}: {of}"
        self.repaint()

    def why_empty(self) -> str:
        """The message, or why neither side has values."""
        if self.comparison is None:
            return self.message
        reasons = (
            f"{name}: {why}"
            for name, side in (("A", self.comparison.a), ("B", self.comparison.b))
            if (why := side.why_missing(self.figure))
        )
        return plain("; ".join(reasons)) or "no values at these settings"

    def plot(self) -> Plot:
        """The sides over each other, or their difference."""
        if self.comparison is None:
            return Plot(())
        plot = self._sides() if self._shows == "sides" else self._difference()
        return replace(plot, numbers=self.comparison.b.numbers)

    def head(self) -> str:
        """The layer that the values of the legend are of."""
        if self.comparison is None:
            return super().head()
        return f"L{self.comparison.b.numbers[min(self.here, len(self.comparison.layers) - 1)]}"

    def numbers(self) -> Numbers:
        """Each layer with both sides, the difference and its error."""
        if self.comparison is None:
            return []
        rows = []
        for place, layer in enumerate(self.comparison.layers):
            row = {
                "layer": self.comparison.b.numbers[place],
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
        curves = (Curve(b, B_COLOUR, dashed=True, shape=B_COLOUR), Curve(a, A_COLOUR, shape=A_COLOUR))
        bars = (self._bars(self.comparison.b, B_COLOUR), self._bars(self.comparison.a, A_COLOUR))
        return Plot(curves, bars=bars)

    def _bars(self, figures: Result, colour: int) -> Bars:
        return Bars(*error_bands(figures, self.figure), colour)

    def _difference(self) -> Plot:
        curve = Curve(self._of(lambda of: of.difference), _DIFFERENCE)
        low, high = self._of(lambda of: of.low), self._of(lambda of: of.high)
        return Plot((curve,), bars=(Bars(low, high, _DIFFERENCE),), zero=True)

    def legend(self) -> list[LegendEntry]:
        """The values at a layer, with their intervals."""
        if self.comparison is None:
            return []
        layer = min(self.here, len(self.comparison.layers) - 1)
        here = self.comparison.layers[layer][self.figure]
        if self._shows == "difference":
            value = numbers.figure(here.difference, signed=True)
            between = numbers.interval(here.low, here.high)
            return [LegendEntry("B − A", value, _DIFFERENCE, interval=between, shape=0)]
        sides = (self.comparison.a, here.a), (self.comparison.b, here.b)
        return [
            LegendEntry(
                name,
                numbers.figure(value),
                colour,
                dashed=colour == B_COLOUR,
                interval=numbers.interval(*quantity(self.figure).error_band(figures.layers[layer])),
                shape=colour,
            )
            for name, colour, (figures, value) in zip("AB", (A_COLOUR, B_COLOUR), sides, strict=True)
        ]

    def note(self) -> str:
        """What the bars are."""
        return "│ 95 % CI" if self._shows == "sides" else f"│ 95 % CI, {self._error_words()}"

    def _error_words(self) -> str:
        assert self.comparison is not None
        if all(layer[self.figure].low is None for layer in self.comparison.layers):
            return "none for this metric"
        by = self.comparison.a.settings.errors
        return f"{by}, left out of both" if self.comparison.paired else f"{by}, as of independent sides"
