"""One metric of several sessions over the layers, a curve for each."""

from collections.abc import Mapping

from subspacelens_tui.analysis.quantities import error_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.widgets.curves import Curves


class OverlaidCurves(Curves):
    """Curves with their intervals, and their values at the layer under the mouse, else the selected one."""

    results: Mapping[str, Result] = {}
    figure = ""
    message = ""

    def update(self, results: Mapping[str, Result], figure: str, selected: int, message: str) -> None:
        """Show this; the message stands where there are no results.

        Args:
            results: by the letter that stands for the session.
            figure: which quantity.
            selected: layer to mark.
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

    def plot(self) -> Plot:
        """A curve for each session, the first on top, as in the legend."""
        every = [(_place(letter), of) for letter, of in reversed(list(self.results.items()))]
        return Plot(
            tuple(Curve(tuple(of.curve(self.figure)), n, dashed=n % 2 > 0, shape=n) for n, of in every),
            bars=tuple(Bars(*error_bands(of, self.figure), n) for n, of in every),
            zero=bool(self.results) and quantity(self.figure).has_zero_line,
        )

    def legend(self) -> list[LegendEntry]:
        """An entry for each session, by its letter."""
        return [self._entry(letter, of) for letter, of in self.results.items()]

    def _entry(self, letter: str, of: Result) -> LegendEntry:
        asked, colour = quantity(self.figure), _place(letter)
        here = of.layers[self.here] if self.here < len(of.layers) else None
        value = numbers.figure(asked.value(here), signed=asked.has_zero_line) if here else numbers.NONE
        between = numbers.interval(*asked.error_band(here)) if here else ""
        return LegendEntry(letter, value, colour, dashed=colour % 2 > 0, interval=between, shape=colour)


def _place(letter: str) -> int:
    return ord(letter) - ord("A")
