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
from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, row_width, whole_pieces
from subspacelens_tui.app.drawing.palette import curve_colour
from subspacelens_tui.app.panes.pane import COMPUTING, LayerChosen, Numbers, Pane

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_AT_LEAST, _BAR = 4, 24
# Rows of a layer where there is room: its main metrics, one or two of more metrics, and a blank one.
_TALL_AT_LEAST, _TALL_AT_MOST, _INDENT = 3, 4, 5


@dataclass(frozen=True)
class LayerRow:
    """A layer, and that of another branch which is taken off it, if a difference is shown."""

    layer: LayerResult
    less: LayerResult | None = None


@dataclass(frozen=True)
class Column:
    """A column: the layers' numbers, or a quantity, with its heading, its width and how it is written."""

    heading: str
    width: int
    of: Quantity | None = None

    def value(self, row: LayerRow) -> float | None:
        """The value of a layer, or the difference of both branches there."""
        if self.of is None:
            return float(row.layer.layer)
        value = self.of.value(row.layer)
        if row.less is None or value is None:
            return value
        other = self.of.value(row.less)
        return None if other is None else value - other

    def written(self, row: LayerRow, blank: str) -> str:
        """The value of a layer as text; what stands for one that there is not."""
        if self.of is None:
            return str(row.layer.number)
        value = self.value(row)
        if value is None:
            missing = row.layer.why_missing(self.of.name) or (row.less and row.less.why_missing(self.of.name))
            return numbers.NONE if missing else blank
        if self.of.metric.format is Format.SHARE:
            sign = "+" if row.less is not None and value >= 0 else ""
            return sign + numbers.fraction(value)
        return numbers.number(value, signed=self.of.has_zero_line or row.less is not None)


def _column(name: str, with_sign: bool = False) -> Column:
    of = quantity(name)
    heading = of.aspect or of.metric.short
    # A share has four characters, a number five, with its sign six.
    characters = 4 if of.metric.format is Format.SHARE else 5 + (with_sign or of.has_zero_line)
    return Column(heading, max(len(heading), characters) + 1, of)


COLUMNS = (Column("L", 3), *(_column(name) for name in ("delta_R", "excess", "ratio", "effective_rank")))
_NAMED = {column.of.metric.key for column in COLUMNS if column.of}
MORE_COLUMNS = tuple(
    _column(metric.key, with_sign=True)
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
    _tall = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sorted_column = 0

    def title_detail(self) -> str:
        """Which metrics these are, where the curves show several."""
        return self.analysis.main_words if self.analysis is not None else ""

    def numbers(self) -> Numbers:
        """Every metric of every layer, in the order of the list."""
        from subspacelens_tui.analysis.output.rows import layer_rows

        main = self.analysis.main if self.analysis else None
        if self.analysis is not None and self.analysis.is_difference:
            layers = self._layers()
            return [self._difference_row(layers[layer]) for layer in self.order()]
        rows = list(layer_rows(main)) if main else []
        return [rows[layer] for layer in self.order()]

    def _difference_row(self, row: LayerRow) -> dict[str, object]:
        named = {column.of.name: column.value(row) for column in EVERY_COLUMN if column.of is not None}
        return {"branch": "cond - uncond", "layer": row.layer.number, **named}

    def order(self) -> Sequence[int]:
        """The layers in the order of the list."""
        layers = self._layers()
        if self.sorted_column == 0:
            return [row.layer.layer for row in layers]
        column = EVERY_COLUMN[self.sorted_column]

        def key(row: LayerRow) -> tuple[bool, float]:
            value = column.value(row)
            return (value is None, -(value or 0.0))

        return [row.layer.layer for row in sorted(layers, key=key)]

    def action_sort_layers(self, column: int) -> None:
        """Sort by a column, largest first; by depth if it is sorted by this column already."""
        self.sorted_column = 0 if column == self.sorted_column else column
        self.repaint()

    def _layers(self) -> Sequence[LayerRow]:
        main = self.analysis.main if self.analysis else None
        if self.analysis is None or main is None:
            return ()
        if not self.analysis.is_difference:
            return [LayerRow(layer) for layer in main.layers]
        other = self.analysis.of(self.analysis.selection.main[0], "uncond")
        pairs = zip(main.layers, other.layers if other is not None else (), strict=False)
        return [LayerRow(layer, less) for layer, less in pairs]

    def absence(self) -> str:
        """Why there are no metrics, or no difference."""
        return super().absence() or ("" if self._layers() else self.no_difference() or COMPUTING)

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Headings, then the layers around the selected one; each in as many rows as there is room for."""
        layers = self._layers()
        yield self._headings(width)
        order = list(self.order())
        room = (height - 1) // max(1, len(order))
        self._tall = min(_TALL_AT_MOST, room) if room >= _TALL_AT_LEAST else 1
        shown = max(1, (height - 1) // self._tall)
        place = order.index(self.selected) if self.selected in order else 0
        self._top = max(min(self._top, place, len(order) - shown), place - shown + 1, 0)
        excess = quantity("excess")
        largest: dict[int, float] = {}
        # Bars of one width are on one scale: rates grow with the width.
        for row in layers:
            size = abs(excess.value(row.layer) or 0.0)
            largest[row.layer.width] = max(size, largest.get(row.layer.width, 0.0))
        for layer in order[self._top : self._top + shown]:
            yield self._row(layers[layer], width, largest[layers[layer].layer.width])
            yield from self._below(layers[layer], width)

    def _below(self, row: LayerRow, width: int) -> list[Row]:
        """More metrics of a layer below its row, the last of its rows left blank."""
        rows: list[list[Piece]] = [[] for _ in range(self._tall - 1)]
        if not rows:
            return []
        seen = self._columns(width)
        more = [column for column in MORE_COLUMNS if column not in seen]
        indent = (" " * (_INDENT - 1), self.ink())
        for into in rows[:-1]:
            into.append(indent)
            while more:
                piece = f" {more[0].heading} {more[0].written(row, self.blank)} "
                if row_width(into) + len(piece) > width:
                    break
                into.append((piece, self.ink("dim")))
                more.pop(0)
        return list(rows)

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

    def _row(self, of: LayerRow, width: int, largest: float) -> Row:
        layer = of.layer
        chosen = layer.layer == self.selected
        # One ink for the whole row: every change of ink in every row is sent with every image.
        base = self.ink("selected") if chosen else self.ink()
        row: list[Piece] = [("▶" if chosen else " ", base)]
        blank, columns = self.blank, self._columns(width)
        row += [(fit(column.written(of, blank), column.width, "right"), base) for column in columns]
        room = width - 1 - sum(column.width for column in columns) - 1
        if room >= _BAR_AT_LEAST and layer.null is not None and of.less is None:
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
        place = -1 if offset is None else self._top + (offset.y - 1) // self._tall
        if offset is not None and offset.y >= 1 and place < len(order):
            self.post_message(LayerChosen(order[place]))

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
