"""What all commands share: the program's name, and mistakes in using it."""

import os
import sys
from typing import TextIO

PROGRAM = "subspacelens-tui"

# Terminals that cannot move the cursor, and names that say nothing. Under any other name Textual sends the
# sequences of xterm, so an unknown one is no reason to refuse it.
_NO_CURSOR = ("", "dumb", "unknown")


class UsageError(Exception):
    """The command line is wrong; exit status 2."""


def need_terminal(what: str) -> None:
    """Refuse to open the app where nobody would see it.

    Args:
        what: is to be shown, and after a colon what to do instead.

    Raises:
        UsageError: without a terminal, or on one that cannot place the cursor.
    """
    # Keys are read from stdin, the screen is drawn on stderr; who redirects stdout expects it there.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(f"a terminal is needed to show {what}")
    if (term := os.environ.get("TERM", "")) in _NO_CURSOR:
        found = f"TERM is {term}" if term else "TERM is not set"
        raise UsageError(f"{found}, but a terminal that can move the cursor is needed to show {what}")


def is_dumb(stream: TextIO) -> bool:
    """Whether a stream is no terminal, or one on which a line cannot be written over."""
    return not stream.isatty() or os.environ.get("TERM", "") in _NO_CURSOR
