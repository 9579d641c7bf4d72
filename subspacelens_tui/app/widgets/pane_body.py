"""The panes in their columns, and the sizes of what lies side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from subspacelens_tui.app.panes.pane import Column, Pane


@dataclass(frozen=True)
class SideBySide:
    """Columns, or the panes of one.

    Attributes:
        name: what their sizes are remembered by.
        members: the names of the panes in each, in order.
        sizes: of each now, in cells.
        across: whether they are columns; else they are rows.
    """

    name: str
    members: tuple[frozenset[str], ...]
    sizes: tuple[int, ...]
    across: bool

    def place(self, pane: str | None) -> int | None:
        """Which of them holds a pane."""
        return next((place for place, names in enumerate(self.members) if pane in names), None)


class PaneBody(Horizontal):
    """Panes on the left by themselves, the others one above the other in two columns.

    Args:
        panes: in their order.
    """

    def __init__(self, panes: Sequence[Pane]) -> None:
        def column(name: Column) -> list[Pane]:
            return [pane for pane in panes if pane.in_column == name]

        self._middle = Vertical(*column("middle"), id="middle")
        self._right = Vertical(*column("right"), id="right")
        super().__init__(*column("left"), self._middle, self._right, id="body")
        self._panes = panes

    def show(self, is_seen: Callable[[type[Pane]], bool]) -> None:
        """Show some of the panes, and the columns that hold any of them."""
        for pane in self._panes:
            pane.display = is_seen(type(pane))
        for column in (self._middle, self._right):
            column.display = any(pane.display for pane in column.children)

    def side_by_side(self, folded: bool) -> list[SideBySide]:
        """The columns that are seen, and the panes of each, as far as there are several."""
        columns = [column for column in self.children if column.display]
        name = "layers,beside" if folded else ",".join(str(column.id) for column in columns)
        members = tuple(frozenset(pane.pane_name for pane in _panes_in(column)) for column in columns)
        widths = tuple(column.outer_size.width for column in columns)
        groups = [SideBySide(name, members, widths, across=True)]
        for column in columns:
            if isinstance(column, Vertical):
                rows = [pane for pane in _panes_in(column) if pane.display]
                places = ",".join(pane.place for pane in rows)
                names = tuple(frozenset({pane.pane_name}) for pane in rows)
                heights = tuple(pane.outer_size.height for pane in rows)
                groups.append(SideBySide(places, names, heights, across=False))
        return [group for group in groups if len(group.members) > 1]

    def resize(self, groups: Sequence[tuple[SideBySide, Sequence[int]]]) -> None:
        """Give columns and panes the proportions they were moved to, else those of the style sheet."""
        widths: dict[str, int] = {}
        heights: dict[str, int] = {}
        for group, shares in groups:
            for names, share in zip(group.members, shares, strict=False):
                (widths if group.across else heights).update(dict.fromkeys(names, share))
        for column in self.children:
            name = next((pane.pane_name for pane in _panes_in(column)), "")
            column.styles.width = f"{widths[name]}fr" if name in widths else None
        for pane in self._panes:
            pane.styles.height = f"{heights[pane.pane_name]}fr" if pane.pane_name in heights else None


def _panes_in(column: Widget) -> list[Pane]:
    """The panes of a column; a pane may be one by itself."""
    return [pane for pane in (column, *column.children) if isinstance(pane, Pane)]
