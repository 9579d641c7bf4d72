"""Which panes are seen, and which has the keys."""

from collections.abc import Sequence
from typing import Protocol

from subspacelens_tui.app.controllers.arrangement import CURVES, LAYERS, Arrangement, arrange
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.panes.registry import places
from subspacelens_tui.app.selection import MEASURES

# What the key for another view changes where the focused pane has no other.
_WITH_OTHERS = "rank"


class Body(Protocol):
    """The part of the screen that holds the panes."""

    def room(self) -> tuple[int, int]:
        """Width and height of the screen, in cells."""

    def focused_pane(self) -> type[Pane] | None:
        """The pane that has the keys."""

    def arrange_panes(self) -> None:
        """Show the panes as the layout has them now."""

    def focus_pane(self, name: str) -> None:
        """Give the keys to a pane."""


class LayoutController(Controller):
    """Arranging the panes and moving between them.

    Args:
        panes: in their order.
        state: of the screen.
        body: shows them.

    Attributes:
        active: the place last gone to, apart from the list.
        maximised: the place that is seen alone.
        shows: the pane that was chosen for a place that several share.
    """

    def __init__(self, panes: Sequence[type[Pane]], state: SessionState, body: Body) -> None:
        self._panes = panes
        self._places = places(panes)
        self._measured = {pane.measure: pane.place for pane in panes if pane.measure is not None}
        self._state = state
        self._body = body
        self.active = CURVES
        self.maximised: str | None = None
        self.shows: dict[str, str] = {}

    def arrangement(self) -> Arrangement:
        """How the panes are laid out."""
        return arrange(self._panes, self._body.room(), self.active, self.maximised, self._state.measure)

    def seen(self, place: str) -> type[Pane]:
        """The pane that is seen at a place."""
        of_place = self._places[place]
        return next((pane for pane in of_place if pane.pane_name == self.shows.get(place)), of_place[0])

    def is_seen(self, pane: type[Pane], arrangement: Arrangement) -> bool:
        """Whether a pane is seen in an arrangement."""
        return pane.place in arrangement.visible and pane is self.seen(pane.place)

    def following(self, pane: type[Pane]) -> type[Pane]:
        """The next pane of the same place; itself where it has its place alone."""
        of_place = self._places[pane.place]
        return of_place[(of_place.index(pane) + 1) % len(of_place)]

    @property
    def here(self) -> str:
        """The place of the focused pane, else the one last gone to."""
        focused = self._body.focused_pane()
        return focused.place if focused is not None else self.active

    def here_pane(self) -> type[Pane]:
        """The focused pane, else the one seen at the place last gone to."""
        return self._body.focused_pane() or self.seen(self.active)

    def restore(self, maximised: str | None, shows: dict[str, str]) -> None:
        """Take what was seen last time, as far as there are such panes."""
        if maximised in self._places:
            self.maximised = maximised
        known = {pane.pane_name: pane.place for pane in self._panes}
        self.shows |= {place: pane for place, pane in shows.items() if known.get(pane) == place}

    def go_on_from(self, pane: type[Pane]) -> None:
        """Show the next pane of a place instead of this one."""
        self.shows[pane.place] = self.following(pane).pane_name
        if self._body.focused_pane() is pane:
            self.action_jump(pane.place)
        else:
            self._body.arrange_panes()

    def action_pane_view(self) -> None:
        """Show what else the pane has: the focused one, or else the last that has something else."""
        focused = self._body.focused_pane()
        shares = focused is not None and self.following(focused) is not focused
        self.go_on_from(focused if focused is not None and shares else self.seen(_WITH_OTHERS))

    def action_show(self, name: str) -> None:
        """Show a pane that shares its place, by its name."""
        chosen = next(pane for pane in self._panes if pane.pane_name == name)
        self.shows[chosen.place] = name
        self.action_jump(chosen.place)

    def action_jump(self, place: str) -> None:
        """Go to a place, showing it if it is not seen."""
        if self.maximised is not None:
            self.maximised = place
        if place != LAYERS or self.arrangement().single:
            self.active = place
        if place not in self.arrangement().visible:
            measure = self.seen(place).measure
            if measure is not None:
                self._state.measure = measure
            else:
                self.maximised = place
        self._arrange(place)

    def _arrange(self, place: str) -> None:
        self._body.arrange_panes()
        self._body.focus_pane(self.seen(place).pane_name)

    def action_pane(self, by: int) -> None:
        """Go to the next pane or the previous one."""
        names = list(self._places)
        arrangement = self.arrangement()
        if not arrangement.folded and self.maximised is None:
            names = [name for name in names if name in arrangement.visible]
        here = self.maximised or self.here
        place = names.index(here) if here in names else -1
        self.action_jump(names[(place + by) % len(names)])

    def action_maximise(self) -> None:
        """Show the pane alone, or all again; it keeps the keys as long as it is seen."""
        here = self.here
        self.maximised = None if self.maximised is not None else here
        arrangement = self.arrangement()
        self._arrange(here if here in arrangement.visible else arrangement.focus)

    def action_next_measure(self) -> None:
        """Excess, ΔR, or both; where there is no room for both, the other one."""
        state, focused, now = self._state, self._body.focused_pane(), self.arrangement()
        curves = {place: measure for measure, place in self._measured.items()}
        elsewhere = self.maximised is not None and self.maximised not in curves
        if elsewhere or (now.roomy and not now.single and not now.folded):
            state.measure = MEASURES[(MEASURES.index(state.measure) + 1) % len(MEASURES)]
            following = self._measured.get(state.measure, self.active)
        else:
            following = next(place for place in curves if place not in now.visible)
            state.measure = curves[following]
            self.maximised = following if self.maximised is not None else None
        if now.folded or self.active in curves:
            self.active = following
        if focused is not None and focused.place not in self.arrangement().visible:
            self._arrange(self.active)
        else:
            self._body.arrange_panes()
