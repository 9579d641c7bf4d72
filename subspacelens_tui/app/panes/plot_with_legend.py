"""What panes and widgets with curves share: the legend with values, the plot, its axis, the mouse."""

from collections.abc import Iterable
from dataclasses import replace

from textual.geometry import Offset

from subspacelens_tui.app.drawing.painted_widget import Row
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Cells, Markers, Plot
from subspacelens_tui.app.drawing.plot_styles import LegendEntry, PlotStyles, legend_rows
from subspacelens_tui.app.drawing.pointing import Pointing


class Plotted(Pointing[int]):
    """Mixed into a widget that shows curves over the layers, or over other places.

    Attributes:
        markers: what the terminal's font can show.
        axis_of: what the plot is called where its axis is asked for.
        selected: the place that is marked.
        limits: what the axis of values reaches from and to; fits what is drawn if None.
        log_axis: whether that axis is logarithmic; as the plot has it if None.
        rows_a_legend_row: of the rows of a plot the legend takes one, and another for each so many.
        marked: whether it is the one of its screen that keys are for, which its legend says by its colour.
    """

    markers: Markers = "braille"
    axis_of = ""
    selected: int = 0
    limits: tuple[float, float] | None = None
    log_axis: bool | None = None
    rows_a_legend_row = 6
    marked = True
    _cells: Cells = ()

    def plot(self) -> Plot:
        """The curves to draw; cursor, limits and scale are added here."""
        raise NotImplementedError

    def legend(self) -> list[LegendEntry]:
        """The entries of the legend, the most important first, with the values at `here`."""
        raise NotImplementedError

    def cursor(self) -> int | None:
        """The place that is marked."""
        return self.selected

    def head(self) -> str:
        """What the values of the legend are of."""
        return f"L{self.here}"

    def note(self) -> str:
        """A word at the end of the legend."""
        return ""

    def why_empty(self) -> str:
        """Why there are no curves."""
        raise NotImplementedError

    @property
    def here(self) -> int:
        """The place whose values the legend says: the one under the mouse, else the selected one."""
        return self.selected if self._pointed is None else self._pointed

    @property
    def is_log(self) -> bool:
        """Whether the axis of values is logarithmic."""
        return self.plot().log if self.log_axis is None else self.log_axis

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        plot = self.drawn()
        if not has_values(plot):
            no_place = self.is_log and has_values(self.plot())
            words = "no value is positive: a logarithmic axis has no place for them"
            return self.said(words if no_place else self.why_empty(), width, height)
        # The legend takes no row that the plot needs.
        spare = max(1, height - least_size(plot, height - 1)[1])
        most = max(1, min(height // self.rows_a_legend_row, spare))
        head = (f"{self.head():<4} ", self.ink("accent" if self.marked else "dim"))
        names = min(most + 1, spare)
        above = legend_rows(head, self.legend(), self.note(), width, most, self.markers, self, names)
        columns, rows = least_size(plot, height - len(above))
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - len(above))
        styles = PlotStyles(self)
        return [*above, *(styles.row(row) for row in self._cells)]

    def drawn(self) -> Plot:
        """The plot with its cursor, and with the axis that was chosen."""
        plot = self.plot()
        return replace(
            plot,
            cursor=self.cursor(),
            markers=self.markers,
            tints=not self.few_colours,
            limits=self.limits,
            log=plot.log if self.log_axis is None else self.log_axis,
        )

    def place_at(self, column: int) -> int | None:
        """The place of the plot nearest to a column of the widget."""
        return layer_at(column, self._cells, self.drawn().layers)

    def place_under(self, offset: Offset | None) -> int | None:
        """The place of the plot at an offset."""
        return None if offset is None else self.place_at(offset.x)

    def fit_axis(self) -> None:
        """An axis as the plot has it: what was chosen for other values does not fit these."""
        self.limits = self.log_axis = None
