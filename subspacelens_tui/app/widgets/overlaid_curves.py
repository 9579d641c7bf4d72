"""One metric of several sessions over the layers, a curve for each."""

from collections.abc import Mapping

from subspacelens_tui.analysis.layer_gaps import shared_axis
from subspacelens_tui.analysis.quantities import Values, error_bands, quantity
from subspacelens_tui.analysis.relative_depth import at_same_depth, relative_depth
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.widgets.curve_widget import Curves


class OverlaidCurves(Curves):
    """Curves with their intervals, and their values at the layer under the mouse, else the selected one.

    Where models differ in depth, curves are over relative depth, and the deepest one's layer is selected.
    Where some blocks only of a model were recorded, curves are over the blocks' numbers.
    """

    results: Mapping[str, Result] = {}
    metric = ""
    message = ""

    def update(self, results: Mapping[str, Result], metric: str, selected: int, message: str) -> None:
        """Show this; the message stands where there are no results.

        Args:
            results: by the letter that stands for the session.
            metric: which quantity.
            selected: layer to mark, of the deepest.
            message: why there are none.
        """
        if metric != self.metric:
            self.fit_axis()
        self.results, self.metric, self.selected, self.message = results, metric, selected, message
        self.axis_of = quantity(metric).short
        self.repaint()

    def why_empty(self) -> str:
        """The message, or that there is nothing."""
        return self.message or "no values at these settings"

    def note(self) -> str:
        """What the bars are."""
        return "│ 95 % CI"

    @property
    def places(self) -> int:
        """How many there are on the axis."""
        if self._layer_numbers:
            return len(self._layer_numbers)
        return max((len(of.layers) for of in self.results.values()), default=0)

    @property
    def relative(self) -> bool:
        """Whether curves are over relative depth."""
        return bool(self.results) and not self._layer_numbers

    @property
    def _layer_numbers(self) -> tuple[int, ...]:
        """Of each place the number of its block; none where models differ in depth."""
        return shared_axis([of.numbers for of in self.results.values()])

    def head(self) -> str:
        """The relative depth or the layer that the values of the legend are of."""
        if self.relative:
            return f"depth {relative_depth(self.here, self.places):.2f}"
        return self._layer_name()

    def _layer_name(self) -> str:
        names = self._layer_numbers
        return f"L{names[min(self.here, len(names) - 1)] if names else self.here}"

    def layer_here(self, of: Result) -> LayerResult | None:
        """The layer of a session at the place that is pointed at or selected; None where it has none."""
        if self.relative:
            return of.layers[at_same_depth(self.here, self.places, len(of.layers))]
        return next((layer for layer in of.layers if f"L{layer.number}" == self._layer_name()), None)

    def _placed(self, values: Values, of: Result) -> Values:
        """Values of a session's layers at the places of these on the axis."""
        if self.relative or not values:
            return values
        known = dict(zip(of.numbers, values, strict=True))
        return tuple(known.get(number) for number in self._layer_numbers)

    def plot(self) -> Plot:
        """A curve for each session, the first on top, as in the legend."""
        every = [(_place(letter), of) for letter, of in reversed(list(self.results.items()))]
        return Plot(
            tuple(self._curve(n, of) for n, of in every),
            bars=tuple(self._bars(n, of) for n, of in every),
            relative=self.relative,
            numbers=self._layer_numbers,
            zero=bool(self.results) and quantity(self.metric).has_zero_line,
        )

    def legend(self) -> list[LegendEntry]:
        """An entry for each session, by its letter."""
        return [self._entry(letter, of) for letter, of in self.results.items()]

    def _curve(self, number: int, of: Result) -> Curve:
        breaks = width_breaks(of, self.metric)
        if not self.relative:
            breaks = tuple(self._layer_numbers.index(of.numbers[layer]) for layer in breaks)
        values = self._placed(tuple(of.curve(self.metric)), of)
        return Curve(values, number, dashed=number % 2 > 0, shape=number, breaks=breaks)

    def _bars(self, number: int, of: Result) -> Bars:
        low, high = (self._placed(ends, of) for ends in error_bands(of, self.metric))
        return Bars(low, high, number)

    def _entry(self, letter: str, of: Result) -> LegendEntry:
        asked, colour = quantity(self.metric), _place(letter)
        here = self.layer_here(of)
        if here is None:
            return LegendEntry(letter, numbers.NONE, colour, dashed=colour % 2 > 0, shape=colour)
        value = numbers.number(asked.value(here), signed=asked.has_zero_line)
        between = numbers.interval(*asked.error_band(here))
        name = f"{letter} L{here.number}" if self.relative else letter
        return LegendEntry(name, value, colour, dashed=colour % 2 > 0, interval=between, shape=colour)


def _place(letter: str) -> int:
    return ord(letter) - ord("A")
