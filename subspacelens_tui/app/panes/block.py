"""What each block does to its input: whether it expands or contracts, and the shares of its update."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from subspacelens_tui.analysis.quantities import Values
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.sentences import BEYOND, of_control_updates, of_updates
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted_widget import Row
from subspacelens_tui.app.drawing.plot_parts import Band, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.pane import Deferred, Numbers
from subspacelens_tui.app.panes.plot_pane import PlotPane, at
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

_COLOUR, _CONTROL = 3, 1
_RANDOM = "random init"
# Below it the sentence would leave no room for the curve.
_ROWS_WITH_WORDS = 9
_SHARES = ("update_size", "spectral_share", "radial_share")


class SentencePane(PlotPane):
    """A plot with a sentence below it that says what it shows of this session."""

    def sentence(self) -> str:
        """What the plot shows; empty for nothing."""
        raise NotImplementedError

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The plot, and below it the sentence where there is room for both."""
        lines = textwrap.wrap(plain(self.sentence()), max(10, width))
        if height - len(lines) < _ROWS_WITH_WORDS:
            return super().paint(width, height)
        words: list[Row] = [[(line, self.ink("dim"))] for line in lines]
        return [*super().paint(width, height - len(lines)), *words]


class BlockPane(SentencePane):
    """z_E over the layers, against random directions of the same updates and beside that of the control."""

    needs = frozenset({Deferred.CONTROL})

    metrics = ("expansion_z",)
    pane_name = "block"
    heading = "Expansion of each block"
    tab = "Block"
    jump = "4"
    place = "rank"
    in_column = "middle"

    def title_detail(self) -> str:
        """What stands on the axis."""
        return "z_E, below 0 contracts"

    def subtitles(self) -> Sequence[str]:
        """What the band is, and what else the pane shows."""
        return [f"band: 95 % of random directions · {self.others}", self.others]

    def _curve(self, key: str) -> Values:
        main = self.analysis.main if self.analysis else None
        return tuple(main.curve(key)) if main is not None else ()

    @property
    def _control(self) -> Result | None:
        """The metrics at random weights, where the session has a control."""
        return self.analysis.control if self.analysis else None

    def _of_control(self) -> Values:
        """z_E there, layer by layer; none without a control."""
        main = self.analysis.main if self.analysis else None
        if main is None or self._control is None:
            return ()
        known = {layer.number: layer.expansion_z for layer in self._control.layers}
        return tuple(known.get(number) for number in main.numbers)

    def plot(self) -> Plot:
        """The curve in front of that of the control and of its null."""
        values = self._curve("expansion_z")
        known = [value is not None for value in values]
        low, high = (tuple(end if is_known else None for is_known in known) for end in (-BEYOND, BEYOND))
        control = Curve(self._of_control(), _CONTROL, dashed=True, points=False)
        curves = (control, Curve(values, _COLOUR)) if control.values else (Curve(values, _COLOUR),)
        return Plot(curves, (Band(low, high, _COLOUR),), zero=True)

    def legend(self) -> list[LegendEntry]:
        """z_E, size and shares at the selected layer."""
        z = numbers.score(at(self._curve("expansion_z"), self.here))
        found = [LegendEntry("z_E", z, _COLOUR, shape=0)]
        if control := self._of_control():
            found.append(LegendEntry(_RANDOM, numbers.score(at(control, self.here)), _CONTROL, dashed=True))
        names = ("‖Δ‖/‖Z‖", "spectral", "radial")
        for name, key in zip(names, _SHARES, strict=True):
            found.append(
                LegendEntry(name, numbers.number(at(self._curve(key), self.here)), _COLOUR, drawn=False)
            )
        return found

    def sentence(self) -> str:
        """Which blocks contract and which expand, and how many do at random weights."""
        main = self.analysis.main if self.analysis else None
        words = of_updates(main) if main is not None else ""
        return words if self._control is None or not words else f"{words} {of_control_updates(self._control)}"

    def numbers(self) -> Numbers:
        """z_E, size, shares and contraction, layer by layer."""
        keys = ("expansion_z", "expansion_alignment", *_SHARES, "contraction", "contraction_r2")
        main = self.analysis.main if self.analysis else None
        layers, control = main.layers if main is not None else (), self._of_control()
        return [
            {
                "layer": of.number,
                **{key: of.values.get(key) for key in keys},
                **({"expansion_z_random_init": control[place]} if control else {}),
            }
            for place, of in enumerate(layers)
        ]

    def publication(self, name: str) -> "PublicationPlot | None":
        """The curve, and that of the control."""
        from subspacelens_tui.analysis.output import curve_plot

        main, control = self.analysis.main if self.analysis else None, self._control
        if main is None:
            return None
        curves = [main] if control is None else [main, control]
        names = [] if control is None or self.recording is None else [self.recording.name, _RANDOM]
        return curve_plot(name, curves, "expansion_z", names)
