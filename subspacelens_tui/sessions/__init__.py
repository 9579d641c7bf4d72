"""The session on disk: format, writer, reader. Readers never need torch."""

from subspacelens_tui.sessions.errors import NotFiniteWarning, SessionError
from subspacelens_tui.sessions.format import Branch, Manifest
from subspacelens_tui.sessions.reader import Session, open_session
from subspacelens_tui.sessions.state import Phase, RunState

__all__ = [
    "Branch",
    "Manifest",
    "NotFiniteWarning",
    "Phase",
    "RunState",
    "Session",
    "SessionError",
    "open_session",
]
