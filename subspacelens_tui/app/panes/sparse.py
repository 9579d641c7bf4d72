"""What tokens take under each lens: bits saved by layer, rate against distortion at the selected layer."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from textual import events

from subspacelens_tui.analysis.sparse_results import SparseLayer, SparseResult
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.block import SentencePane
from subspacelens_tui.app.panes.pane import COMPUTING, Deferred, Numbers, Pane
from subspacelens_tui.app.panes.plot_pane import at, interval
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sparse import Lens

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot as PublicationPlot

_PER_NAT = 1 / math.log(2)
# Key, name, colour, dashed: those that are judged, and what their edge is held against.
_SAVED = (
    ("position_known", "place known", 2, True),
    ("scales_8", "8 scales", 3, True),
    ("class", "class", 4, True),
    ("sparse", "SAE", 1, False),
    ("subspaces_25", "25 subspaces", 0, False),
)
_RATED = (("gauss", "gauss", 2, True), *_SAVED[-2:])
# Places of the axis of distortions.
# An odd number, so that 0.1 is among them.
_DISTORTIONS = np.geomspace(0.02, 0.5, 17)


class OfTokens(Pane):
    """A pane that shows what the lenses found."""

    needs = frozenset({Deferred.SPARSE})

    @property
    def lenses(self) -> SparseResult | None:
        """What they found, once it is there."""
        found = self.analysis.sparse if self.analysis else None
        return found if isinstance(found, SparseResult) else None

    @property
    def of_layer(self) -> SparseLayer | None:
        """The selected layer."""
        return self._at(self.selected)

    def _at(self, index: int) -> SparseLayer | None:
        layers = self.lenses.layers if self.lenses else ()
        return next((layer for layer in layers if layer.layer == self.number_of(index)), None)

    def absence(self) -> str:
        """Why there is nothing; empty if there is something."""
        if words := super().absence():
            return words
        if self.recording is not None and self.recording.manifest.tokens is None:
            return "this session has no tokens: record them with `subspacelens-tui record --tokens`"
        found = self.analysis.sparse if self.analysis else None
        if isinstance(found, str):
            return plain(found) or "no values"
        return "coding the tokens under each lens …" if found is None else ""

    @property
    def without_position(self) -> bool:
        """Whether the mean at their position was subtracted from tokens."""
        return self.lenses is not None and self.lenses.without_position

    def of_tokens(self) -> str:
        """What was removed from the tokens, to begin a title with: the end may be cut; empty if nothing."""
        return "position means removed · " if self.without_position else ""

    def sample(self) -> str:
        """How many images it is measured on."""
        found = self.lenses
        return f"N {len(found.split.test)} held out" if found else ""


class LensPlot(OfTokens, SentencePane):
    """A plot of what the lenses found."""

    def _why_empty(self) -> str:
        layer = self.of_layer
        return COMPUTING if layer is None or not isinstance(layer.found, str) else plain(layer.found)


class SparsePane(LensPlot):
    """Bits a token that each lens saves against the Gaussian."""

    pane_name = "sparse"
    heading = "Sparse vs dense"
    tab = "Sparse"
    jump = "4"
    place = "rank"
    in_column = "middle"

    def title_detail(self) -> str:
        """What stands on the axis."""
        found = self.lenses
        at_distortion = f" at D {found.distortion:g}" if found else ""
        return f"{self.of_tokens()}bits saved a token · against one Gaussian{at_distortion}"

    def subtitles(self) -> Sequence[str]:
        """What the bars are, and what else the pane shows."""
        return [f"│ 95 % CI, held-out images · {self.others}", self.others]

    def _lens(self, layer: SparseLayer | None, key: str) -> Lens | None:
        return None if layer is None or isinstance(layer.found, str) else layer.found.lenses.get(key)

    def _values(self, key: str, errors: float = 0.0) -> tuple[float | None, ...]:
        main = self.analysis.main if self.analysis else None
        lenses = [self._lens(self._at(index), key) for index in range(len(main.layers) if main else 0)]
        return tuple(
            None if lens is None else _PER_NAT * (lens.saved + errors * lens.saved_error) for lens in lenses
        )

    def plot(self) -> Plot:
        """What is judged before what it is held against; bars on the former."""
        curves = tuple(Curve(self._values(key), colour, dashed) for key, _, colour, dashed in _SAVED)
        bars = tuple(
            Bars(self._values(key, -1), self._values(key, 1), colour)
            for key, _, colour, dashed in _SAVED
            if not dashed
        )
        return Plot(curves, bars=bars, zero=True)

    def publication(self, name: str) -> "PublicationPlot | None":
        """What every lens saves, by layer."""
        from subspacelens_tui.analysis.output import saved_plot

        return saved_plot(name, self.lenses) if self.lenses else None

    def legend(self) -> list[LegendEntry]:
        """Each lens that has values, with what it saves at the layer."""
        return [
            LegendEntry(
                name,
                numbers.number(at(self._values(key), self.here), signed=True),
                colour,
                dashed,
                "" if dashed else interval(self._values(key, -1), self._values(key, 1), self.here),
                shape=0,
            )
            for key, name, colour, dashed in reversed(_SAVED)
            if any(value is not None for value in self._values(key))
        ]

    def sentence(self) -> str:
        """The verdict of the selected layer, how good its autoencoder is, and what is being trained."""
        layer, at_work = self.of_layer, self.recording.trainings.at_work if self.recording else ""
        training = f"Training: {at_work}" if at_work else ""
        if layer is None:
            return " ".join(filter(None, (f"{self.name_of(self.selected)}: {COMPUTING}", training)))
        words = f"L{layer.layer}: {layer.verdict.words}. "
        quality = None if isinstance(layer.found, str) else layer.found.quality
        if quality is None:
            option = " --without-position" if self.without_position else ""
            how = f"No SAE: `subspacelens-tui sparse SESSION{option} --sae train` trains one a layer"
            return words + (training or how)
        stable = "" if quality.stable is None else f", {100 * quality.stable:.0f} % of atoms stable"
        return (
            f"{words}SAE: {quality.atoms} atoms, EV {quality.training_ev:.2f} fitted, "
            f"{quality.held_out_ev:.2f} held out, {quality.l0:.1f} active, {quality.dead} dead{stable}"
            + (f". {training}" if training else "")
        )

    def numbers(self) -> Numbers:
        """A row for each layer and lens."""
        found = self.lenses
        return [
            {
                "layer": layer.layer,
                "without_position": self.without_position,
                "lens": key,
                "bits": _PER_NAT * lens.rate,
                "saved": _PER_NAT * lens.saved,
                "saved_error": _PER_NAT * lens.saved_error,
                "verdict": layer.verdict.words,
            }
            for layer in (found.layers if found else ())
            if not isinstance(layer.found, str)
            for key, lens in layer.found.lenses.items()
        ]


class RateDistortionPane(LensPlot):
    """Rate against distortion at the selected layer: Gaussian, subspaces, sparse code."""

    pane_name = "rate_distortion"
    heading = "Rate by distortion"
    tab = "Rate"
    jump = "4"
    place = "rank"
    in_column = "middle"
    of_a_layer = True

    def title_detail(self) -> str:
        """What stands on the axes."""
        return f"{self.of_tokens()}bits a token · over the distortion D, log axis"

    def subtitles(self) -> Sequence[str]:
        """What else the pane shows."""
        return [self.others]

    def _values(self, key: str) -> tuple[float | None, ...]:
        layer = self.of_layer
        lens = None if layer is None or isinstance(layer.found, str) else layer.found.lenses.get(key)
        if lens is None:
            return (None,) * len(_DISTORTIONS)
        rates = np.interp(
            np.log(_DISTORTIONS), np.log(lens.distortions), lens.rates, left=np.nan, right=np.nan
        )
        return tuple(None if math.isnan(rate) else _PER_NAT * float(rate) for rate in rates)

    def plot(self) -> Plot:
        """A curve a lens."""
        curves = tuple(Curve(self._values(key), colour, dashed) for key, _, colour, dashed in _RATED)
        return Plot(curves, names=tuple(f"{of:.2g}" for of in _DISTORTIONS), across="D")

    def publication(self, name: str) -> "PublicationPlot | None":
        """The curve of every lens at the layer."""
        from subspacelens_tui.analysis.output import rate_plot

        number = self.number_of(self.selected)
        return rate_plot(name, self.lenses, [number]) if self.lenses and number is not None else None

    def cursor(self) -> int | None:
        """None: the places are distortions."""
        return None

    def head(self) -> str:
        """The distortion under the mouse, or the one that lenses are compared at."""
        found = self.lenses
        if self._pointed is None and found:
            return f"D {found.distortion:.2g}"
        return f"D {_DISTORTIONS[min(self._pointed or 0, len(_DISTORTIONS) - 1)]:.2g}"

    @property
    def here(self) -> int:
        """The place whose values the legend says."""
        found = self.lenses
        compared = int(np.abs(np.log(_DISTORTIONS / (found.distortion if found else 0.1))).argmin())
        return compared if self._pointed is None else self._pointed

    def legend(self) -> list[LegendEntry]:
        """Each lens with its rate there."""
        return [
            LegendEntry(name, numbers.number(at(self._values(key), self.here)), colour, dashed, shape=0)
            for key, name, colour, dashed in reversed(_RATED)
            if any(value is not None for value in self._values(key))
        ]

    def sentence(self) -> str:
        """Why a lens is missing."""
        layer = self.of_layer
        if layer is None:
            return COMPUTING
        return layer.found if isinstance(layer.found, str) else layer.found.missing.get("sparse", "")

    def numbers(self) -> Numbers:
        """The points of every lens's curve."""
        layer = self.of_layer
        if layer is None or isinstance(layer.found, str):
            return []
        return [
            {
                "layer": layer.layer,
                "without_position": self.without_position,
                "lens": key,
                "distortion": distortion,
                "bits": _PER_NAT * rate,
            }
            for key, lens in layer.found.lenses.items()
            for distortion, rate in zip(lens.distortions, lens.rates, strict=True)
        ]

    def on_click(self, event: events.Click) -> None:
        """No layer is chosen here."""
        event.prevent_default()
