"""How far a long analysis is, on stderr, where someone watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from subspacelens_tui.cli.program import is_dumb

# Shorter work is over before anyone could read it.
_PATIENCE = 0.5
_CLEAR = "\r\x1b[K"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback that writes one line over and over: "permutations 37 %"; at the end it is gone."""
    began, watched = time.monotonic(), not is_dumb(sys.stderr)

    def say(what: str, done: int, total: int) -> None:
        if watched and time.monotonic() - began > _PATIENCE:
            print(f"{_CLEAR}{what} {100 * done // max(1, total)} %", end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        if watched:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
