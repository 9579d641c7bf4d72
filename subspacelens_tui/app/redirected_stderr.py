"""What the screen is drawn on where stderr, on which Textual draws, was redirected."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO


def has_terminal() -> bool:
    """Whether there is a terminal to read keys from, and one to draw on."""
    return _is_terminal(sys.__stdin__) and any(map(_is_terminal, (sys.__stderr__, sys.__stdout__)))


@contextlib.contextmanager
def stderr_on_terminal() -> Iterator[None]:
    """Have stderr lead to the terminal that stdout leads to, as long as the app runs.

    What goes to stderr before and after goes where it was redirected to.
    """
    drawn, terminal = sys.__stderr__, sys.__stdout__
    if drawn is None or drawn.isatty() or terminal is None:
        yield
        return
    descriptor = drawn.fileno()
    redirected = os.dup(descriptor)
    os.dup2(terminal.fileno(), descriptor)
    try:
        yield
    finally:
        drawn.flush()
        os.dup2(redirected, descriptor)
        os.close(redirected)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
