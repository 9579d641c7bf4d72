"""Widgets that have something drawn over their cells: what terminals have beside text, such as sixels."""

from collections.abc import Sequence

from textual.geometry import Region

from subspacelens_tui.app.drawing.painted_widget import Painted


class Overlaid(Painted):
    """A painted widget with something over its cells.

    Attributes:
        over: what is to be drawn, by the cells of the widget it covers; `paint` sets it.
    """

    over: dict[Region, str]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.over = {}

    def over_cells(self, sent: Sequence[tuple[int, int, int]] | None) -> str:
        """What goes over cells that are sent to the terminal, for these wipe it out.

        Args:
            sent: row, first column and end of each span; all of the screen if None.
        """
        if not (self.over and self.is_on_screen):
            return ""
        spans = None if sent is None else [Region(x, y, end - x, 1) for y, x, end in sent]
        corner = self.content_region.offset
        placed = [(region.translate(corner), over) for region, over in self.over.items()]
        return "".join(
            f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{over}\x1b8"
            for region, over in placed
            if spans is None or any(region.overlaps(span) for span in spans)
        )
