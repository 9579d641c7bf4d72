"""One metric of several sessions over the layers, a curve for each."""

from collections.abc import Mapping

from subspacelens_tui.analysis.quantities import error_bands, quantity
from subspacelens_tui.analysis.relative_depth import at_same_depth, relative_depth
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.widgets.curves import Curves


class OverlaidCurves(Curves):
    """Curves with their intervals, and their values at the layer under the mouse, else the selected one.

    Where models differ in depth, curves are over relative depth, and the deepest one's layer is selected.
    """

    results: Mapping[str, Result] = {}
    figure = ""
    message = ""

    def update(self, results: Mapping[str, Result], figure: str, selected: int, message: str) -> None:
        """Show this; the message stands where there are no results.

        Args:
            results: by the letter that stands for the session.
            figure: which quantity.
            selected: layer to mark, of the deepest.
            message: why there are none.
        """
        if figure != self.figure:
            self.fit_axis()
        self.results, self.figure, self.selected, self.message = results, figure, selected, message
        self.axis_of = quantity(figure).short
        self.repaint()

    def why_empty(self) -> str:
        """The message, or that there is nothing."""
        return self.message or "no values at these settings"

    def note(self) -> str:
        """What the bars are."""
        return "│ 95 % CI"

    @property
    def most_layers(self) -> int:
        """Of the session that has most."""
        return max((len(of.layers) for of in self.results.values()), default=0)

    @property
    def relative(self) -> bool:
        """Whether the models differ in depth."""
        return len({len(of.layers) for of in self.results.values()}) > 1

    @property
    def _layer_numbers(self) -> tuple[int, ...]:
        """Of each layer the number of its block, where all sessions have the same; none where they differ."""
        found = {of.numbers for of in self.results.values()}
        return next(iter(found)) if len(found) == 1 else ()

    def head(self) -> str:
        """The relative depth or the layer that the values of the legend are of."""
        if self.relative:
            return f"depth {relative_depth(self.here, self.most_layers):.2f}"
        names = self._layer_numbers
        return f"L{names[self.here] if self.here < len(names) else self.here}"

    def plot(self) -> Plot:
        """A curve for each session, the first on top, as in the legend."""
        every = [(_place(letter), of) for letter, of in reversed(list(self.results.items()))]
        return Plot(
            tuple(self._curve(n, of) for n, of in every),
            bars=tuple(Bars(*error_bands(of, self.figure), n) for n, of in every),
            relative=self.relative,
            numbers=self._layer_numbers,
            zero=bool(self.results) and quantity(self.figure).has_zero_line,
        )

    def legend(self) -> list[LegendEntry]:
        """An entry for each session, by its letter."""
        return [self._entry(letter, of) for letter, of in self.results.items()]

    def _curve(self, number: int, of: Result) -> Curve:
        breaks = width_breaks(of, self.figure)
        return Curve(tuple(of.curve(self.figure)), number, dashed=number % 2 > 0, shape=number, breaks=breaks)

    def _entry(self, letter: str, of: Result) -> LegendEntry:
        asked, colour = quantity(self.figure), _place(letter)
        here = of.layers[at_same_depth(self.here, self.most_layers, len(of.layers))]
        value = numbers.figure(asked.value(here), signed=asked.has_zero_line)
        between = numbers.interval(*asked.error_band(here))
        name = f"{letter} L{here.layer}" if self.relative else letter
        return LegendEntry(name, value, colour, dashed=colour % 2 > 0, interval=between, shape=colour)


def _place(letter: str) -> int:
    return ord(letter) - ord("A")
