"""Images in a grid, as many as fit; only those that are seen are read."""

import textwrap
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from textual import events
from textual.geometry import Region
from textual.message import Message

from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row
from subspacelens_tui.app.drawing.picture_canvas import Canvas
from subspacelens_tui.app.drawing.picture_cells import Drawn
from subspacelens_tui.app.pictures.source import Pictures
from subspacelens_tui.app.pictures.tiles import Tile
from subspacelens_tui.app.widgets.graphics_overlay import Overlaid
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.sanitise import plain

_WIDTHS = (6, 8, 12, 16, 20, 24, 32, 40, 56, 80, 120)
_AT_FIRST_WIDE, _AT_FIRST, _AT_FIRST_SMALL = 20, 16, 12
_WIDE = 150
# Drawn pictures are kept up to so many cells, about 100 bytes each.
_CELLS_KEPT = 200_000
_STEP = 0.1
# Images of a subject that make it worth a row; how much smaller pictures may be for all to fit in one.
_OF_A_SUBJECT, _SMALLER = 2, 0.6
# Columns of the words beside a subject's first row.
_ASIDE = 11


@dataclass(frozen=True)
class _Placing:
    """Width and height of a picture, tiles in a row, rows seen, the first of these, and all rows."""

    width: int
    height: int
    columns: int
    rows: int
    top: int
    lines: tuple[range, ...]

    def line_of(self, tile: int) -> int:
        """The row of tiles that a tile is in."""
        return next(line for line, tiles in enumerate(self.lines) if tile in tiles)


class PictureGrid(Overlaid, can_focus=True):
    """Tiles in rows, one of them chosen.

    Attributes:
        tiles: all of them.
        chosen: which one is chosen.
        heading: a line above the tiles, if any.
        alone: whether the chosen one has all the room.
        row_width: how wide pictures are at most where a row is to have all images of a subject; None where it
            need not.
        asides: for each subject the lines left of its first row, with their inks; captions then omit it.
    """

    class Moved(Message):
        """Another tile was chosen, or another grid gone to."""

        def __init__(self, grid: "PictureGrid") -> None:
            super().__init__()
            self.grid = grid

    class Opened(Message):
        """The chosen tile was clicked again."""

    def __init__(
        self, source: Pictures, canvas: Canvas, write: Callable[[str], None], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._source, self._canvas, self._write = source, canvas, write
        self.tiles: Sequence[Tile] = ()
        self.chosen = 0
        self.heading = ""
        self.alone = False
        self.row_width: int | None = None
        self.asides: Mapping[str, Sequence[tuple[str, str]]] = {}
        self._empty: Sequence[str] = ()
        self._asked_width: int | None = None
        self._placed: _Placing | None = None
        self._drawn: OrderedDict[tuple[int, int, int], Drawn | str] = OrderedDict()
        self._missing: list[tuple[int, int, int]] = []
        self._loading = False

    def update(self, tiles: Sequence[Tile], heading: str = "", empty: Sequence[str] = ()) -> None:
        """Show these; what was chosen stays chosen.

        Args:
            tiles: all tiles.
            heading: a line above them.
            empty: what to say where there are none.
        """
        before = self.tiles[self.chosen] if self.chosen < len(self.tiles) else None
        self.tiles, self.heading, self._empty = list(tiles), plain(heading), empty
        self.chosen = self.tiles.index(before) if before in self.tiles else 0
        self.repaint()

    @property
    def images_seen(self) -> set[int]:
        """The images that are seen."""
        if self._placed is None:
            return set()
        seen = self._placed.lines[self._placed.top : self._placed.top + self._placed.rows]
        return {self.tiles[place].image for line in seen for place in line if place < len(self.tiles)}

    def read_anew(self, images: set[int]) -> None:
        """Read these again, whose files have changed."""
        if stale := [key for key in self._drawn if key[0] in images]:
            for key in stale:
                self._let_go(self._drawn.pop(key))
            self.repaint()

    def draw_on(self, canvas: Canvas) -> None:
        """Draw all pictures anew on another canvas."""
        if canvas != self._canvas:
            self._canvas = canvas
            self._forget()
            self.repaint()

    def move(self, across: int, down: int) -> None:
        """Choose the tile so many places to the right and rows further down."""
        layout = self._placed
        if layout is None or not self.tiles:
            return
        here = layout.line_of(self.chosen)
        line = layout.lines[min(len(layout.lines) - 1, max(0, here + down))]
        place = line[min(self.chosen - layout.lines[here].start, len(line) - 1)]
        self.choose(place + across)

    def page(self, by: int) -> None:
        """Choose the tile a page further."""
        rows = self._placed.rows if self._placed is not None else 1
        self.move(0, by * max(1, rows))

    def choose(self, index: int) -> None:
        """Choose a tile, the nearest there is."""
        self.chosen = min(max(0, index), max(0, len(self.tiles) - 1))
        self.repaint()
        self.post_message(self.Moved(self))

    def scale(self, by: int) -> None:
        """Pictures one size larger (`by` > 0) or smaller."""
        if self._placed is None:
            return
        now, height = self._placed, self.size.height - bool(self.heading)
        room = self.size.width - self._aside
        for width in _WIDTHS if by > 0 else reversed(_WIDTHS):
            if (width > now.width) if by > 0 else (width < now.width):
                self._asked_width = width
                # A size that is made larger to fill the room may come to the one there is.
                if self._laid_out(room, height).width != now.width:
                    break
        self.repaint()

    def _laid_out(self, width: int, height: int) -> _Placing:
        canvas = self._canvas
        first = _AT_FIRST_WIDE if width >= _WIDE else _AT_FIRST
        if 4 * (first + 1) > width + 1 or 2 * (canvas.rows(first) + 1) > height:
            first = _AT_FIRST_SMALL
        wanted = width if self.alone else self._asked_width or self._of_a_subject(width, first)
        # A picture and its name are always seen whole.
        tile = max(1, min(wanted, width, self._widest(height)))
        columns = 1 if self.alone else max(1, (width + 1) // (tile + 1))
        if not self.alone and self._asked_width is None:
            tile = max(tile, min((width + 1) // columns - 1, self._widest(height)))
        rows = 1 if self.alone else max(1, height // (canvas.rows(tile) + 1))
        # What is left over goes to the pictures, as long as as many fit.
        tile = max(tile, min((width + 1) // columns - 1, self._widest(height // rows)))
        tall = max(1, min(canvas.rows(tile), height // rows - 1))
        top = self._placed.top if self._placed is not None else 0
        placing = _Placing(tile, tall, columns, rows, 0, tuple(self._lines(columns)))
        here, last = placing.line_of(self.chosen), len(placing.lines) - 1
        top = max(min(top, here, last - rows + 1), here - rows + 1, 0)
        return replace(placing, top=top)

    def _runs(self) -> list[int]:
        """How many tiles there are of each subject, if a row for each does not leave most places blank."""
        runs = [len(list(run)) for _, run in groupby(self.tiles, key=lambda tile: tile.subject)]
        return runs if len(self.tiles) >= _OF_A_SUBJECT * len(runs) else [len(self.tiles)]

    def _lines(self, columns: int) -> Iterator[range]:
        """The tiles of each row: a subject begins a row of its own."""
        first = 0
        for count in self._runs():
            for start in range(first, first + count, columns):
                yield range(start, min(start + columns, first + count))
            first += count

    def _of_a_subject(self, width: int, first: int) -> int:
        """A width at which a row has all images of a subject, if it is not much below another."""
        runs = self._runs()
        fits = (width + 1) // max(runs) - 1
        if self.row_width is not None and fits >= _WIDTHS[0]:
            return min(fits, self.row_width)
        return min(first, fits) if len(runs) > 1 and fits >= _SMALLER * first else first

    @property
    def _aside(self) -> int:
        """The columns left of the pictures."""
        return _ASIDE if self.asides and not self.alone else 0

    def _words_aside(self, tiles: Sequence[Tile], begins: bool, line: int) -> Piece:
        """The words left of a line of a row of tiles; blank but for the first row of a subject."""
        words = self.asides.get(tiles[0].subject, ()) if begins else ()
        text, ink = words[line] if line < len(words) else ("", "")
        return fit(plain(text), self._aside - 1) + " " if self._aside else "", self.ink(ink)

    def _widest(self, height: int) -> int:
        """The columns of the largest square that leaves a row for its name."""
        cell = self._canvas.cell
        return int((height - 1) * cell[1] / cell[0] + 0.5)

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The heading, then rows of pictures with their names."""
        self._missing, self.over = [], {}
        first = int(bool(self.heading))
        if self.heading:
            yield cut_row([(self.heading, self.ink("accent" if self.has_focus else "dim"))], width)
            height -= 1
        if not self.tiles:
            self._placed = None
            yield ()
            for words in self._empty:
                yield from (((row, self.ink("dim")),) for row in textwrap.wrap(words, max(8, width)) or [""])
            return
        aside = self._aside
        self._placed = layout = self._laid_out(width - aside, height)
        gap = (" ", self.ink())
        for row in range(layout.top, layout.top + layout.rows):
            line_of_tiles = layout.lines[row] if row < len(layout.lines) else range(0)
            shown = self.tiles[line_of_tiles.start : line_of_tiles.stop]
            y = first + (row - layout.top) * (layout.height + 1)
            pictures = [
                self._picture(tile, layout, aside + column * (layout.width + 1), y)
                for column, tile in enumerate(shown)
            ]
            begins = bool(shown) and self._begins(line_of_tiles.start)
            for line in range(layout.height):
                aside_words = self._words_aside(shown, begins, line)
                yield [aside_words, *(piece for picture in pictures for piece in (*picture[line], gap))]
            row_of_names: list[Piece] = [self._words_aside(shown, begins, layout.height)]
            for index, tile in enumerate(shown, line_of_tiles.start):
                row_of_names += [self._caption(tile, layout.width, index == self.chosen), gap]
            yield row_of_names
        if self._missing and not self._loading:
            self.call_next(self._load)

    def _begins(self, place: int) -> bool:
        """Whether a tile is the first of its subject."""
        return place == 0 or self.tiles[place - 1].subject != self.tiles[place].subject

    def _caption(self, tile: Tile, width: int, chosen: bool) -> Piece:
        ink = ("selected" if self.has_focus else "strong") if chosen else "dim"
        detail = plain(tile.detail).strip() if self._aside else plain(tile.detail)
        subject = "" if self._aside else cut(plain(tile.subject), max(0, width - 1 - len(detail)))
        return fit(("▶" if chosen else " ") + subject + detail, width), self.ink(ink)

    def _picture(self, tile: Tile, layout: _Placing, x: int, y: int) -> list[list[Piece]]:
        """The rows of the tile at a place: the picture in the middle of its room, or why there is none."""
        key = (tile.image, layout.width, layout.height)
        drawn = self._drawn.get(key)
        blank = (" " * layout.width, self.ink())
        if drawn is None:
            self._missing.append(key)
            return [[blank]] * layout.height
        self._drawn.move_to_end(key)
        if isinstance(drawn, str):
            lines = textwrap.wrap(plain(drawn), layout.width)[: layout.height]
            text = [[(fit(line, layout.width), self.ink("warning"))] for line in lines]
            return text + [[blank]] * (layout.height - len(text))
        above, before = (layout.height - len(drawn.rows)) // 2, (layout.width - drawn.width) // 2
        if drawn.over:
            self.over[Region(x + before, y + above, drawn.width, len(drawn.rows))] = drawn.over
        left, right = " " * before, " " * (layout.width - drawn.width - before)
        rows = [[(left, self.ink()), *row, (right, self.ink())] for row in drawn.rows]
        below = layout.height - above - len(rows)
        return [[blank]] * above + rows + [[blank]] * below

    def _load(self) -> None:
        if self._missing and not self._loading:
            self._loading = True
            self.run_worker(self._fetch(), group="pictures")

    async def _fetch(self) -> None:
        """Read what is seen, picture by picture; what went out of sight in the meantime is not read."""
        painted = time.monotonic()
        try:
            while self._missing:
                key = self._missing[0]
                canvas, (image, columns, rows) = self._canvas, key
                draw = partial(canvas.draw, columns=columns, rows=rows)
                drawn: Drawn | str
                try:
                    drawn = await self._source.picture(image, canvas.pixels(columns, rows), draw)
                except SessionError as error:
                    drawn = str(error)
                if canvas == self._canvas:
                    self._keep(key, drawn)
                # To paint is to compare all cells: a screenful of pictures comes in a few steps.
                if not self._missing or time.monotonic() - painted > _STEP:
                    self._missing = []
                    self.repaint()
                    painted = time.monotonic()
        finally:
            self._loading = False

    def _keep(self, key: tuple[int, int, int], drawn: Drawn | str) -> None:
        if isinstance(drawn, Drawn) and drawn.before:
            self._write(drawn.before)
        self._drawn[key] = drawn
        while len(self._drawn) > 1 and sum(columns * rows for _, columns, rows in self._drawn) > _CELLS_KEPT:
            self._forget_oldest()
        if key in self._missing:
            self._missing.remove(key)

    def _forget_oldest(self) -> None:
        self._let_go(self._drawn.popitem(last=False)[1])

    def _let_go(self, drawn: Drawn | str) -> None:
        if isinstance(drawn, Drawn) and drawn.after:
            self._write(drawn.after)

    def _forget(self) -> None:
        while self._drawn:
            self._forget_oldest()

    def on_unmount(self) -> None:
        """The terminal need not keep what is not shown any more."""
        self._forget()

    def watch_has_focus(self, focused: bool) -> None:
        """Textual's hook: the choice is marked where the keys go."""
        super().watch_has_focus(focused)
        self.repaint()
        if focused:
            self.post_message(self.Moved(self))

    def on_click(self, event: events.Click) -> None:
        """Choose the tile under the mouse; open it if it is chosen."""
        offset, layout = event.get_content_offset(self), self._placed
        if offset is None or layout is None:
            return
        if self.alone:
            self.post_message(self.Opened())
            return
        row = (offset.y - bool(self.heading)) // (layout.height + 1)
        column = (offset.x - self._aside) // (layout.width + 1)
        if row < 0 or column < 0 or layout.top + row >= len(layout.lines):
            return
        line = layout.lines[layout.top + row]
        if column >= len(line):
            return
        index = line[column]
        if index == self.chosen:
            self.post_message(self.Opened())
        else:
            self.choose(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the choice."""
        event.stop()
        self.move(0, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the choice."""
        event.stop()
        self.move(0, -1)
