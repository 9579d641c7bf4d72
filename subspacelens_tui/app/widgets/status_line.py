"""The line for messages: what went wrong stays until it is right again."""

import textwrap
from collections.abc import Iterable
from typing import Literal

from textual.geometry import Size

from subspacelens_tui.app.drawing.painted_widget import Painted, Row, cut_row
from subspacelens_tui.sessions.sanitise import plain

Level = Literal["error", "warning", "note", "none"]

_SIGNS: dict[Level, tuple[str, str]] = {
    "error": (" ✗ ", "error"),
    "warning": (" ! ", "warning"),
    "note": (" · ", "dim"),
    "none": ("", "dim"),
}


class StatusLine(Painted):
    """One message at a time; the screen decides which matters most."""

    level: Level = "none"
    message = ""

    def update(self, level: Level, message: str) -> None:
        """Show this."""
        if (level, message) == (self.level, self.message):
            return
        self.level, self.message = level, plain(message)
        if self.get_content_height(self.size, self.size, self.size.width) != self.size.height:
            self.refresh(layout=True)
        self.repaint()

    def warn(self, lines: Iterable[str]) -> None:
        """Show these warnings, each once, in place of the last ones; if there are none, leave notes alone."""
        words = "  ·  ".join(dict.fromkeys(lines))
        if words or self.level == "warning":
            self.update("warning" if words else "none", words)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Textual's hook: a long message takes a second row, so that it can be read to its end."""
        return len(self._rows(width))

    def _rows(self, width: int) -> list[str]:
        return textwrap.wrap(self.message, max(8, width - 3), max_lines=2, placeholder=" …") or [""]

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The message with a sign that needs no colour."""
        sign, ink = _SIGNS[self.level]
        if height == 1:
            yield cut_row([(sign, self.ink(ink)), (self.message, self.ink(ink))], width)
            return
        for row in self._rows(width):
            yield cut_row([(sign, self.ink(ink)), (row, self.ink(ink))], width)
            sign = " " * len(sign)
