"""The base of the panes that show curves over the layers: a legend with values, and the plot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import ClassVar

from rich.color import Color
from rich.style import Style
from textual import events

from subspacelens_tui.analysis.quantities import Values
from subspacelens_tui.app.drawing.painted import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.drawing.palette import blend, curve_colour
from subspacelens_tui.app.drawing.plot import draw, has_values, layer_at, least_size
from subspacelens_tui.app.drawing.plot_parts import Cell, Cells, Markers, Plot
from subspacelens_tui.app.panes.pane import LayerChosen, Pane

_BAND_SHARE, _HATCH_SHARE = 0.22, 0.7
_LINE = {False: "━━", True: "╍╍"}
_ASCII_LINE = {False: "--", True: "- "}


@dataclass(frozen=True)
class LegendEntry:
    """One entry of the legend: a swatch, a name, and the value at the selected layer."""

    name: str
    value: str
    colour: int
    dashed: bool = False


class PlotPane(Pane):
    """Curves over the layers.

    Attributes:
        markers: what the terminal's font can show.
        figures: whose values it shows, to say why where there are none.
    """

    of_a_step = True
    markers: Markers = "braille"
    figures: ClassVar[Sequence[str]] = ()
    _cells: Cells = ()

    def plot(self) -> Plot:
        """The curves to draw; the cursor is added here."""
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

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The legend, then the plot."""
        self._cells = ()
        plot = replace(self.plot(), cursor=self.cursor(), markers=self.markers)
        if not has_values(plot):
            return self.said(self.why_missing(*self.figures), width, height)
        columns, rows = least_size(plot, height - 1)
        if width < columns or height - 1 < rows:
            return self.too_small(width, height, columns, rows + 1)
        self._cells = draw(plot, width, height - 1)
        styles = PlotStyles(self)
        return [self._legend_row(width), *(styles.row(row) for row in self._cells)]

    def _legend_row(self, width: int) -> Row:
        lines = _ASCII_LINE if self.markers == "ascii" else _LINE
        row: list[Piece] = [(f"L{self.selected:<3}", self.ink("accent"))]
        for entry in self.legend():
            colour = Style.from_color(Color.parse(curve_colour(entry.colour, self.app.current_theme.dark)))
            pieces: list[Piece] = [
                (f" {lines[entry.dashed]} ", colour),
                (f"{entry.name} " if entry.name else "", self.ink("dim")),
                (entry.value + " ", self.ink("strong")),
            ]
            if row_width(row) + row_width(pieces) > width:
                break
            row += pieces
        if self.note() and row_width(row) + len(self.note()) + 1 <= width:
            row.append((" " + self.note(), self.ink("dim")))
        return cut_row(row, width)

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        main = self.analysis.main if self.analysis else None
        offset = event.get_content_offset(self)
        if main is None or offset is None:
            return
        layer = layer_at(offset.x, self._cells, len(main.layers))
        if layer is not None:
            self.post_message(LayerChosen(layer))


class PlotStyles:
    """Styles of the parts of a plot in a pane's colours."""

    def __init__(self, pane: Painted) -> None:
        self._dark = pane.app.current_theme.dark
        self._base = pane.ink()
        self._parts = {"frame": pane.ink("dim"), "cursor": pane.ink("dim"), "zero": pane.ink("faint")}
        # With few colours there is no tint of the background: the band is drawn in characters.
        self._shaded = not pane.few_colours
        background = pane.ground.bgcolor
        triplet = background.triplet if background is not None else None
        self._background = triplet.hex if triplet is not None else "#000000" if self._dark else "#ffffff"
        self._styles: dict[tuple[str, int | None, int | None], Style] = {}

    def row(self, cells: tuple[Cell, ...]) -> list[Piece]:
        """Runs of cells of one style."""
        return [
            ("".join(self._character(cell) for cell in run), self._style(*kind))
            for kind, run in groupby(cells, key=itemgetter(slice(1, None)))
        ]

    def _character(self, cell: Cell) -> str:
        return " " if cell.part == "band" and self._shaded else cell.character

    def _style(self, part: str, colour: int | None, band: int | None) -> Style:
        kind = (part, colour, band)
        if kind not in self._styles:
            self._styles[kind] = self._made(*kind)
        return self._styles[kind]

    def _made(self, part: str, colour: int | None, band: int | None) -> Style:
        style = self._parts.get(part, self._base)
        if part == "curve" and colour is not None:
            style = Style.from_color(Color.parse(curve_colour(colour, self._dark)))
        if part == "error" and colour is not None:
            style = Style.from_color(Color.parse(self._faint(colour, _HATCH_SHARE)))
        if band is not None and self._shaded:
            style += Style.from_color(None, Color.parse(self._faint(band, _BAND_SHARE)))
        return style

    def _faint(self, colour: int, share: float) -> str:
        curve = curve_colour(colour, self._dark)
        return blend(curve, self._background, share) if self._shaded else curve


def minus(a: Sequence[float | None], b: Sequence[float | None]) -> Values:
    """Differences, None where one side is."""
    return tuple(None if x is None or y is None else x - y for x, y in zip(a, b, strict=False))


def at(values: Sequence[float | None], layer: int) -> float | None:
    """The value at a layer, None beyond the last."""
    return values[layer] if layer < len(values) else None
