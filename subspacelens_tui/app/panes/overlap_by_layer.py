"""The mean overlap of the class subspaces over the layers, with what it is to be held against."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.quantities import Values, error_bands
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import WAITING, Deferred, Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, at, interval, outside
from subspacelens_tui.app.refinement_stages import FEW

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

_OVERLAP, _HALVES = 0, 3


class OverlapByLayerPane(PlotPane):
    """Mean off-diagonal overlap, its permuted values, and the overlap of halves: of one class, and of two."""

    metrics = ("overlap_mean",)
    pane_name = "course"
    heading = "Overlap by layer"
    tab = "By layer"
    jump = "5"
    place = "overlap"
    in_column = "right"
    needs = frozenset({Deferred.SPLIT_HALVES})

    def title_detail(self) -> str:
        """Labels, branch and rank."""
        main = self.analysis.main if self.analysis else None
        if self.analysis is None or main is None:
            return ""
        return " · ".join((*self.analysis.selection.main, f"r={main.settings.subspace_dim}"))

    def _null(self, of: str) -> Values:
        main = self.analysis.main if self.analysis else None
        nulls = [layer.nulls.get("overlap_mean") for layer in main.layers] if main else []
        return tuple(None if null is None else getattr(null, of) for null in nulls)

    def _halves(self) -> tuple[Values, Values]:
        halves = self.analysis.halves if self.analysis else ()
        return tuple(own for own, _ in halves), tuple(other for _, other in halves)

    def _curves(self) -> list[tuple[str, Values, int, bool]]:
        """Name, values, colour and dashing, the main one first."""
        main = self.analysis.main if self.analysis else None
        if main is None:
            return []
        own, others = self._halves()
        return [
            ("overlap", tuple(main.curve("overlap_mean")), _OVERLAP, False),
            ("null", self._null("mean"), _OVERLAP, True),
            (METRICS["split_half_ceiling"].short, own, _HALVES, False),
            (METRICS["split_half_mean"].short, others, _HALVES, True),
        ]

    def plot(self) -> Plot:
        """The overlap with its bars over its null, and the halves."""
        main = self.analysis.main if self.analysis else None
        if main is None:
            return Plot(())
        curves = [
            Curve(values, colour, dashed, points=not dashed, beyond=self._beyond(name), shape=colour)
            for name, values, colour, dashed in self._curves()
        ]
        bars = (Bars(*error_bands(main, "overlap_mean"), _OVERLAP),)
        bands = (Band(self._null("low"), self._null("high"), _OVERLAP),) if self._has_band else ()
        return Plot(tuple(reversed(curves)), bands, bars)

    @property
    def _has_band(self) -> bool:
        main = self.analysis.main if self.analysis else None
        return main is not None and (main.settings.overlap_permutations or 0) >= FEW

    def _beyond(self, name: str) -> tuple[bool, ...]:
        main = self.analysis.main if self.analysis else None
        if main is None or name != "overlap" or not self._has_band:
            return ()
        return outside(main.curve("overlap_mean"), self._null("low"), self._null("high"))

    def legend(self) -> list[LegendEntry]:
        """Each curve with its value at the layer, the overlap with its interval."""
        main = self.analysis.main if self.analysis else None
        ends = error_bands(main, "overlap_mean") if main is not None else ((), ())
        return [
            LegendEntry(
                name,
                numbers.fraction(at(values, self.here)) if values else WAITING,
                colour,
                dashed,
                interval(*ends, self.here) if name == "overlap" else "",
                shape=None if dashed else colour,
                filled=at(self._beyond(name), self.here) is not False,
            )
            for name, values, colour, dashed in self._curves()
        ]

    def sample(self) -> str:
        """How many images the curves are of; of how many the halves, if these are older."""
        main, analysis = super().sample(), self.analysis
        if not main or analysis is None or not analysis.halves:
            return main
        older = analysis.main is not None and analysis.halves_images != analysis.main.images
        return f"{main}, halves: N {analysis.halves_images}" if older else main

    def numbers(self) -> Numbers:
        """Each layer with its overlap, its null, its error and the halves."""
        main = self.analysis.main if self.analysis else None
        if main is None:
            return []
        own, others = self._halves()
        low, high = error_bands(main, "overlap_mean")
        return [
            {
                "layer": layer.number,
                "overlap_mean": layer.overlap_mean,
                **{f"null_{of}": self._null(of)[layer.layer] for of in ("mean", "low", "high")},
                "low": low[layer.layer],
                "high": high[layer.layer],
                "split_half_ceiling": at(own, layer.layer),
                "split_half_mean": at(others, layer.layer),
                "images": main.images,
                "split_half_images": self.analysis.halves_images if self.analysis and own else None,
            }
            for layer in main.layers
        ]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The overlap with its bands."""
        from subspacelens_tui.analysis.output import curve_plot

        main = self.analysis.main if self.analysis else None
        return curve_plot(name, [main], "overlap_mean") if main and main.layers else None

    def subtitles(self) -> Sequence[str]:
        """How good the null is, and what else the pane shows."""
        main = self.analysis.main if self.analysis else None
        n = main.settings.overlap_permutations if main else 0
        errors = main is not None and any("overlap_mean" in layer.errors for layer in main.layers)
        error = f" · │ 95 % CI, {main.settings.errors}" if main and errors else ""
        null = f"░ null 95 %: n = {n}" if self._has_band else f"╍ null: n = {n or 0}"
        return [f"{null}{error} · {self.others}", f"{null}{error}", f"{null} · {self.others}", null]
