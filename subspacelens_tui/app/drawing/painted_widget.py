"""The base of all our widgets: painted as strips of cells, and repainted only where these changed.

Over SSH every byte counts: Textual sends a refreshed region whole (18 kB for one changed curve), so we
compare the strips and refresh the spans that differ (2.5 kB).
"""

import textwrap
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.palette import SHADES, ramp_steps, ramp_style

Piece = tuple[str, Style]
Row = Sequence[Piece]

_PLAIN = Style()
# A span costs a cursor move and its colours anew, about as much as so many cells.
_GAP = 20


class Painted(Widget):
    """A widget that draws itself row by row in `paint`, and anew after `repaint`.

    Attributes:
        least: columns and rows that `paint` needs; with less, the widget says so in its place.
    """

    least: tuple[int, int] = (1, 1)

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ink--dim",
        "ink--faint",
        "ink--strong",
        "ink--accent",
        "ink--selected",
        "ink--good",
        "ink--warning",
        "ink--error",
        "ink--chosen",
    }

    _strips: list[Strip]
    _painted_at: tuple[int, int] | None = None
    _ground: Style | None = None
    _inks: dict[str, Style] | None = None

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The rows of the widget, each a sequence of text and style; at most `height` are shown."""
        raise NotImplementedError

    def lines(self, width: int, height: int) -> Iterable[Row]:
        """What is shown: the rows of `paint`, or that there is too little room for them."""
        columns, rows = self.least
        if width < columns or height < rows:
            return self.too_small(width, height, columns, rows)
        return self.paint(width, height)

    def said(self, words: str, width: int, height: int) -> list[Row]:
        """Words in the place of metrics."""
        wrapped = textwrap.wrap(words, max(2, width), max_lines=max(1, height), placeholder=" …")
        above: list[Row] = [()] * max(0, (height - len(wrapped)) // 2)
        style = self.ink("dim")
        return above + [cut_row([(fit(line, width, "centre"), style)], width) for line in wrapped]

    def too_small(self, width: int, height: int, columns: int, rows: int) -> list[list[Piece]]:
        """That there is too little room for so many columns and rows, in the words that fit."""
        frame = self.outer_size - self.size
        wanted = [f"{columns + frame.width} columns"] if width < columns else []
        wanted += [f"{rows + frame.height} rows"] if height < rows else []
        needs = f"needs {' and '.join(wanted)}"
        for words in (f"too small: {needs}", needs):
            wrapped = textwrap.wrap(words, max(1, width), break_long_words=False)
            if len(wrapped) <= height and max(map(len, wrapped)) <= width:
                break
        else:
            wrapped = ["too small"]
        return [cut_row([(line, self.ink("warning"))], width) for line in wrapped]

    @property
    def ground(self) -> Style:
        """The widget's own style, which all others are added to."""
        # As of the inks: Textual walks up to the screen for it.
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def ink(self, name: str = "") -> Style:
        """The style of a component class; without a name, the widget's own."""
        # Textual forgets them at every refresh, and walks up to the screen for each one.
        if self._inks is None:
            self._inks = {"": _PLAIN}
        if name not in self._inks:
            self._inks[name] = self.get_component_rich_style(f"ink--{name}")
        return self._inks[name]

    @property
    def few_colours(self) -> bool:
        """Whether the terminal has too few colours for shades of them."""
        return self.app.console.color_system in (None, "standard", "windows")

    def ramp(self, diverging: bool = False, mark: int | None = None) -> list[Piece]:
        """The steps of the matrices' colours, or of their shades, from low to high; one of them marked."""
        if self.few_colours:
            return [(SHADES[:0:-1] + SHADES if diverging else SHADES.strip(), self.ink())]
        return [
            ("┃" if step == mark else " ", ramp_style(step, diverging))
            for step in range(ramp_steps(diverging))
        ]

    @property
    def background(self) -> str:
        """The colour behind what is painted, as #rrggbb."""
        colour = self.ground.bgcolor
        triplet = colour.triplet if colour is not None else None
        dark = self.app.current_theme.dark
        return triplet.hex if triplet is not None else "#000000" if dark else "#ffffff"

    def seen(self) -> list[Strip]:
        """What is on the screen, with what the widget has around it."""
        return self.render_lines(self.outer_size.region)

    def as_text(self) -> str:
        """The rows as plain text."""
        width, height = self.size
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.lines(width, height))

    def repaint(self) -> None:
        """Paint anew, and refresh the spans that differ from what is on the screen."""
        size = (self.size.width, self.size.height)
        if self._painted_at != size or not self.is_on_screen:
            # Not drawn yet (hidden, or resized since): the next render_line paints.
            self._painted_at = None
            self.refresh()
            return
        before, self._strips = self._strips, self._painted(*size)
        regions = [
            Region(start, y, end - start, 1)
            for y, (old, new) in enumerate(zip(before, self._strips, strict=True))
            for start, end in _changed(old, new)
        ]
        if regions:
            self.refresh(*regions)

    def _painted(self, width: int, height: int) -> list[Strip]:
        base = self.ground
        rows = zip(self.lines(width, height), range(height), strict=False)
        strips = [_strip(tuple(row), width, base) for row, _ in rows]
        return strips + [Strip.blank(width, base)] * (height - len(strips))

    def render_line(self, y: int) -> Strip:
        """Textual's hook: one row of the widget."""
        size = (self.size.width, self.size.height)
        if self._painted_at != size:
            self._strips = self._painted(*size)
            self._painted_at = size
        return self._strips[y] if y < len(self._strips) else Strip.blank(size[0], self.ground)

    def notify_style_update(self) -> None:
        """Textual's hook: colours may have changed."""
        self._painted_at = self._ground = self._inks = None
        super().notify_style_update()


@lru_cache(maxsize=512)
def _strip(row: tuple[Piece, ...], width: int, base: Style) -> Strip:
    """A row as Textual draws it; most rows are as they were when a widget is painted anew."""
    # On the widget's own style: a segment without any crashes Textual under NO_COLOR.
    segments = _joined((text, base + style) for text, style in row if text)
    return Strip(segments).adjust_cell_length(width, base)


def _joined(row: Iterable[Piece]) -> list[Segment]:
    """Segments, as few as draw the same: each costs about 40 bytes of colours on the wire.

    Blanks are drawn alike in any colour of ink, so they go along with what stands before them.
    """
    segments: list[Segment] = []
    for text, style in row:
        last = segments[-1].style if segments else None
        if last is not None and (style == last or (text.isspace() and _blank_alike(style, last))):
            segments[-1] = Segment(segments[-1].text + text, last)
        else:
            segments.append(Segment(text, style))
    return segments


def _blank_alike(a: Style, b: Style) -> bool:
    decorated = a.underline or b.underline or a.reverse or b.reverse or a.strike or b.strike
    return a.bgcolor == b.bgcolor and a.meta == b.meta and not decorated


def cut_row(row: Row, width: int) -> list[Piece]:
    """A row in at most `width` cells, with an ellipsis where it was cut."""
    kept: list[Piece] = []
    for text, style in row:
        length = cell_len(text)
        if length > width:
            return [*kept, (cut(text, width), style)]
        kept.append((text, style))
        width -= length
    return kept


def whole_pieces(row: Row, width: int) -> list[Piece]:
    """The first pieces of a row that are seen whole: a number that is cut is another number."""
    kept: list[Piece] = []
    for piece in row:
        width -= cell_len(piece[0])
        if width < 0:
            break
        kept.append(piece)
    return kept


def row_width(row: Row) -> int:
    """The cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def _changed(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """Spans of cells that differ; spans that lie close together are one."""
    if old is new or old == new:
        return []
    spans: list[tuple[int, int]] = []
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, max(len(before), len(after)))]
    for x, (a, b) in enumerate(zip(before, after, strict=True)):
        if a == b:
            continue
        if spans and x - spans[-1][1] <= _GAP:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    return spans


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        if cell_len(text) == len(text):
            cells += [(character, style) for character in text]
            continue
        for character in text:
            width = cell_len(character)
            # Both cells of a wide character differ when it does, so that no span ends inside one.
            cells += [(character, style)] * width
    return cells
