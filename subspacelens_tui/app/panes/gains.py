"""The gains of the selected block along the eigenvectors of its input, with the curve fitted to them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from textual import events

from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.analysis.sentences import of_gains
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.block import SentencePane
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.geometry.contraction import fitted_gains

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

_GAIN, _FIT = 3, 1
# Intervals of log λ, each with the mean of its gains: as many as can be told apart.
_INTERVALS = 24


class GainsPane(SentencePane):
    """Means of the gains over equal intervals of log λ, with their 95 % intervals, and the fitted curve."""

    metrics = ("contraction",)
    pane_name = "gains"
    heading = "Gains of the block"
    tab = "Gains"
    jump = "4"
    place = "rank"
    in_column = "middle"
    of_a_layer = True

    def _layer(self) -> LayerResult | None:
        main = self.analysis.main if self.analysis else None
        return main.layers[self.selected] if main and self.selected < len(main.layers) else None

    def title_detail(self) -> str:
        """What stands on the axes."""
        return "over log λ, ascending"

    def subtitles(self) -> Sequence[str]:
        """What is drawn, and what else the pane shows."""
        return [f"│ 95 % of random directions around each · {self.others}", self.others]

    def _binned(self) -> tuple[Float64Array, Float64Array, Float64Array] | None:
        """λ, gain and error in each interval, NaN in empty ones."""
        layer = self._layer()
        gains = layer.arrays.get("gains") if layer else None
        if gains is None or not len(gains):
            return None
        values, gain, error = gains.T
        edges = np.linspace(np.log(values[0]), np.log(values[-1]), _INTERVALS + 1)
        place = np.clip(np.digitize(np.log(values), edges) - 1, 0, _INTERVALS - 1)
        weights = 1 / np.maximum(error, 1e-300) ** 2
        total = np.bincount(place, weights, _INTERVALS)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.bincount(place, weights * gain, _INTERVALS) / total
            errors = 1 / np.sqrt(np.where(total > 0, total, np.nan))
        return np.exp((edges[1:] + edges[:-1]) / 2), means, errors

    def _fitted(self, values: Float64Array) -> tuple[float | None, ...]:
        layer = self._layer()
        fit, b = (layer.contraction_fit, layer.contraction) if layer else (None, None)
        if fit is None or b is None:
            return (None,) * len(values)
        return tuple(fitted_gains(values, fit.offset, b, fit.noise).tolist())

    def plot(self) -> Plot:
        """The means with their errors, the fit dashed, and 1, which changes nothing."""
        found = self._binned()
        if found is None:
            return Plot(())
        values, means, errors = found
        low, high = (_known(means + sign * 1.96 * errors) for sign in (-1, 1))
        fit = Curve(self._fitted(values), _FIT, dashed=True, points=False)
        curves, bars = (fit, Curve(_known(means), _GAIN)), (Bars(low, high, _GAIN),)
        names = tuple(f"{value:.2g}" for value in values)
        return Plot(curves, bars=bars, names=names, across="λ/N")

    def cursor(self) -> int | None:
        """None: the places are those of eigenvalues."""
        return None

    def legend(self) -> list[LegendEntry]:
        """The gains at both ends of the spectrum, b and R²."""
        layer, found = self._layer(), self._binned()
        if layer is None or found is None:
            return []
        known = [value for value in _known(found[1]) if value is not None]
        spread = f"{numbers.number(known[0])} → {numbers.number(known[-1])}"
        return [
            LegendEntry("gain", spread, _GAIN, shape=0),
            LegendEntry("fit, b", numbers.number(layer.contraction, signed=True), _FIT, True),
            LegendEntry("R²", numbers.fraction(layer.contraction_r2), _FIT, drawn=False),
        ]

    def note(self) -> str:
        """From where to where λ goes."""
        layer = self._layer()
        gains = layer.arrays.get("gains") if layer else None
        if gains is None or not len(gains):
            return ""
        return f"λ/N {numbers.number(float(gains[0, 0]))} to {numbers.number(float(gains[-1, 0]))}"

    def sentence(self) -> str:
        """Whether the block denoises; why there are no gains is said in place of the plot."""
        layer = self._layer()
        return of_gains(layer) if layer is not None and self._binned() is not None else ""

    def numbers(self) -> Numbers:
        """Every gain with its eigenvalue and error."""
        from subspacelens_tui.analysis.output.rows import curve_point_rows

        main = self.analysis.main if self.analysis else None
        if main is None or self._layer() is None:
            return []
        return list(curve_point_rows(main, "gains", self.selected))

    def publication(self, name: str) -> "PublicationPlot | None":
        """The gains with the fitted curve."""
        from subspacelens_tui.analysis.output import gains_plot

        main = self.analysis.main if self.analysis else None
        return gains_plot(name, main, self.selected) if main is not None and self._layer() else None

    def on_click(self, event: events.Click) -> None:
        """No layer is chosen here."""
        event.prevent_default()


def _known(values: Float64Array) -> tuple[float | None, ...]:
    """None for NaN."""
    return tuple(None if np.isnan(value) else float(value) for value in values)
