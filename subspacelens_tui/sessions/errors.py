"""The one error that sessions raise."""


class SessionError(Exception):
    """A session cannot be read or written; the message is one line for the user."""
