"""Some lines of text, wrapped; warnings among them have a sign."""

import textwrap
from collections.abc import Iterable, Sequence

from textual.geometry import Size

from subspacelens_tui.app.drawing.painted_widget import Painted, Row, cut_row
from subspacelens_tui.sessions.sanitise import plain

_INDENT = 2


class TextLines(Painted):
    """TextLines, each with whether it is a warning."""

    _lines: Sequence[tuple[str, bool]] = ()

    def update(self, lines: Sequence[tuple[str, bool]]) -> None:
        """Show these."""
        if list(lines) == list(self._lines):
            return
        self._lines = list(lines)
        if self.get_content_height(self.size, self.size, self.size.width) != self.size.height:
            self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Textual's hook: as many rows as the lines take."""
        return max(1, sum(len(self._wrapped(text, width)) for text, _ in self._lines))

    def _wrapped(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(plain(text), max(10, width - _INDENT)) or [""]

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Rows of text."""
        for text, warning in self._lines:
            ink = self.ink("warning" if warning else "dim")
            for index, row in enumerate(self._wrapped(text, width)):
                sign = "! " if warning and not index else " " * _INDENT
                yield cut_row([(sign, ink), (row, ink)], width)
