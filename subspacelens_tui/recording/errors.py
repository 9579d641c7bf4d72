"""The errors of recording."""


class RecordingError(Exception):
    """A recording cannot start or go on; the message is one line for the user."""


class StopRequested(Exception):
    """A viewer or a signal asked the recorder to stop."""
