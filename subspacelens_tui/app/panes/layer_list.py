"""The list of layers with their main metrics; the selected one is shared by all panes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.color import Color
from rich.style import Style
from textual import events

from subspacelens_tui.analysis.metrics import METRICS, Cost, Format
from subspacelens_tui.analysis.quantities import Quantity, quantity
from subspacelens_tui.analysis.result import LayerResult
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.painted import Piece, Row, row_width, whole_pieces
from subspacelens_tui.app.drawing.palette import curve_colour
from subspacelens_tui.app.panes.pane import LayerChosen, Numbers, Pane

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_AT_LEAST, _BAR = 4, 24


@dataclass(frozen=True)
class Column:
    """A column: the layers' numbers, or a quantity, with its heading, its width and how it is written."""

    heading: str
    width: int
    of: Quantity | None = None

    def value(self, layer: LayerResult) -> float | None:
        """The value of a layer."""
        return float(layer.layer) if self.of is None else self.of.value(layer)

    def written(self, layer: LayerResult, blank: str) -> str:
        """The value of a layer as text; what stands for one that there is not."""
        if self.of is None:
            return str(layer.layer)
        value = self.of.value(layer)
        if value is None:
            return numbers.NONE if layer.why_missing(self.of.name) else blank
        if self.of.metric.format is Format.SHARE:
            return numbers.fraction(value)
        return numbers.figure(value, signed=self.of.has_zero_line)


def _column(name: str) -> Column:
    of = quantity(name)
    heading = of.aspect or of.metric.short
    # A share has four characters, a number six, with its sign seven.
    characters = 4 if of.metric.format is Format.SHARE else 5 + of.has_zero_line
    return Column(heading, max(len(heading), characters) + 1, of)


COLUMNS = (Column("L", 3), *(_column(name) for name in ("delta_R", "excess", "ratio", "effective_rank")))
_NAMED = {column.of.metric.key for column in COLUMNS if column.of}
MORE_COLUMNS = tuple(
    _column(metric.key)
    for metric in METRICS.scalars
    if metric.cost is not Cost.DEFERRED and metric.key not in _NAMED
)
"""Those of all other metrics, as far as there is room beside the bars."""
EVERY_COLUMN = (*COLUMNS, *MORE_COLUMNS)


class LayerList(Pane):
    """One row a layer; sorted by a column when its heading is clicked.

    Not a `DataTable`: an update of all rows takes five times the bytes there (`benchmarks/widgets.py`).
    """

    pane_name = "layers"
    heading = "Layers"
    tab = "Layers"
    jump = "1"
    place = "layers"
    in_column = "left"
    says = "layer list"
    of_a_step = True
    # The headings and one layer, with its ΔR.
    least = (1 + COLUMNS[0].width + COLUMNS[1].width, 2)
    _top = 0

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sorted_column = 0

    def title_detail(self) -> str:
        """Which metrics these are, where the curves show several."""
        if self.analysis is None:
            return ""
        scheme, branch = self.analysis.selection.main
        return cut(f"{scheme} · {branch}", 18)

    def numbers(self) -> Numbers:
        """Every metric of every layer, in the order of the list."""
        from subspacelens_tui.analysis.output.rows import figure_rows

        main = self.analysis.main if self.analysis else None
        rows = list(figure_rows(main)) if main else []
        return [rows[layer] for layer in self.order()]

    def order(self) -> Sequence[int]:
        """The layers in the order of the list."""
        layers = self._layers()
        if self.sorted_column == 0:
            return [layer.layer for layer in layers]
        column = EVERY_COLUMN[self.sorted_column]

        def key(layer: LayerResult) -> tuple[bool, float]:
            value = column.value(layer)
            return (value is None, -(value or 0.0))

        return [layer.layer for layer in sorted(layers, key=key)]

    def action_sort_layers(self, column: int) -> None:
        """Sort by a column, largest first; by depth if it is sorted by this column already."""
        self.sorted_column = 0 if column == self.sorted_column else column
        self.repaint()

    def _layers(self) -> Sequence[LayerResult]:
        main = self.analysis.main if self.analysis else None
        return main.layers if main else ()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Headings, then the layers around the selected one."""
        layers = self._layers()
        yield self._headings(width)
        order = list(self.order())
        rows = height - 1
        place = order.index(self.selected) if self.selected in order else 0
        self._top = max(min(self._top, place, len(order) - rows), place - rows + 1, 0)
        largest = max((abs(layer.null.excess) for layer in layers if layer.null), default=0.0)
        for layer in order[self._top : self._top + rows]:
            yield self._row(layers[layer], width, largest)

    def _columns(self, width: int) -> list[Column]:
        """The main ones, and of all others as many as leave room for bars."""
        columns = list(COLUMNS)
        room = width - 2 - sum(column.width for column in COLUMNS) - _BAR
        for column in MORE_COLUMNS:
            if column.width > room:
                break
            columns.append(column)
            room -= column.width
        return columns

    def _headings(self, width: int) -> Row:
        row: list[Piece] = [(" ", self.ink())]
        for index, column in enumerate(self._columns(width)):
            style = self.ink("accent" if index == self.sorted_column else "dim")
            click = Style.from_meta({"@click": f"screen.sort_layers({index})"})
            row.append((fit(column.heading, column.width, "right"), style + click))
        return whole_pieces(row, width)

    def _row(self, layer: LayerResult, width: int, largest: float) -> Row:
        chosen = layer.layer == self.selected
        # One ink for the whole row: every change of ink in every row is sent with every image.
        base = self.ink("selected") if chosen else self.ink()
        row: list[Piece] = [("▶" if chosen else " ", base)]
        blank, columns = self.blank, self._columns(width)
        row += [(fit(column.written(layer, blank), column.width, "right"), base) for column in columns]
        room = width - 1 - sum(column.width for column in columns) - 1
        if room >= _BAR_AT_LEAST and layer.null is not None:
            row += [
                (" ", base),
                (_bar(max(0.0, layer.null.excess), largest, room), self._bar_style() if not chosen else base),
            ]
        row = whole_pieces(row, width)
        return [*row, (" " * (width - row_width(row)), base)] if chosen else row

    def _bar_style(self) -> Style:
        """The colour of the chosen labels, as in the curves."""
        assert self.analysis is not None
        schemes = list(self.recording.manifest.label_schemes) if self.recording else []
        scheme = self.analysis.selection.main[0]
        colour = curve_colour(schemes.index(scheme) if scheme in schemes else 0, self.app.current_theme.dark)
        return Style.from_color(Color.parse(colour))

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        offset = event.get_content_offset(self)
        order = self.order()
        if offset is not None and 1 <= offset.y <= len(order) - self._top:
            self.post_message(LayerChosen(order[self._top + offset.y - 1]))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the selection."""
        event.stop()
        self.app.call_later(self.screen.run_action, "layer(1)")

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the selection."""
        event.stop()
        self.app.call_later(self.screen.run_action, "layer(-1)")


def _bar(value: float, largest: float, width: int) -> str:
    eighths = round(value / largest * width * 8) if largest > 0 else 0
    full, rest = divmod(min(eighths, width * 8), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
