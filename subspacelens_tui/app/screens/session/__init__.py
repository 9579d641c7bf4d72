"""The screen of one session, live or replayed."""

from subspacelens_tui.app.screens.session.screen import SessionScreen

__all__ = ["SessionScreen"]
