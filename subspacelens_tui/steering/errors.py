"""The errors of this package."""


class SteeringError(ValueError):
    """What cannot be steered, fitted or measured as asked; the message is one line that says what to do."""
