"""The base of the widgets with a handle on a track: dragged by the mouse, and marked where the keys go."""

from textual import events

from subspacelens_tui.app.drawing.painted_widget import Painted

SLIDER_AT_LEAST = 8


class Slider(Painted, can_focus=True):
    """A handle that can be dragged."""

    _drags = False

    def move_to(self, event: events.MouseEvent) -> None:
        """The handle was put where the mouse is."""
        raise NotImplementedError

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the handle."""
        self._drags = True
        self.capture_mouse()
        self.move_to(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self._drags = False
        self.capture_mouse(False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the handle."""
        if self._drags:
            self.move_to(event)

    def on_focus(self) -> None:
        """Show that it has the keys."""
        self.repaint()

    def on_blur(self) -> None:
        """Show that it has them no more."""
        self.repaint()
