"""The spectrum of the selected layer: its eigenvalues in descending order, on a logarithmic axis."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events

from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.effective_rank import RANK_COLOUR
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, at

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

# Of the largest: what is below is rounding of the Gram matrix.
_ROUNDING = 1e-15


class SpectrumPane(PlotPane):
    """Eigenvalues of the Gram matrix of one layer; the cursor stands at the effective rank."""

    metrics = ("effective_rank",)
    pane_name = "spectrum"
    heading = "Spectrum of the layer"
    tab = "Spectrum"
    jump = "4"
    place = "rank"
    in_column = "middle"
    of_a_layer = True

    def title_detail(self) -> str:
        """What its values are."""
        return "eigenvalues of ZᵀZ"

    def _spectra(self) -> list[tuple[str, tuple[float, ...]]]:
        """Each branch with its eigenvalues, those that are rounding left out."""
        if self.analysis is None:
            return []
        return [(branch, self._eigenvalues(result)) for branch, result in self.analysis.of_branches]

    def _eigenvalues(self, result: Result) -> tuple[float, ...]:
        if result.spectra is None or self.selected >= len(result.spectra):
            return ()
        spectrum = result.spectra[self.selected]
        return tuple(float(value) for value in spectrum if value > _ROUNDING * len(spectrum) * spectrum[0])

    def plot(self) -> Plot:
        """One curve a branch, uncond dashed beside cond."""
        spectra = self._spectra()
        curves = [
            Curve(values, RANK_COLOUR, dashed=index > 0, points=False)
            for index, (_, values) in enumerate(spectra)
        ]
        return Plot(tuple(reversed(curves)), log=True, first=1, across="eigenvalue, the largest first")

    def cursor(self) -> int | None:
        """The effective rank: how many of them the images fill."""
        main = self.analysis.main if self.analysis else None
        layer = main.layers[self.selected] if main and self.selected < len(main.layers) else None
        return round(layer.effective_rank) - 1 if layer and layer.effective_rank else None

    def head(self) -> str:
        """The layer; under the mouse, the eigenvalue there."""
        return self.name_of(self.selected) if self._pointed is None else f"λ{self._pointed + 1}"

    def legend(self) -> list[LegendEntry]:
        """Each branch with the eigenvalue under the mouse, else with its largest one."""
        place = self._pointed or 0
        what = ", largest λ" if self._pointed is None else ""
        return [
            LegendEntry(f"{branch}{what}", numbers.number(at(values, place)), RANK_COLOUR, index > 0)
            for index, (branch, values) in enumerate(self._spectra())
        ]

    def note(self) -> str:
        """What the cursor is, and how many there are."""
        main = self.analysis.main if self.analysis else None
        if main is None or self.selected >= len(main.layers):
            return ""
        layer = main.layers[self.selected]
        return f"┊ erank {numbers.number(layer.effective_rank)} of {layer.rank_ceiling}"

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def numbers(self) -> Numbers:
        """The eigenvalues of each branch, the largest first."""
        return [
            {"branch": branch, "layer": self.selected, "place": place, "eigenvalue": value}
            for branch, values in self._spectra()
            for place, value in enumerate(values, 1)
        ]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The eigenvalues of the main branch."""
        from subspacelens_tui.analysis.output import spectrum_plot

        main = self.analysis.main if self.analysis else None
        if main is None or main.spectra is None or self.selected >= len(main.spectra):
            return None
        return spectrum_plot(name, main, self.selected)

    def on_click(self, event: events.Click) -> None:
        """No layer is chosen here: the places are those of eigenvalues."""
        event.prevent_default()
