"""The base of the panes that show curves over the layers: a legend with values, and the plot."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.geometry import Offset

from subspacelens_tui.analysis.quantities import Values
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted import Piece, Row
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import LAYERS, Cells, Markers, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.drawing.pointing import Pointing
from subspacelens_tui.app.panes.pane import LayerChosen, Pane

# Of the rows of a pane the legend takes one, and another for each so many.
_ROWS_A_LEGEND_ROW = 6


class PlotPane(Pointing[int], Pane):
    """Curves over the layers.

    Attributes:
        markers: what the terminal's font can show.
        figures: whose values it shows, to say why where there are none.
        limits: what the axis of values reaches from and to; fits what is drawn if None.
        log_axis: whether that axis is logarithmic; as the pane has it if None.
    """

    of_a_step = True
    markers: Markers = "braille"
    figures: ClassVar[Sequence[str]] = ()
    limits: tuple[float, float] | None = None
    log_axis: bool | None = None
    _cells: Cells = ()

    def plot(self) -> Plot:
        """The curves to draw; cursor, limits and scale are added here."""
        raise NotImplementedError

    def legend(self) -> list[LegendEntry]:
        """The entries of the legend, the most important first."""
        raise NotImplementedError

    def cursor(self) -> int | None:
        """The place that is marked: the selected layer."""
        return self.selected

    def note(self) -> str:
        """A word at the end of the legend."""
        return ""

    @property
    def here(self) -> int:
        """The layer whose values the legend says: the one under the mouse, else the selected one."""
        return self.selected if self._pointed is None else self._pointed

    def head(self) -> str:
        """What the legend is of."""
        return self.name_of(self.here)

    @property
    def is_log(self) -> bool:
        """Whether the axis of values is logarithmic."""
        return self.plot().log if self.log_axis is None else self.log_axis

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        plot = self._drawn()
        if not has_values(plot):
            return self.said(self._why_empty(), width, height)
        # The legend takes no row that the plot needs.
        most = max(1, min(height // _ROWS_A_LEGEND_ROW, height - least_size(plot, height - 1)[1]))
        above = self._legend(width, most)
        columns, rows = least_size(plot, height - len(above))
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - len(above))
        styles = PlotStyles(self)
        return [*above, *(styles.row(row) for row in self._cells)]

    def _drawn(self) -> Plot:
        plot = self.plot()
        return replace(
            plot,
            cursor=self.cursor(),
            markers=self.markers,
            tints=not self.few_colours,
            limits=self.limits,
            numbers=self.layer_numbers if plot.across == LAYERS else (),
            log=plot.log if self.log_axis is None else self.log_axis,
        )

    def _why_empty(self) -> str:
        if self.is_log and has_values(self.plot()):
            return "no value is positive: a logarithmic axis has no place for them"
        return self.why_missing(*self.figures)

    def _legend(self, width: int, most: int) -> list[list[Piece]]:
        head = (f"{self.head():<4} ", self.ink("accent"))
        return legend_rows(head, self.legend(), self.note(), width, most, self.markers, self)

    def place_at(self, column: int) -> int | None:
        """The place of the plot nearest to a column of the pane."""
        return layer_at(column, self._cells, self._drawn().layers)

    def place_under(self, offset: Offset | None) -> int | None:
        """The place of the plot at an offset."""
        return None if offset is None else self.place_at(offset.x)

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
