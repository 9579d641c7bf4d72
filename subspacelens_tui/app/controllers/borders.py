"""The borders between the panes: moved by mouse and by keys, and remembered."""

from collections.abc import Callable, Sequence

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.panes.pane import Edge
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.widgets.pane_body import SideBySide

_LEAST_WIDTH, _LEAST_HEIGHT = 16, 5


class BordersController(Controller):
    """Moving borders. Sizes are proportions, so they hold on terminals of other sizes too.

    Args:
        saved: keeps them.
        groups: what lies side by side now.
        focused: the name of the pane that has the keys.
        resize: gives the panes the proportions that `shares` says.
        tell: says something.

    Attributes:
        sizes: that panes side by side were given, by the names of the groups.
    """

    def __init__(
        self,
        saved: SavedState,
        groups: Callable[[], Sequence[SideBySide]],
        focused: Callable[[], str | None],
        resize: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._saved = saved
        self._groups, self._focused, self._resize, self._tell = groups, focused, resize, tell
        self.sizes = dict(saved.now.splits)

    def shares(self, group: SideBySide) -> Sequence[int]:
        """The proportions that a group was moved to; none if it has those of the style sheet."""
        sizes = self.sizes.get(group.name, ())
        return sizes if len(sizes) == len(group.members) else ()

    def drag(self, pane: str, edge: Edge, by: int, released: bool) -> None:
        """Move an edge of a pane by so many cells."""
        for group in self._groups():
            place = group.place(pane)
            if group.across != (edge in ("left", "right")) or place is None:
                continue
            border = place if edge in ("right", "bottom") else place - 1
            if 0 <= border < len(group.members) - 1:
                self._move(group, group.sizes, border, by)
                if released:
                    self._keep(group)

    def action_move_border(self, across: int, down: int) -> None:
        """Move the focused pane's border: the one after it, or before it if it is the last."""
        pane = self._focused()
        for group in self._groups():
            place = group.place(pane)
            by = across if group.across else down
            if by and place is not None:
                self._move(group, self._sizes_soon(group), min(place, len(group.members) - 2), by)
                self._keep(group)
                return
        self._tell("no border to move: go to a pane that has a neighbour there")

    def action_reset_borders(self) -> None:
        """All panes back to the sizes they have by themselves."""
        self.sizes.clear()
        self._saved.keep(splits={})
        self._resize()

    def _sizes_soon(self, group: SideBySide) -> Sequence[int]:
        """What a group will have once the layout follows a key: another key may come before that."""
        asked = self.shares(group)
        return asked if sum(asked) == sum(group.sizes) else group.sizes

    def _move(self, group: SideBySide, before: Sequence[int], border: int, by: int) -> None:
        least = _LEAST_WIDTH if group.across else _LEAST_HEIGHT
        sizes = moved(before, border, by, [least] * len(before))
        if sizes != list(before):
            self.sizes[group.name] = sizes
            self._resize()

    def _keep(self, group: SideBySide) -> None:
        self._saved.keep_split(group.name, self.sizes.get(group.name))


def moved(sizes: Sequence[int], border: int, by: int, least: Sequence[int]) -> list[int]:
    """The sizes with one border moved; what one side gains the other loses, the rest stays.

    Args:
        sizes: in cells, in order.
        border: the one after `sizes[border]`.
        by: cells, to the right or down; as many of them as the limits allow.
        least: what each must keep, unless it has less already.
    """
    before, after = sizes[border], sizes[border + 1]
    room_before = max(0, before - least[border])
    room_after = max(0, after - least[border + 1])
    by = max(-room_before, min(by, room_after))
    return [*sizes[:border], before + by, after - by, *sizes[border + 2 :]]
