"""What is under the mouse is said in place of what is selected."""

from typing import TYPE_CHECKING, Generic, TypeVar

from textual import events
from textual.geometry import Offset

if TYPE_CHECKING:
    from subspacelens_tui.app.drawing.painted_widget import Painted
else:

    class Painted:
        """No widget when it runs: Textual takes styles and focus from the first base that is one."""


Place = TypeVar("Place")


class Pointing(Painted, Generic[Place]):
    """Mixed into a widget with places, layers or cells, that can be pointed at."""

    _pointed: Place | None = None

    def place_under(self, offset: Offset | None) -> Place | None:
        """The place at an offset in the content; None outside it, or where there is no place."""
        raise NotImplementedError

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say what is under the mouse."""
        self._point_at(self.place_under(event.get_content_offset(self)))

    def on_leave(self) -> None:
        """Say what is selected again."""
        self._point_at(None)

    def _point_at(self, place: Place | None) -> None:
        if place != self._pointed:
            self._pointed = place
            self.repaint()
