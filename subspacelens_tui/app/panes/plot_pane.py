"""The base of the panes that show curves over the layers: a legend with values, and the plot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events

from subspacelens_tui.analysis.quantities import Values
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import uncapitalised
from subspacelens_tui.app.drawing.plot import layer_at
from subspacelens_tui.app.drawing.plot_parts import LAYERS, Plot
from subspacelens_tui.app.panes.pane import LayerChosen, Pane
from subspacelens_tui.app.panes.plot_with_legend import Plotted


class PlotPane(Plotted, Pane):
    """Curves over the layers.

    Attributes:
        metrics: whose values it shows, to say why where there are none.
    """

    of_a_step = True
    selected: int = 0
    metrics: ClassVar[Sequence[str]] = ()

    @property
    def axis_of(self) -> str:  # type: ignore[override]
        """The heading of the pane."""
        return uncapitalised(self.heading)

    def head(self) -> str:
        """What the legend is of."""
        return self.name_of(self.here)

    def drawn(self) -> Plot:
        """The same, its layers named by the numbers of their blocks."""
        plot = super().drawn()
        return replace(plot, numbers=self.layer_numbers if plot.across == LAYERS else ())

    def why_empty(self) -> str:
        """That the values are on their way, or why they are missing."""
        return self.why_missing(*self.metrics)

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        main = self.analysis.main if self.analysis else None
        offset = event.get_content_offset(self)
        if main is None or offset is None:
            return
        layer = layer_at(offset.x, self._cells, len(main.layers))
        if layer is not None:
            self.post_message(LayerChosen(layer))


def minus(a: Sequence[float | None], b: Sequence[float | None]) -> Values:
    """Differences, None where one side is."""
    return tuple(None if x is None or y is None else x - y for x, y in zip(a, b, strict=False))


def at(values: Sequence[float | None], layer: int) -> float | None:
    """The value at a layer, None beyond the last."""
    return values[layer] if layer < len(values) else None


def interval(low: Sequence[float | None], high: Sequence[float | None], layer: int) -> str:
    """The interval at a layer as [0.6, 2.0]; nothing where there is none."""
    return numbers.interval(at(low, layer), at(high, layer))


def outside(values: Sequence[float | None], low: Values, high: Values) -> tuple[bool, ...]:
    """For each layer whether its value is outside a band; no layers where there is no band."""
    if not any(end is not None for end in high):
        return ()
    return tuple(
        value is not None and at(low, layer) is not None and not low[layer] <= value <= high[layer]  # type: ignore[operator]
        for layer, value in enumerate(values)
    )
