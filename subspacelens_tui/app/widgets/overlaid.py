"""Widgets that draw over their cells: what terminals have beside text, such as sixels.

It is drawn after the cells below it were sent, and again only where they were sent again.
"""

from collections.abc import Callable
from typing import Self

from textual.geometry import Region

from subspacelens_tui.app.widgets.painted import Painted


class Overlaid(Painted):
    """A painted widget with something over its cells.

    Args:
        write: sends to the terminal as it is.

    Attributes:
        over: what is to be drawn, by column and row of the widget; `paint` sets it.
    """

    def __init__(self, write: Callable[[str], None], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.write = write
        self.over: dict[tuple[int, int], str] = {}
        self._sent: dict[tuple[int, int], str] = {}

    def repaint(self) -> None:
        """Paint anew, and draw over what changed."""
        super().repaint()
        self._draw_over()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Textual's hook: these cells are sent again; all of them unless some are named."""
        if not regions:
            self.draw_over_again()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def draw_over_again(self) -> None:
        """All cells are sent again, and with them goes what was drawn over them."""
        self._sent = {}
        self.call_after_refresh(self._send_over)

    def _draw_over(self) -> None:
        if self.over != self._sent:
            self.call_after_refresh(self._send_over)

    def _send_over(self) -> None:
        if not self.is_attached or self.app.screen is not self.screen:
            return
        left, top = self.content_region.offset
        for (x, y), over in self.over.items():
            if self._sent.get((x, y)) != over:
                self.write(f"\x1b7\x1b[{top + y + 1};{left + x + 1}H{over}\x1b8")
        self._sent = dict(self.over)
