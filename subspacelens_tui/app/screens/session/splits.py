"""The borders between the panes: moved by mouse and by keys, and remembered."""

from dataclasses import dataclass

from textual.containers import Vertical
from textual.widget import Widget

from subspacelens_tui.app.controllers.borders import moved
from subspacelens_tui.app.panes.pane import BorderDragged, Pane
from subspacelens_tui.app.screens.session.base import SessionBase

_LEAST_WIDTH, _LEAST_HEIGHT = 16, 5


@dataclass(frozen=True)
class _Group:
    """Widgets side by side.

    Attributes:
        name: what its sizes are remembered by.
        widgets: in order.
        across: whether they are columns; else they are rows.
    """

    name: str
    widgets: list[Widget]
    across: bool

    @property
    def sizes(self) -> list[int]:
        """Their sizes now, in cells."""
        return [w.outer_size.width if self.across else w.outer_size.height for w in self.widgets]

    def place(self, pane: Widget) -> int | None:
        """Which of them holds the pane."""
        return next((i for i, w in enumerate(self.widgets) if w is pane or w is pane.parent), None)


class SplitActions(SessionBase):
    """Moving borders. Sizes are proportions, so they hold on terminals of other sizes too."""

    def _groups(self) -> list[_Group]:
        columns = [column for column in self.query_one("#body").children if column.display]
        name = "layers,beside" if self.has_class("folded") else ",".join(str(c.id) for c in columns)
        groups = [_Group(name, columns, across=True)]
        for column in columns:
            if isinstance(column, Vertical):
                rows = [pane for pane in column.children if pane.display and isinstance(pane, Pane)]
                groups.append(_Group(",".join(pane.slot for pane in rows), list(rows), across=False))
        return [group for group in groups if len(group.widgets) > 1]

    def _apply_splits(self) -> None:
        """Give the panes the sizes they were moved to."""
        widths: dict[Widget, int] = {}
        heights: dict[Widget, int] = {}
        for group in self._groups():
            sizes = self.splits.get(group.name, ())
            if len(sizes) == len(group.widgets):
                (widths if group.across else heights).update(zip(group.widgets, sizes, strict=True))
        for widget in (*self.query_one("#body").children, *self.panes):
            widget.styles.width = f"{widths[widget]}fr" if widget in widths else None
            widget.styles.height = f"{heights[widget]}fr" if widget in heights else None

    def _move(self, group: _Group, border: int, by: int) -> None:
        least = _LEAST_WIDTH if group.across else _LEAST_HEIGHT
        sizes = group.sizes
        if (wanted := moved(sizes, border, by, [least] * len(sizes))) != sizes:
            self.splits[group.name] = wanted
            self._apply_splits()

    def on_border_dragged(self, message: BorderDragged) -> None:
        """A border is where the mouse has it."""
        region = message.pane.region
        across = message.edge in ("left", "right")
        for group in self._groups():
            place = group.place(message.pane)
            if group.across != across or place is None:
                continue
            border = place if message.edge in ("right", "bottom") else place - 1
            if 0 <= border < len(group.widgets) - 1:
                here = {
                    "left": region.x,
                    "right": region.right - 1,
                    "top": region.y,
                    "bottom": region.bottom - 1,
                }[message.edge]
                self._move(group, border, (message.x if across else message.y) - here)
                if message.released:
                    self.setup.memory.keep_split(group.name, self.splits.get(group.name))

    def action_move_border(self, across: int, down: int) -> None:
        """Move the focused pane's border: the one after it, or before it if it is the last."""
        pane = self.focused if isinstance(self.focused, Pane) else None
        for group in self._groups():
            place = group.place(pane) if pane is not None else None
            by = across if group.across else down
            if by and place is not None:
                self._move(group, min(place, len(group.widgets) - 2), by)
                self.setup.memory.keep_split(group.name, self.splits.get(group.name))
                return
        self._tell("no border to move: go to a pane that has a neighbour there")

    def action_reset_borders(self) -> None:
        """All panes back to the sizes they have by themselves."""
        self.splits.clear()
        self.setup.memory.keep(splits={})
        self._apply_splits()
