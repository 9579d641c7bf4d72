"""ΔR over the layers with its null, and the excess over that null: the headline."""

from collections.abc import Sequence

from subspacelens_tui.analysis.figures import Figures
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import cut
from subspacelens_tui.app.snapshots import Analysis
from subspacelens_tui.app.widgets.plot import Band, Curve, Plot
from subspacelens_tui.app.widgets.plot_pane import LegendEntry, PlotPane
from subspacelens_tui.sessions import Branch
from subspacelens_tui.sessions.plain import plain

_NAME = 14
_UNITS = {"difference": "nats · cond − uncond", "both": "nats · cond ━ uncond ╍"}
Values = tuple[float | None, ...]


def shown_sets(analysis: Analysis) -> list[tuple[str, str, Branch, Figures]]:
    """Name, scheme, branch and figures of each set the curves show, the main scheme first.

    The uncond branch of a scheme follows its cond branch and has no name: its dashes say it.
    """
    schemes = list(dict.fromkeys(scheme for scheme, _ in analysis.figures))
    sets = []
    for scheme in schemes:
        for branch in analysis.view.branches:
            figures = analysis.of(scheme, branch)
            if figures is not None:
                second = branch != analysis.view.branches[0]
                sets.append(("" if second else cut(plain(scheme), _NAME), scheme, branch, figures))
    return sets


def scheme_colour(analysis: Analysis, scheme: str, schemes: Sequence[str]) -> int:
    """The colour of a label scheme: the same wherever it is shown."""
    return list(schemes).index(scheme) if scheme in schemes else 0


def minus(a: Sequence[float | None], b: Sequence[float | None]) -> Values:
    """Differences, None where one side is."""
    return tuple(None if x is None or y is None else x - y for x, y in zip(a, b, strict=False))


def at(values: Sequence[float | None], layer: int) -> float | None:
    """The value at a layer, None beyond the last."""
    return values[layer] if layer < len(values) else None


class RatesPane(PlotPane):
    """ΔR in nats, the mean and the central 95 % of permuted labels."""

    heading = "ΔR"
    tab = "ΔR"
    jump = "3"

    def title_detail(self) -> str:
        """The unit."""
        branch = self.analysis.view.branch if self.analysis is not None else ""
        return _UNITS.get(branch, f"nats · {branch}")

    @property
    def _difference(self) -> bool:
        return self.analysis is not None and self.analysis.view.branch == "difference"

    def _schemes(self) -> Sequence[str]:
        return self.recording.manifest.label_schemes if self.recording else ()

    def _colour(self, scheme: str) -> int:
        assert self.analysis is not None
        return scheme_colour(self.analysis, scheme, self._schemes())

    def _values(self, figures: Figures) -> Values:
        return tuple(figures.curve("delta_R"))

    def _band(self, figures: Figures) -> tuple[Values, Values]:
        return tuple(figures.curve("null_low")), tuple(figures.curve("null_high"))

    def _curves(self) -> list[tuple[str, Values, int, bool]]:
        """Name, values, colour and dashing of the curves, the main one first."""
        if self.analysis is None:
            return []
        sets = shown_sets(self.analysis)
        if not self._difference:
            return [
                (name, self._values(figures), self._colour(scheme), self._dashed(scheme, branch))
                for name, scheme, branch, figures in sets
            ]
        pairs = []
        for scheme in dict.fromkeys(scheme for _, scheme, _, _ in sets):
            cond, uncond = self.analysis.of(scheme, "cond"), self.analysis.of(scheme, "uncond")
            if cond and uncond:
                values = minus(self._values(cond), self._values(uncond))
                pairs.append((cut(plain(scheme), _NAME), values, self._colour(scheme), False))
        return pairs

    def _dashed(self, scheme: str, branch: Branch) -> bool:
        assert self.analysis is not None
        second_branch = branch != self.analysis.view.branches[0]
        # Without colours, dashes tell the schemes apart.
        return second_branch or (self.app.no_color and scheme != self.analysis.view.main[0])

    def _nulls(self) -> list[Figures]:
        """Of which figures the null is shown: not in a difference, where it has no meaning."""
        if self.analysis is None or self._difference:
            return []
        return [
            f
            for f in self.analysis.figures.values()
            if f.settings.branch == self.analysis.view.settings.branch
        ]

    def plot(self) -> Plot:
        """ΔR with the null behind: its mean dashed, its 95 % shaded."""
        if self.analysis is None:
            return Plot(())
        curves = [Curve(values, colour, dashed) for _, values, colour, dashed in self._curves()]
        bands = []
        for figures in self._nulls():
            colour = self._colour(figures.settings.labels or "")
            low, high = self._band(figures)
            bands.append(Band(low, high, colour))
            # Where dashes stand for something else, the band alone stands for the null.
            if len(self.analysis.view.branches) == 1 and not self.app.no_color:
                curves += self._null_mean(figures, colour)
        return Plot(tuple(reversed(curves)), tuple(bands), zero=self._zero())

    def _null_mean(self, figures: Figures, colour: int) -> list[Curve]:
        return [Curve(tuple(figures.curve("null_mean")), colour, dashed=True)]

    def _zero(self) -> bool:
        return self._difference

    def legend(self) -> list[LegendEntry]:
        """Each curve with its value at the selected layer."""
        return [
            LegendEntry(name, self._written(at(values, self.selected)), colour, dashed)
            for name, values, colour, dashed in self._curves()
        ]

    def _written(self, value: float | None) -> str:
        return numbers.figure(value, signed=self._difference)

    def note(self) -> str:
        """What the bands are."""
        if self._difference or self.analysis is None:
            return ""
        main = self.analysis.main
        if main is not None and main.layers and (reason := main.layers[0].missing.get("nulls")):
            return plain(reason)
        if not self.analysis.permutations:
            return "permuting labels …"
        designs = dict.fromkeys(str(figures.settings.design) for figures in self.analysis.figures.values())
        return f"░ null, 95 % ({', '.join(designs)})"


class ExcessPane(RatesPane):
    """ΔR minus its mean under permuted labels: what the labels explain beyond any labels."""

    heading = "Excess ΔR over permuted labels"
    tab = "Excess"
    jump = "2"

    def _values(self, figures: Figures) -> Values:
        return tuple(figures.curve("excess"))

    def _band(self, figures: Figures) -> tuple[Values, Values]:
        low, high = super()._band(figures)
        mean = figures.curve("null_mean")
        return minus(low, mean), minus(high, mean)

    def _null_mean(self, figures: Figures, colour: int) -> list[Curve]:
        return []

    def _zero(self) -> bool:
        return True

    def _written(self, value: float | None) -> str:
        return numbers.figure(value, signed=True)
