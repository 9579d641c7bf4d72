"""Styles of the parts of a plot in a widget's colours, and its legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, product
from operator import itemgetter

from rich.color import Color
from rich.style import Style

from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, row_width, whole_pieces
from subspacelens_tui.app.drawing.palette import blend, curve_colour
from subspacelens_tui.app.drawing.plot import point
from subspacelens_tui.app.drawing.plot_parts import Cell, Markers

_BAND_SHARE, _TEXTURE_SHARE, _BAR_SHARE = 0.3, 0.5, 0.7
_GAP = "  "
_LINE = {False: "━━", True: "╍╍"}
_ASCII_LINE = {False: "--", True: "- "}


class PlotStyles:
    """Styles of the parts of a plot in a widget's colours."""

    def __init__(self, widget: Painted) -> None:
        self._dark = widget.app.current_theme.dark
        self._base = widget.ink()
        dim, faint = widget.ink("dim"), widget.ink("faint")
        self._parts = {"frame": dim, "name": dim, "cursor": dim, "zero": faint}
        self._shaded = not widget.few_colours
        self._background = widget.background
        self._styles: dict[tuple[str, int | None, int | None], Style] = {}

    def row(self, cells: tuple[Cell, ...]) -> list[Piece]:
        """Runs of cells of one style."""
        return [
            ("".join(cell.character for cell in run), self._style(*kind))
            for kind, run in groupby(cells, key=itemgetter(slice(1, None)))
        ]

    def curve(self, colour: int) -> Style:
        """The ink of a curve, and of all that names it."""
        return Style.from_color(Color.parse(curve_colour(colour, self._dark)))

    def _style(self, part: str, colour: int | None, band: int | None) -> Style:
        kind = (part, colour, band)
        if kind not in self._styles:
            self._styles[kind] = self._made(*kind)
        return self._styles[kind]

    def _made(self, part: str, colour: int | None, band: int | None) -> Style:
        style = self._parts.get(part, self._base)
        if part == "gap":
            style = Style.from_color(Color.parse(self._background))
        elif colour is not None:
            shares = {"band": _BAND_SHARE, "texture": _TEXTURE_SHARE, "bar": _BAR_SHARE}
            style = Style.from_color(Color.parse(self._faint(colour, shares.get(part, 1.0))))
        if band is not None:
            style += Style.from_color(None, Color.parse(self._faint(band, _BAND_SHARE)))
        return style

    def _faint(self, colour: int, share: float) -> str:
        curve = curve_colour(colour, self._dark)
        return blend(curve, self._background, share) if self._shaded else curve


@dataclass(frozen=True)
class LegendEntry:
    """One entry of the legend: how a curve is drawn, its name, and what it says at a layer.

    Attributes:
        name: of the curve; may be empty beside one of the same colour.
        value: at the layer.
        colour: index of the curve's colour.
        dashed: as the curve.
        interval: of the value, as text; empty where there is none.
        p: of the value, as text; empty where there is none.
        shape: of the curve's points; None if it has no points.
        filled: whether the point at the layer is filled.
        drawn: whether there is a curve of it, and not the value alone.
    """

    name: str
    value: str
    colour: int
    dashed: bool = False
    interval: str = ""
    p: str = ""
    shape: int | None = None
    filled: bool = True
    drawn: bool = True


def legend_rows(
    head: Piece,
    entries: Sequence[LegendEntry],
    note: str,
    width: int,
    most: int,
    markers: Markers,
    widget: Painted,
    with_names: int = 0,
) -> list[list[Piece]]:
    """The legend in as few rows as hold all of its entries, each as long as all find room.

    Where they do not hold them with their values, those without a curve go, then the values of the others.

    Args:
        head: what the values are of.
        entries: the most important first.
        note: a word at the end, if there is room.
        width: of a row.
        most: rows there is room for; with more entries than these hold, the last ones are cut.
        with_names: rows that it may take to name all curves, if that is more.
        markers: what the terminal's font can show.
        widget: whose inks it is written in.
    """
    styles = PlotStyles(widget)
    drawn = [entry for entry in entries if entry.drawn]
    for shown, parts in product((entries, drawn), (("interval", "p"), ("interval",), ("p",), ())):
        pieces = [_entry(entry, parts, markers, styles, widget) for entry in shown]
        rows = _rows(head, pieces, width)
        if _fit(rows, width, most):
            break
    else:
        names = _rows(head, [_named(entry, markers, styles) for entry in drawn], width)
        if _fit(names, width, max(most, with_names)):
            return names
    # A number that is cut is another number.
    rows = [whole_pieces(row, width) for row in rows[:most]]
    if note and row_width(rows[-1]) + len(_GAP) + len(note) <= width:
        rows[-1].append((_GAP + note, widget.ink("dim")))
    return rows


def _fit(rows: Sequence[Row], width: int, most: int) -> bool:
    return len(rows) <= most and all(row_width(row) <= width for row in rows)


def _rows(head: Piece, entries: Sequence[list[Piece]], width: int) -> list[list[Piece]]:
    """Entries one after the other; one that does not fit begins a row below the first."""
    rows: list[list[Piece]] = [[head]]
    for entry in entries:
        if len(rows[-1]) > 1 and row_width(rows[-1]) + len(_GAP) + row_width(entry) > width:
            rows.append([(" " * len(head[0]), head[1])])
        rows[-1] += [(_GAP, head[1]), *entry] if len(rows[-1]) > 1 else entry
    return rows


def _entry(
    entry: LegendEntry, parts: Sequence[str], markers: Markers, styles: PlotStyles, widget: Painted
) -> list[Piece]:
    beside = [text for part in parts if (text := getattr(entry, part))]
    return [
        *_named(entry, markers, styles),
        (f" {entry.value}", widget.ink("strong")),
        (" ".join(["", *beside]), widget.ink("dim")),
    ]


def _named(entry: LegendEntry, markers: Markers, styles: PlotStyles) -> list[Piece]:
    """How a curve is drawn, and its name."""
    if not entry.drawn:
        return [(entry.name, styles.curve(entry.colour))]
    line = (_ASCII_LINE if markers == "ascii" else _LINE)[entry.dashed]
    if entry.shape is not None:
        swatch = ("-" if markers == "ascii" else "╍") if entry.dashed else ""
        line = swatch + point(entry.shape, entry.filled, markers)
    return [(f"{line} {entry.name}".rstrip(), styles.curve(entry.colour))]
