"""The error of planning."""


class PlanningError(Exception):
    """What was asked cannot be recorded; the message is one line for the user."""
