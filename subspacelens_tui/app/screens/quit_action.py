"""Quitting from a screen over the session."""

from textual.widget import Widget


class Quits(Widget):
    """A screen that is left when the app quits; named after `Screen` among the bases."""

    def action_leave(self) -> None:
        """Quit as from where it was opened, which asks if a recording runs."""
        self.screen.dismiss(None)
        self.app.call_later(self.app.action_quit)
