"""What came of a steering run over its strengths or over the layers, with its controls beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from subspacelens_tui.analysis.steered_images import OFF_MANIFOLD, TARGET, SteeredImages, percent
from subspacelens_tui.analysis.steering_results import SteeringResult
from subspacelens_tui.app.drawing.painted_widget import Painted
from subspacelens_tui.app.drawing.plot_parts import LAYERS, Bars, Curve, Plot, Values
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.plot_with_legend import Plotted
from subspacelens_tui.sessions.sanitise import plain

_METHOD, _CONTROLS, _LIMIT = 0, 1, 3
# As the rows of the images: a control is told from the method by the shape of its points, too.
_SHAPES = {_METHOD: 0, _CONTROLS: 1}


@dataclass(frozen=True)
class _Place:
    """A strength, a control or a layer: its name on the axis, and what came of it.

    Attributes:
        name: on the axis.
        own, control: images of the method and of a control; None where there are none.
    """

    name: str
    own: SteeredImages | None
    control: SteeredImages | None

    @property
    def rows(self) -> list[tuple[int, SteeredImages]]:
        """What is there, each with its colour."""
        both = ((_METHOD, self.own), (_CONTROLS, self.control))
        return [(colour, row) for colour, row in both if row is not None]


def _places(result: SteeringResult, rows: Sequence[SteeredImages]) -> list[_Place]:
    if (over := result.layers) is not None:
        pairs = zip(over.method, over.control, strict=True)
        return [_Place(str(layer), *pair) for layer, pair in enumerate(pairs)]
    return [
        _Place(f"{row.strength:g}", row, None) if of_strength(row) else _Place(plain(row.key), None, row)
        for row in rows
    ]


class _OfRun(Plotted, Painted):
    """Curves over strengths, then a point for each control; or over layers. The chosen row is marked."""

    result: SteeringResult | None = None
    message = ""
    _places: Sequence[_Place] = ()
    _at: int | None = None

    def update(
        self, result: SteeringResult | None, rows: Sequence[SteeredImages], chosen: str | None, message: str
    ) -> None:
        """Show rows of a result, that with the chosen key marked; the message stands where there is none."""
        self.result, self.message = result, message
        self._places = [] if result is None else _places(result, rows)
        keys = [{row.key for _, row in place.rows} for place in self._places]
        self._at = next((place for place, of in enumerate(keys) if chosen in of), None)
        self.selected = self._at or 0
        self.repaint()

    def cursor(self) -> int | None:
        """The place of the chosen image."""
        return self._at

    @property
    def here(self) -> int:
        """The place whose values the legend says."""
        return min(super().here, max(0, len(self._places) - 1))

    def head(self) -> str:
        """Its name."""
        if not self._places or self.result is None:
            return ""
        if self.result.layers is not None:
            return f"L{self.here}"
        return next((plain(row.key) for _, row in self._places[self.here].rows), "")

    def why_empty(self) -> str:
        """The message, or that there are no distances."""
        return self.message if self.result is None else "no values: the session fitted to has no latents"

    def _curves(self, value: Callable[[SteeredImages], float | None]) -> tuple[Curve, ...]:
        own, other = self._values(value)
        breaks = () if self._over_layers else tuple(range(len(self._places)))
        return Curve(own, _METHOD), Curve(other, _CONTROLS, shape=_SHAPES[_CONTROLS], breaks=breaks)

    def _values(self, value: Callable[[SteeredImages], float | None]) -> tuple[Values, Values]:
        """Of the method and of the controls, place by place."""
        return (
            tuple(None if place.own is None else value(place.own) for place in self._places),
            tuple(None if place.control is None else value(place.control) for place in self._places),
        )

    @property
    def _over_layers(self) -> bool:
        return self.result is not None and self.result.layers is not None

    def _axis(self) -> tuple[tuple[str, ...], str]:
        """Names of the places, and what these are."""
        names = tuple(place.name for place in self._places)
        return names, LAYERS if self._over_layers else "strength"


class TargetShare(_OfRun):
    """The share of images that the judge takes for the target class, with its interval."""

    axis_of = "target share"

    def plot(self) -> Plot:
        """Shares with their intervals, in percent."""
        own_low, other_low = self._values(lambda row: 100 * row.target.low)
        own_high, other_high = self._values(lambda row: 100 * row.target.high)
        names, across = self._axis()
        return Plot(
            self._curves(lambda row: 100 * row.target.value),
            bars=(Bars(own_low, own_high, _METHOD), Bars(other_low, other_high, _CONTROLS)),
            limits=(0, 100),
            names=names,
            across=across,
        )

    def legend(self) -> list[LegendEntry]:
        """The share and its interval; of a layer also that of the control."""
        if self.result is None or not self._places:
            return []
        found = []
        for colour, row in self._places[self.here].rows:
            share, control = row.target, self._over_layers and row.control is not None
            name = plain(row.control or "") if control else f"% {plain(self.result.steering.target)}"
            interval = f"[{percent(share.low)}, {percent(share.high)}]"
            found.append(
                LegendEntry(name, percent(share.value), colour, interval=interval, shape=_SHAPES[colour])
            )
        return found


class OffManifold(_OfRun):
    """How far the latents are from natural ones, and from where on a row counts as off the manifold."""

    axis_of = "latent NN"
    rows_a_legend_row = 4

    def plot(self) -> Plot:
        """Ratios of distances, and the limit."""
        curves = self._curves(lambda row: row.latent_ratio)
        if all(value is None for curve in curves for value in curve.values):
            return Plot(())
        limit = Curve((OFF_MANIFOLD,) * len(self._places), _LIMIT, dashed=True, points=False)
        names, across = self._axis()
        return Plot((limit, *curves), names=names, across=across)

    def legend(self) -> list[LegendEntry]:
        """The ratio, and the limit; of a layer also that of the control."""
        if self.result is None or not self._places:
            return []
        found = []
        for colour, row in self._places[self.here].rows:
            words = "–" if row.latent_ratio is None else f"{row.latent_ratio:.2f}"
            # Of a layer there are two, and numbers are dropped where a legend has no room for them.
            name = "latent NN" if not self._over_layers else plain(row.control or "NN")
            found.append(LegendEntry(name, words, colour, shape=_SHAPES[colour]))
        return [*found, LegendEntry("off above", f"{OFF_MANIFOLD:g}", _LIMIT, dashed=True)]


class Geometry(_OfRun):
    """Excess, shift and overlap of both classes over the layers, and whether steering goes with them."""

    axis_of = "geometry"
    rows_a_legend_row = 4

    def plot(self) -> Plot:
        """Each from its least to its most: their units have nothing in common."""
        if self.result is None or self.result.layers is None:
            return Plot(())
        curves = tuple(
            Curve(_scaled(predictor.values), colour, shape=colour)
            for colour, predictor in enumerate(self.result.layers.predictors)
        )
        return Plot(curves, limits=(0, 1), names=self._axis()[0], across=LAYERS)

    def legend(self) -> list[LegendEntry]:
        """The value at the layer, the correlation with the steering over all layers, and its p."""
        if self.result is None or self.result.layers is None:
            return []
        found = []
        for colour, one in enumerate(self.result.layers.predictors):
            value = one.values[self.here]
            correlation = "" if one.correlation is None else f"ρ {one.correlation:+.2f}"
            words = "–" if value is None else f"{value:.3g}"
            p = "" if one.p is None else f"p {one.p:.3f}"
            found.append(LegendEntry(one.key, words, colour, interval=correlation, p=p, shape=colour))
        return found

    def why_empty(self) -> str:
        """The message."""
        return self.message


def _scaled(values: Values) -> Values:
    there = [value for value in values if value is not None]
    if not there or max(there) == min(there):
        return (None,) * len(values)
    low, high = min(there), max(there)
    return tuple(None if value is None else (value - low) / (high - low) for value in values)


def of_strength(row: SteeredImages) -> bool:
    """Whether it is the method at a strength, 0 among them."""
    return row.control is None and row.key != TARGET
