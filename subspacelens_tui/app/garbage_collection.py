"""Garbage is looked for among all objects while nobody types: it takes some 30 ms, which a key would feel."""

import functools
import gc
import time
from collections.abc import Callable

EVERY = 30.0
"""Seconds between two looks."""

_QUIET = 2.0
_NEVER = 1_000_000


def wait_for_quiet() -> None:
    """Leave it to `Collector`: from now on Python itself looks among young objects only."""
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)


@functools.cache  # once
def freeze_imports() -> None:
    """Leave all that was imported out of it: that took a tenth of a second each time."""
    gc.freeze()


class Collector:
    """Looks for garbage unless somebody is typing.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._touched = clock()

    def touch(self) -> None:
        """A key, or the mouse."""
        self._touched = self._clock()

    def collect(self) -> None:
        """Look, if it is quiet; the next time is soon enough otherwise."""
        if self._clock() - self._touched >= _QUIET:
            gc.collect()
