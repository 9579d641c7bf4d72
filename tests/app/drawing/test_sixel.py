"""Sixels in a real terminal, which text that comes later wipes out."""

import re
import sys
import time

import pyte

from tests.app.conftest import with_pictures
from tests.conftest import PlantedSessionFactory as Planted
from tests.terminal import PATIENCE, Terminal

PICTURE = re.compile(rb'\x1b7\x1b\[(\d+);(\d+)H\x1bP0;1q"1;1;(\d+);(\d+)[^\x1b]*\x1b\\\x1b8')
CUT = re.compile(rb"\x1b(7(\x1b(\[[\d;]*(H(\x1b(P[^\x1b]*(\x1b(\\\x1b?)?)?)?)?)?)?)?)?$")
CELL = (10, 20)
PLACES = [(row, column) for row in (2, 12) for column in (1, 20, 39, 58)]


class Screen(pyte.Screen):
    """A screen that knows which of its cells show a part of a picture."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.shown: dict[tuple[int, int], int] = {}
        self.pictures: list[tuple[int, int, int]] = []

    def draw(self, data: str) -> None:
        for column in range(self.cursor.x, self.cursor.x + len(data)):
            self.shown.pop((self.cursor.y, column), None)
        super().draw(data)

    def draw_picture(self, row: int, column: int, width: int, height: int) -> None:
        for y in range(row, row + height):
            for x in range(column, column + width):
                self.shown[y, x] = len(self.pictures)
        self.pictures.append((row, column, width * height))

    @property
    def whole(self) -> list[tuple[int, int]]:
        """Where pictures are of which nothing was wiped out."""
        cells = list(self.shown.values())
        return sorted(
            (row, column)
            for number, (row, column, area) in enumerate(self.pictures)
            if cells.count(number) == area
        )


class Stream(pyte.ByteStream):
    """Text goes to the screen as ever; pyte knows no sixels."""

    pending = b""

    def feed(self, data: bytes) -> None:
        self.pending += data
        while found := PICTURE.search(self.pending):
            super().feed(self.pending[: found.start()])
            row, column, width, height = map(int, found.groups())
            self.listener.draw_picture(row - 1, column - 1, width // CELL[0], height // CELL[1])
            self.pending = self.pending[found.end() :]
        cut = CUT.search(self.pending)
        ready = self.pending[: cut.start()] if cut else self.pending
        super().feed(ready)
        self.pending = self.pending[len(ready) :]


def settled(terminal: Terminal, screen: Screen) -> list[tuple[int, int]]:
    """The pictures once all were there and nothing comes any more."""
    terminal.wait(lambda text: len(screen.whole) == len(PLACES))
    received = -1
    while received != terminal.received:
        received = terminal.received
        terminal.read(0.5)
    return screen.whole


def test_pictures_stay_whole_whatever_is_drawn(planted: Planted) -> None:
    session = with_pictures(planted(seeds=8).start())
    command = [sys.executable, "-m", "subspacelens_tui", "replay", str(session.path), "--pictures", "sixel"]
    terminal = Terminal(command, 80, 24)
    terminal.screen = screen = Screen(80, 24)
    terminal._stream = Stream(screen)
    try:
        terminal.wait_for("finished 72/72")
        terminal.type("a")
        assert settled(terminal, screen) == PLACES
        # Right, left: nothing is drawn again that is still there, once all is drawn that was still to come.
        deadline, before = time.monotonic() + PATIENCE, -1
        while before != len(screen.pictures):
            assert time.monotonic() < deadline, "each key draws them again"
            before = len(screen.pictures)
            terminal.type("\x1b[C\x1b[D")
            assert settled(terminal, screen) == PLACES
        for keys in ("\x1b[B\x1b[B\x1b[B", "\x1b[6~", "\x1b[5~"):  # down, page down, page up
            terminal.type(keys)
            assert settled(terminal, screen) == PLACES
        terminal.type("?")
        terminal.wait(lambda text: screen.whole == [])
        terminal.type("\x1b")
        assert settled(terminal, screen) == PLACES
        terminal.type("q")
        assert terminal.exit_status() == 0
    finally:
        terminal.close()
