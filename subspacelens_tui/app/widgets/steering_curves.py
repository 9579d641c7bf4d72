"""What came of a steering run over its strengths, with its controls beside them."""

from collections.abc import Sequence

from subspacelens_tui.analysis.steering_results import (
    OFF_MANIFOLD,
    TARGET,
    SteeredImages,
    SteeringResult,
)
from subspacelens_tui.app.drawing.painted import Painted
from subspacelens_tui.app.drawing.plot_parts import Bars, Curve, Plot, Values
from subspacelens_tui.app.drawing.plot_styles import LegendEntry
from subspacelens_tui.app.panes.plotted import Plotted
from subspacelens_tui.sessions.sanitise import plain

_METHOD, _CONTROLS, _LIMIT = 0, 1, 3


class _OverStrength(Plotted, Painted):
    """A curve over the strengths, then a point for each control; the row of the chosen image is marked."""

    result: SteeringResult | None = None
    message = ""
    _rows: Sequence[SteeredImages] = ()

    def update(
        self, result: SteeringResult | None, rows: Sequence[SteeredImages], selected: int, message: str
    ) -> None:
        """Show rows of a result, one of them marked; the message stands where there is none."""
        self.result, self._rows, self.selected, self.message = result, rows, selected, message
        self.repaint()

    def cursor(self) -> int | None:
        """The row of the chosen image."""
        return self.selected if self.selected < len(self._rows) else None

    @property
    def here(self) -> int:
        """The row whose values the legend says."""
        return min(super().here, max(0, len(self._rows) - 1))

    def head(self) -> str:
        """Its name."""
        return plain(self._rows[self.here].key) if self._rows else ""

    def why_empty(self) -> str:
        """The message, or that there are no distances."""
        return self.message if self.result is None else "no values: the session fitted to has no latents"

    def _curves(self, values: Values) -> tuple[Curve, ...]:
        rows = self._rows
        own = tuple(value if of_strength(row) else None for row, value in zip(rows, values, strict=True))
        other = tuple(None if of_strength(row) else value for row, value in zip(rows, values, strict=True))
        return Curve(own, _METHOD), Curve(other, _CONTROLS, shape=1, breaks=tuple(range(len(rows))))

    def _names(self) -> tuple[str, ...]:
        return tuple(f"{row.strength:g}" if of_strength(row) else plain(row.key) for row in self._rows)

    def _colour(self) -> tuple[int, int]:
        """Colour and shape of the row here."""
        return (_METHOD, 0) if of_strength(self._rows[self.here]) else (_CONTROLS, 1)


class TargetShare(_OverStrength):
    """The share of images that the judge takes for the target class, with its interval."""

    axis_of = "target share"

    def plot(self) -> Plot:
        """Shares with their intervals, in percent."""
        rows = self._rows
        low, high = (tuple(100 * getattr(row.target, end) for row in rows) for end in ("low", "high"))
        ends = [
            tuple(value if of_strength(row) is own else None for row, value in zip(rows, values, strict=True))
            for own in (True, False)
            for values in (low, high)
        ]
        return Plot(
            self._curves(tuple(100 * row.target.value for row in rows)),
            bars=(Bars(ends[0], ends[1], _METHOD), Bars(ends[2], ends[3], _CONTROLS)),
            limits=(0, 100),
            names=self._names(),
            across="strength",
        )

    def legend(self) -> list[LegendEntry]:
        """The share and its interval."""
        if self.result is None:
            return []
        share, (colour, shape) = self._rows[self.here].target, self._colour()
        interval = f"[{share.low:.0%}, {share.high:.0%}]"
        name = f"% {plain(self.result.steering.target)}"
        return [LegendEntry(name, f"{share.value:.0%}", colour, interval=interval, shape=shape)]


class OffManifold(_OverStrength):
    """How far the latents are from natural ones, and from where on a row counts as off the manifold."""

    axis_of = "latent NN"

    def plot(self) -> Plot:
        """Ratios of distances, and the limit."""
        rows = self._rows
        values = tuple(row.latent_ratio for row in rows)
        if all(value is None for value in values):
            return Plot(())
        limit = Curve((OFF_MANIFOLD,) * len(rows), _LIMIT, dashed=True, points=False)
        return Plot((limit, *self._curves(values)), names=self._names(), across="strength")

    def legend(self) -> list[LegendEntry]:
        """The ratio, and the limit."""
        if self.result is None:
            return []
        value, (colour, shape) = self._rows[self.here].latent_ratio, self._colour()
        words = "–" if value is None else f"{value:.2f}"
        return [
            LegendEntry("latent NN", words, colour, shape=shape),
            LegendEntry("off above", f"{OFF_MANIFOLD:g}", _LIMIT, dashed=True),
        ]


def of_strength(row: SteeredImages) -> bool:
    """Whether it is the method at a strength, 0 among them."""
    return row.control is None and row.key != TARGET
