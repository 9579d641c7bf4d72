"""The row of tabs that stands for the panes where they cannot all be seen."""

from collections.abc import Callable, Iterable, Sequence

from rich.style import Style

from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.panes.pane import Pane

_LONGEST = (20, 4, 0)


class PaneTabs(Painted):
    """Number and name of each pane, the visible ones marked.

    Not Textual's `Tabs`: these move an underline through every cell on the way, nine times the bytes
    (`benchmarks/widgets.py`), and take three rows of a screen that may have ten.

    Args:
        panes: in their order.
        seen: the pane that is seen at a place, or will be.
    """

    def __init__(
        self, panes: Sequence[Pane], seen: Callable[[str], type[Pane]], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._panes, self._seen = list(panes), seen

    def _shown(self) -> list[Pane]:
        """One pane a place: the one that is seen there, or will be."""
        return [pane for pane in self._panes if type(pane) is self._seen(pane.place)]

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The tabs, with short names if there is no room for long ones."""
        for longest in _LONGEST:
            row: list[Piece] = [(" ", self.ink())]
            for pane in self._shown():
                # Where there is least room, only the panes that are seen keep their names.
                name = pane.tab if pane.display and not longest else pane.tab[:longest]
                text = f"{pane.jump} {name}".strip()
                click = Style.from_meta({"@click": f"screen.jump('{pane.place}')"})
                shown = (f"[{text}]", self.ink("chosen")) if pane.display else (f" {text} ", self.ink("dim"))
                row.append((shown[0], shown[1] + click))
            if row_width(row) <= width:
                break
        yield cut_row(row, width)
