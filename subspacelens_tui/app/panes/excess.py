"""The excess of ΔR over its null, over the layers: the headline."""

from collections.abc import Sequence

from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.plot_parts import Curve
from subspacelens_tui.app.panes.rates import RatesPane


class ExcessPane(RatesPane):
    """ΔR minus its mean under permuted labels: what the labels explain beyond any labels."""

    _metric = "excess"
    metrics = ("excess",)
    pane_name = "excess"
    heading = "Excess ΔR over permuted labels"
    tab = "Excess"
    jump = "2"
    place = "excess"
    in_column = "middle"
    says = "excess curves"
    measure = "excess"

    def subtitles(self) -> Sequence[str]:
        """As of ΔR, and what else the pane shows."""
        forms = super().subtitles()
        return [*(f"{form} · {self.others}" for form in forms[:1]), *forms]

    def _null_mean(self, result: Result, colour: int) -> list[Curve]:
        return []

    def _zero(self) -> bool:
        return True

    def _written(self, value: float | None) -> str:
        return numbers.number(value, signed=True)
