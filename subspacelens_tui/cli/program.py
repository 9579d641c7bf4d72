"""What all commands share: the program's name, and mistakes in using it."""

import sys

PROGRAM = "subspacelens-tui"


class UsageError(Exception):
    """The command line is wrong; exit status 2."""


def need_terminal(what: str) -> None:
    """Refuse to open the app where nobody would see it.

    Raises:
        UsageError: without a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(f"a terminal is needed to show {what}")
