"""The error that sessions raise, and the warning they give."""


class SessionError(Exception):
    """A session cannot be read or written; the message is one line for the user."""


class NotFiniteWarning(UserWarning):
    """Some of the features that were asked for are infinite or not a number."""
