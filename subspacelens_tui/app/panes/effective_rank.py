"""Effective rank over the layers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from subspacelens_tui.analysis.quantities import Values, error_bands
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, at, interval, minus
from subspacelens_tui.sessions import Branch

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

RANK_COLOUR = 2
_METRIC = "effective_rank"


class EffectiveRankPane(PlotPane):
    """How many dimensions the images fill. Labels play no part, so there is one curve a branch."""

    metrics = (_METRIC,)
    pane_name = "rank"
    heading = "Effective rank by layer"
    tab = "Rank"
    jump = "4"
    place = "rank"
    in_column = "middle"
    says = "effective rank"

    def title_detail(self) -> str:
        """The branches, where they are subtracted."""
        return "cond − uncond" if self._difference else ""

    def note(self) -> str:
        """Its ceiling: the number of images or the width of the layer."""
        main = self.analysis.main if self.analysis else None
        if main is None or not main.layers or self._difference:
            return ""
        ceiling = min(layer.rank_ceiling for layer in main.layers)
        return f"at most {ceiling} ({'images' if main.images <= ceiling else 'width'})"

    def subtitles(self) -> Sequence[str]:
        """What the bars are, and what else the pane shows."""
        main = self.analysis.main if self.analysis else None
        known = main is not None and any("effective_rank" in layer.errors for layer in main.layers)
        if main is None or not known or self._difference:
            return [self.others]
        bars = f"│ 95 % CI, {main.settings.errors}"
        return [f"{bars} · {self.others}", bars, self.others]

    def _of_branches(self) -> list[tuple[Branch, Result]]:
        return self.analysis.of_branches if self.analysis is not None else []

    def _curves(self) -> list[tuple[str, Values, bool]]:
        sets: list[tuple[str, Values]] = [
            (branch, tuple(result.curve(_METRIC))) for branch, result in self._of_branches()
        ]
        if self._difference and len(sets) == 2:
            return [("cond − uncond", minus(sets[0][1], sets[1][1]), False)]
        return [(branch, values, branch == "uncond" and len(sets) > 1) for branch, values in sets]

    def plot(self) -> Plot:
        """One curve a branch, uncond dashed beside cond; bars of what errors are known."""
        curves = [Curve(values, RANK_COLOUR, dashed) for _, values, dashed in self._curves()]
        main = self.analysis.main if self.analysis else None
        if main is None or self._difference:
            return Plot(tuple(reversed(curves)))
        return Plot(tuple(reversed(curves)), bars=(Bars(*error_bands(main, _METRIC), RANK_COLOUR),))

    def numbers(self) -> Numbers:
        """Each curve with its error band, or the difference of the branches."""
        from subspacelens_tui.analysis.output.rows import comparison_rows, curve_rows

        if self.analysis is not None and self._difference:
            compared = self.analysis.differences.get(self.analysis.selection.main[0])
            return list(comparison_rows(compared, _METRIC)) if compared is not None else []
        return [row for _, result in self._of_branches() for row in curve_rows(result, _METRIC)]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The curves; a difference has no plot of its own."""
        from subspacelens_tui.analysis.output import curve_plot

        found = [result for _, result in self._of_branches()]
        return curve_plot(name, found, _METRIC) if found and not self._difference else None

    @property
    def _difference(self) -> bool:
        return self.analysis is not None and self.analysis.selection.branch == "difference"

    def legend(self) -> list[LegendEntry]:
        """Each branch with its value at the layer, the main one with its interval."""
        main = self.analysis.main if self.analysis else None
        ends = ((), ()) if main is None or self._difference else error_bands(main, _METRIC)
        return [
            LegendEntry(
                name,
                numbers.number(at(values, self.here), signed=self._difference),
                RANK_COLOUR,
                dashed,
                "" if dashed else interval(*ends, self.here),
                shape=0,
            )
            for name, values, dashed in self._curves()
        ]
