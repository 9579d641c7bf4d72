"""Screens that say so where the terminal is too small for anything of use."""

from textual import events
from textual.widget import Widget
from textual.widgets import Static

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
_WIDE, _TALL = 72, 20


class NeedsRoom(Widget):
    """A screen that is hidden behind a message where it has too little room.

    Panes say by themselves what they lack, in their own place; named after `Screen` among the bases.
    """

    def on_mount(self) -> None:
        """The message waits for its turn."""
        words = f"too small: needs {LEAST_WIDTH} columns and {LEAST_HEIGHT} rows"
        self.mount(Static(words, id="too-small"))

    def on_resize(self, event: events.Resize) -> None:
        """Say so, or show the screen again; dialogs give up their margins first."""
        self.set_class(self.size.width < _WIDE or self.size.height < _TALL, "tight")
        self.set_class(self.size.width < LEAST_WIDTH or self.size.height < LEAST_HEIGHT, "too-small")
