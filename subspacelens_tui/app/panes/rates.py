"""ΔR over the layers with its null."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from subspacelens_tui.analysis.compare import Comparison
from subspacelens_tui.analysis.layer_gaps import layer_gaps
from subspacelens_tui.analysis.quantities import HEADLINE, Values, error_bands, null_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.widths import width_breaks
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, at, interval, outside
from subspacelens_tui.app.refinement_stages import FEW
from subspacelens_tui.app.selection import Measure
from subspacelens_tui.app.snapshots import Analysis
from subspacelens_tui.sessions import Branch
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

_NAME = 14
_UNITS = {"difference": "nats · cond − uncond", "both": "nats · cond ━ uncond ╍"}


def shown_sets(analysis: Analysis) -> list[tuple[str, str, Branch, Result]]:
    """Name, scheme, branch and metrics of each set the curves show, the main scheme first.

    The uncond branch of a scheme follows its cond branch and has no name: its dashes say it.
    """
    schemes = list(dict.fromkeys(scheme for scheme, _ in analysis.results))
    sets = []
    for scheme in schemes:
        for branch in analysis.selection.branches:
            result = analysis.of(scheme, branch)
            if result is not None:
                second = branch != analysis.selection.branches[0]
                sets.append(("" if second else cut(plain(scheme), _NAME), scheme, branch, result))
    return sets


def scheme_colour(analysis: Analysis, scheme: str, schemes: Sequence[str]) -> int:
    """The colour of a label scheme: the same wherever it is shown."""
    return list(schemes).index(scheme) if scheme in schemes else 0


@dataclass(frozen=True)
class _Curve:
    """A curve and what is said of it; intervals, null and p have no layers where there are none."""

    name: str
    values: Values
    colour: int
    dashed: bool
    low: Values
    high: Values
    beyond: tuple[bool, ...] = ()
    p: Values = ()
    breaks: tuple[int, ...] = ()


class RatesPane(PlotPane):
    """ΔR in nats with its error, the mean and the central 95 % of permuted labels."""

    _metric = "delta_R"
    metrics = ("delta_R",)
    pane_name = "rates"
    heading = "ΔR"
    tab = "ΔR"
    jump = "3"
    place = "rates"
    in_column = "middle"
    says = "ΔR curves"
    measure: ClassVar[Measure | None] = "delta_R"

    def title_detail(self) -> str:
        """The unit."""
        if self.analysis is None:
            return ""
        iso, branch = self.analysis.selection.settings.iso_rate, self.analysis.selection.branch
        at_rate = "" if iso is None else f" · R = {iso:g}"
        mixed = " · gaps: the width changes" if any(of.breaks for of in self._curves()) else ""
        missing = " · gaps: layers not recorded" if layer_gaps(self.layer_numbers) else ""
        return _UNITS.get(branch, f"nats · {branch}") + at_rate + mixed + missing

    @property
    def _difference(self) -> bool:
        return self.analysis is not None and self.analysis.selection.branch == "difference"

    def _schemes(self) -> Sequence[str]:
        return self.recording.manifest.label_schemes if self.recording else ()

    def _colour(self, scheme: str) -> int:
        assert self.analysis is not None
        return scheme_colour(self.analysis, scheme, self._schemes())

    def _curves(self) -> list[_Curve]:
        """The curves, the main one first, each with its interval and the null it is held against."""
        if self.analysis is None:
            return []
        if self._difference:
            return [self._of_difference(*of) for of in self.analysis.differences.items()]
        return [self._of_set(*of) for of in shown_sets(self.analysis)]

    def _of_set(self, name: str, scheme: str, branch: Branch, result: Result) -> _Curve:
        assert self.analysis is not None
        values = tuple(result.curve(self._metric))
        of_main_branch = branch == self.analysis.selection.settings.branch
        has_null = of_main_branch and self.analysis.permutations >= FEW
        p = [quantity(f"{HEADLINE}.p").value(layer) for layer in result.layers]
        return _Curve(
            name,
            values,
            self._colour(scheme),
            self._dashed(scheme, branch),
            *(error_bands(result, self._metric) if of_main_branch else ((), ())),
            beyond=outside(values, *null_bands(result, self._metric)) if has_null else (),
            p=tuple(p) if has_null else (),
            breaks=width_breaks(result, self._metric),
        )

    def _of_difference(self, scheme: str, comparison: Comparison) -> _Curve:
        found = [layer[self._metric] for layer in comparison.layers]
        low, high = tuple(of.low for of in found), tuple(of.high for of in found)
        values = tuple(of.difference for of in found)
        breaks = width_breaks(comparison.a, self._metric)
        return _Curve(
            cut(plain(scheme), _NAME), values, self._colour(scheme), False, low, high, breaks=breaks
        )

    def _dashed(self, scheme: str, branch: Branch) -> bool:
        assert self.analysis is not None
        second_branch = branch != self.analysis.selection.branches[0]
        # Without colours, dashes tell the schemes apart.
        return second_branch or (self.app.no_color and scheme != self.analysis.selection.main[0])

    def _with_null(self) -> list[Result]:
        """The metrics whose null and errors are drawn: those of one branch, and none in a difference."""
        if self.analysis is None or self._difference:
            return []
        return [
            f
            for f in self.analysis.results.values()
            if f.settings.branch == self.analysis.selection.settings.branch
        ]

    def plot(self) -> Plot:
        """The curves with their intervals as bars, and the null behind: its mean dashed, its 95 % shaded."""
        if self.analysis is None:
            return Plot(())
        shown = self._curves()
        curves = [
            Curve(of.values, of.colour, of.dashed, beyond=of.beyond, shape=self._shape(of), breaks=of.breaks)
            for of in shown
        ]
        bars = [Bars(of.low, of.high, of.colour) for of in shown]
        bands = []
        for result in self._with_null():
            colour = self._colour(result.settings.labels or "")
            if self.analysis.permutations >= FEW:
                breaks = width_breaks(result, self._metric)
                bands.append(Band(*null_bands(result, self._metric), colour, breaks))
            # Where dashes stand for something else, the band alone stands for the null.
            if len(self.analysis.selection.branches) == 1 and not self.app.no_color:
                curves += self._null_mean(result, colour)
        # What is selected is drawn last, over the rest.
        return Plot(tuple(curves[::-1]), tuple(bands[::-1]), tuple(bars[::-1]), zero=self._zero())

    def _shape(self, of: _Curve) -> int:
        """The shape of the points: of the scheme, as the colour."""
        return of.colour

    def _null_mean(self, result: Result, colour: int) -> list[Curve]:
        mean, breaks = tuple(result.curve("null_mean")), width_breaks(result, self._metric)
        return [Curve(mean, colour, dashed=True, points=False, breaks=breaks)]

    def _zero(self) -> bool:
        return self._difference

    def legend(self) -> list[LegendEntry]:
        """Each curve with its value at the layer, the interval of it, and its p."""
        return [
            LegendEntry(
                of.name,
                self._written(at(of.values, self.here)),
                of.colour,
                of.dashed,
                interval(of.low, of.high, self.here),
                self._p(at(of.p, self.here)),
                self._shape(of),
                at(of.beyond, self.here) is not False,
            )
            for of in self._curves()
        ]

    def _p(self, p: float | None) -> str:
        assert self.analysis is not None
        return "" if p is None else f"p {numbers.probability(p, self.analysis.permutations)}"

    def _written(self, value: float | None) -> str:
        return numbers.number(value, signed=self._difference)

    def numbers(self) -> Numbers:
        """Each curve with its null band and its error band, or the difference of the branches."""
        from subspacelens_tui.analysis.output.rows import comparison_rows, curve_rows

        if self.analysis is None:
            return []
        if self._difference:
            compared = self.analysis.differences.values()
            return [row for comparison in compared for row in comparison_rows(comparison, self._metric)]
        shown = shown_sets(self.analysis)
        return [row for _, _, _, result in shown for row in curve_rows(result, self._metric)]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The curves; a difference has no plot of its own."""
        from subspacelens_tui.analysis.output import curve_plot

        if self.analysis is None or not self.analysis.results or self._difference:
            return None
        return curve_plot(name, [result for _, _, _, result in shown_sets(self.analysis)], self._metric)

    def subtitles(self) -> Sequence[str]:
        """What the shading and the bars are, and how good the null is by now."""
        if self.analysis is None or self.analysis.main is None or not self.analysis.main.layers:
            return ()
        error = self._error_words()
        if self._difference:
            return [f"│ 95 % CI, {error}"] if error else ()
        if reason := self.analysis.main.layers[0].missing.get("nulls"):
            return [plain(reason)]
        n = self.analysis.permutations
        if not n:
            return ["null: permuting labels …"]
        designs = ", ".join(dict.fromkeys(str(f.settings.design) for f in self._with_null()))
        if n < FEW:
            null = f"╍ null: first estimate, {n} permutations"
            return [f"{null}, {designs}", null]
        refining = ", refining" if self.analysis.refining else ""
        bars = f" · │ 95 % CI, {error}" if error else ""
        tests = f" · {self.analysis.main.tests(HEADLINE).short('layers')}"
        return [
            f"░ null 95 %: {n} permutations{refining}, {designs}{bars}{tests}",
            f"░ null 95 %: {n} permutations{refining}, {designs}{bars}",
            f"░ null 95 %: {n} permutations{refining}{bars}",
            f"░ null, n = {n}{bars}",
            f"░ null 95 %{bars}",
            f"░ null 95 %: {n} permutations{refining}",
            f"░ null, n = {n}",
        ]

    def _error_words(self) -> str:
        """What the intervals leave out, or that they are on their way."""
        assert self.analysis is not None
        wanted, main = self.analysis.selection.settings.errors, self.analysis.main
        if wanted is None or main is None:
            return ""
        if reason := main.layers[0].missing.get("errors"):
            return f"none, {plain(reason)}"
        return main.settings.errors or "…"
