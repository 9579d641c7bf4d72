"""ΔR over the layers with its null."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from subspacelens_tui.analysis.quantities import HEADLINE, Values, error_bands, null_bands, quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.drawing.plot_parts import Band, Curve, Plot
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.panes.plot_pane import LegendEntry, PlotPane, at
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
    schemes = list(dict.fromkeys(scheme for scheme, _ in analysis.figures))
    sets = []
    for scheme in schemes:
        for branch in analysis.selection.branches:
            figures = analysis.of(scheme, branch)
            if figures is not None:
                second = branch != analysis.selection.branches[0]
                sets.append(("" if second else cut(plain(scheme), _NAME), scheme, branch, figures))
    return sets


def scheme_colour(analysis: Analysis, scheme: str, schemes: Sequence[str]) -> int:
    """The colour of a label scheme: the same wherever it is shown."""
    return list(schemes).index(scheme) if scheme in schemes else 0


class RatesPane(PlotPane):
    """ΔR in nats with its error, the mean and the central 95 % of permuted labels."""

    _figure = "delta_R"
    figures = ("delta_R",)
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
        return _UNITS.get(branch, f"nats · {branch}") + at_rate

    @property
    def _difference(self) -> bool:
        return self.analysis is not None and self.analysis.selection.branch == "difference"

    def _schemes(self) -> Sequence[str]:
        return self.recording.manifest.label_schemes if self.recording else ()

    def _colour(self, scheme: str) -> int:
        assert self.analysis is not None
        return scheme_colour(self.analysis, scheme, self._schemes())

    def _curves(self) -> list[tuple[str, Values, int, bool]]:
        """Name, values, colour and dashing of the curves, the main one first."""
        if self.analysis is None:
            return []
        if not self._difference:
            return [
                (name, tuple(figures.curve(self._figure)), self._colour(scheme), self._dashed(scheme, branch))
                for name, scheme, branch, figures in shown_sets(self.analysis)
            ]
        return [
            (
                cut(plain(scheme), _NAME),
                tuple(layer[self._figure].difference for layer in comparison.layers),
                self._colour(scheme),
                False,
            )
            for scheme, comparison in self.analysis.differences.items()
        ]

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
            for f in self.analysis.figures.values()
            if f.settings.branch == self.analysis.selection.settings.branch
        ]

    def plot(self) -> Plot:
        """ΔR with its errors hatched, and the null behind: its mean dashed, its 95 % shaded."""
        if self.analysis is None:
            return Plot(())
        curves = [Curve(values, colour, dashed) for _, values, colour, dashed in self._curves()]
        bands = self._differences() if self._difference else []
        for figures in self._with_null():
            colour = self._colour(figures.settings.labels or "")
            if self.analysis.permutations >= FEW:
                bands.append(Band(*null_bands(figures, self._figure), colour))
            bands.append(Band(*error_bands(figures, self._figure), colour, hatched=True))
            # Where dashes stand for something else, the band alone stands for the null.
            if len(self.analysis.selection.branches) == 1 and not self.app.no_color:
                curves += self._null_mean(figures, colour)
        return Plot(tuple(reversed(curves)), tuple(bands), zero=self._zero())

    def _differences(self) -> list[Band]:
        """The intervals of cond minus uncond, the same images left out of both."""
        assert self.analysis is not None
        bands = []
        for scheme, comparison in self.analysis.differences.items():
            found = [layer[self._figure] for layer in comparison.layers]
            low, high = tuple(of.low for of in found), tuple(of.high for of in found)
            bands.append(Band(low, high, self._colour(scheme), hatched=True))
        return bands

    def _null_mean(self, figures: Result, colour: int) -> list[Curve]:
        return [Curve(tuple(figures.curve("null_mean")), colour, dashed=True)]

    def _zero(self) -> bool:
        return self._difference

    def _halves(self) -> list[str]:
        """Half the width of the interval of each curve at the selected layer, as far as there is one."""
        if self.analysis is None:
            return []
        if self._difference:
            compared = self.analysis.differences.values()
            bars = [of.layers[self.selected][self._figure] for of in compared]
            return [numbers.half_width(bar.low, bar.high) for bar in bars]
        halves = []
        for _, _, _, figures in shown_sets(self.analysis):
            # One branch may have no images although the other has.
            asked = quantity(self._figure)
            halves.append(
                numbers.half_width(*asked.error_band(figures.layers[self.selected])) if figures.layers else ""
            )
        return halves

    def legend(self) -> list[LegendEntry]:
        """Each curve with its value at the selected layer, and half the width of its interval."""
        return [
            LegendEntry(name, self._written(at(values, self.selected)) + half, colour, dashed)
            for (name, values, colour, dashed), half in zip(self._curves(), self._halves(), strict=True)
        ]

    def _written(self, value: float | None) -> str:
        return numbers.figure(value, signed=self._difference)

    def numbers(self) -> Numbers:
        """Each curve with its null band and its error band, or the difference of the branches."""
        from subspacelens_tui.analysis.output.rows import comparison_rows, curve_rows

        if self.analysis is None:
            return []
        if self._difference:
            compared = self.analysis.differences.values()
            return [row for comparison in compared for row in comparison_rows(comparison, self._figure)]
        shown = shown_sets(self.analysis)
        return [row for _, _, _, figures in shown for row in curve_rows(figures, self._figure)]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The curves; a difference has no plot of its own."""
        from subspacelens_tui.analysis.output import curve_plot

        if self.analysis is None or not self.analysis.figures or self._difference:
            return None
        return curve_plot(name, [figures for _, _, _, figures in shown_sets(self.analysis)], self._figure)

    def subtitles(self) -> Sequence[str]:
        """What the bands are, and how good the null is by now."""
        if self.analysis is None or self.analysis.main is None or not self.analysis.main.layers:
            return ()
        error = self._error_words()
        if self._difference:
            return [f"╱ error 95 %, {error}"] if error else ()
        if reason := self.analysis.main.layers[0].missing.get("nulls"):
            return [plain(reason)]
        n = self.analysis.permutations
        if not n:
            return ["null: permuting labels …"]
        designs = ", ".join(dict.fromkeys(str(f.settings.design) for f in self._with_null()))
        if n < FEW:
            null = f"╍ null: first estimate, n = {n}"
            return [f"{null}, {designs}", null]
        null = f"░ null 95 %: n = {n}" + (", refining" if self.analysis.refining else "")
        error = f" · ╱ error 95 %: {error}" if error else ""
        tests = f" · {self.analysis.main.tests(HEADLINE).short('layers')}"
        return [
            f"{null}, {designs}{error}{tests}",
            f"{null}, {designs}{error}",
            f"{null}{error}",
            f"░ null n = {n}{error.replace(' 95 %', '')}",
            null,
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
