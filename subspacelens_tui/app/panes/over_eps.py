"""The excess and z of the selected layer over ε."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events

from subspacelens_tui.analysis.over_eps import OverEps
from subspacelens_tui.analysis.quantities import HEADLINE, quantity
from subspacelens_tui.analysis.quantities import Band as Ends
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted_widget import Row
from subspacelens_tui.app.drawing.plot import draw, least_size
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.panes.pane import Deferred, Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, interval, outside
from subspacelens_tui.app.selection import Measure
from subspacelens_tui.sessions.sanitise import plain

_EXCESS, _Z = 0, 2
# Rows of the pane from which on z has a plot of its own, and its share of them.
_ROWS_WITH_Z, _Z_SHARE = 18, 0.4


class OverEpsPane(PlotPane):
    """The excess with its null and error at ε from an eighth to eight times the selected one; below it z."""

    metrics = ("excess",)
    pane_name = "over-eps"
    heading = "Excess over ε"
    tab = "Over ε"
    jump = "2"
    place = "excess"
    in_column = "middle"
    measure: ClassVar[Measure | None] = "excess"
    of_a_layer = True
    needs = frozenset({Deferred.OVER_EPS})
    _z_apart = False

    @property
    def _found(self) -> OverEps | None:
        found = self.analysis.over_eps if self.analysis else None
        if found is None or found[0] != self.selected or isinstance(found[1], str):
            return None
        return found[1]

    @property
    def _layers(self) -> Sequence[LayerResult]:
        """The selected layer at each ε."""
        return self._found.layers if self._found is not None else ()

    def title_detail(self) -> str:
        """The unit, labels and branch."""
        return " · ".join(("nats", *self.analysis.selection.main)) if self.analysis else ""

    def sample(self) -> str:
        """How many images the curve is of."""
        return f"N {self._found.of.images}" if self._found is not None else ""

    def absence(self) -> str:
        """Why there is no curve; empty if there is one."""
        if words := super().absence():
            return words
        assert self.analysis is not None
        if self.analysis.is_difference:
            return "no curve over ε for a difference: select one branch"
        if self.analysis.selection.settings.iso_rate is not None:
            return "no curve over ε where each layer has its own: select one ε for all layers"
        found = self.analysis.over_eps
        if found is None or found[0] != self.selected or self._has_none_yet:
            return "computing the excess at other ε …"
        return plain(found[1]) if isinstance(found[1], str) else ""

    @property
    def _has_none_yet(self) -> bool:
        """Whether these have no value, being of other images than the metrics that are shown."""
        main, found = self.analysis.main if self.analysis else None, self._found
        if main is None or found is None or found.of.images == main.images:
            return False
        return all(quantity("excess").value(layer) is None for layer in found.layers)

    def cursor(self) -> int | None:
        """The selected ε, in the middle."""
        return len(self._layers) // 2 if self._layers else None

    @property
    def here(self) -> int:
        """The place of the ε whose values the legend says."""
        place = self.cursor() if self._pointed is None else self._pointed
        return place or 0

    def head(self) -> str:
        """Layer and ε of these values."""
        return f"{self.name_of(self.selected)} ε {self._layers[self.here].eps:.3g}"

    def plot(self) -> Plot:
        """The excess with its intervals as bars over its null."""
        return self._of("excess", _EXCESS, [quantity("excess").null_band(layer) for layer in self._layers])

    def _z_plot(self) -> Plot:
        return self._of("z", _Z, [_null_of_z(layer) for layer in self._layers])

    def _of(self, name: str, colour: int, null: Sequence[Ends]) -> Plot:
        asked = quantity(name)
        values = tuple(asked.value(layer) for layer in self._layers)
        low, high = tuple(end for end, _ in null), tuple(end for _, end in null)
        bars = [asked.error_band(layer) for layer in self._layers]
        return Plot(
            (Curve(values, colour, beyond=outside(values, low, high)),),
            (Band(low, high, colour),),
            (Bars(tuple(of for of, _ in bars), tuple(of for _, of in bars), colour),),
            zero=True,
            names=tuple(f"{layer.eps:.3g}" for layer in self._layers),
            across="ε",
        )

    def legend(self) -> list[LegendEntry]:
        """Excess, interval and p, then z unless it has a plot of its own."""
        layer, excess = self._layers[self.here], quantity("excess")
        null = layer.nulls.get(HEADLINE)
        p = f"p {numbers.probability(null.p, null.permutations)}" if null is not None else ""
        value = numbers.number(excess.value(layer), signed=True)
        low, high = ((end,) for end in excess.error_band(layer))
        filled = self._filled(self.plot())
        entry = LegendEntry("excess", value, _EXCESS, False, interval(low, high, 0), p, 0, filled)
        return [entry] if self._z_apart else [entry, self._z_entry()]

    def _z_entry(self) -> LegendEntry:
        z = quantity("z").value(self._layers[self.here])
        if not self._z_apart:
            return LegendEntry("z", numbers.score(z), _Z, drawn=False)
        return LegendEntry("z", numbers.score(z), _Z, shape=0, filled=self._filled(self._z_plot()))

    def _filled(self, plot: Plot) -> bool:
        beyond = plot.curves[0].beyond
        return not beyond or beyond[self.here]

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The excess; below it z, where there is room for both."""
        below = round(_Z_SHARE * height) if height >= _ROWS_WITH_Z else 0
        self._z_apart = below > 0
        rows = [*super().paint(width, height - below)]
        plot = replace(self._z_plot(), cursor=self.cursor(), markers=self.markers, tints=not self.few_colours)
        if not below or not self._cells or least_size(plot, below - 1)[0] > width:
            return [*rows, *([()] * below)]
        head = (" " * (len(self.head()) + 1), self.ink("accent"))
        legend = legend_rows(head, [self._z_entry()], "", width, 1, self.markers, self)
        styles = PlotStyles(self)
        return [*rows, *legend, *(styles.row(row) for row in draw(plot, width, below - 1))]

    def numbers(self) -> Numbers:
        """Each ε with the rates of the layer, the null, the interval and z."""
        found = self._found
        if found is None:
            return []
        names = ("R", "delta_R", "ratio", "null_mean", "null_low", "null_high", "excess", "z", "p")
        survive = found.tests().survive
        rows = []
        for at, layer in enumerate(found.layers):
            low, high = quantity("excess").error_band(layer)
            values = {name: quantity(name).value(layer) for name in names}
            ends = {"excess_ci_low": low, "excess_ci_high": high}
            rows.append({"layer": layer.layer, "eps": layer.eps, **values, **ends, "passes": survive[at]})
        return rows

    def subtitles(self) -> Sequence[str]:
        """What the shading and the bars are, how many tests, and what else the pane shows."""
        found = self._found
        if found is None:
            return [self.others]
        settings, tests = found.of.settings, found.tests().short("ε")
        errors = any("excess" in layer.errors for layer in found.layers)
        bars = f" · │ 95 % CI, {settings.errors}" if errors else ""
        null = f"░ null 95 %: {settings.permutations} permutations, {settings.design}"
        few = f"░ null, n = {settings.permutations}"
        return [
            f"{null}{bars} · {tests} · {self.others}",
            f"{null}{bars} · {tests}",
            f"{few}{bars} · {tests}",
            f"{few}{bars}",
            few,
        ]

    def on_click(self, event: events.Click) -> None:
        """No layer is chosen here."""
        event.prevent_default()


def _null_of_z(layer: LayerResult) -> Ends:
    """The central 95 % of the null in its standard deviations."""
    null = layer.nulls.get(HEADLINE)
    if null is None or not null.std:
        return None, None
    return (null.low - null.mean) / null.std, (null.high - null.mean) / null.std
