"""While the app starts, one thread imports and draws and another reads and computes."""

import functools
import gc
import sys

_USUAL, _QUICK = 2e-2, 1e-4


def hand_over_quickly() -> None:
    """Let threads wait for each other for 0.1 ms, not Python's 5: until the first curves they do so often."""
    sys.setswitchinterval(_QUICK)


@functools.cache  # once
def over() -> None:
    """The first curves are there: from now on nothing holds up a key.

    The screen is drawn without giving way to what is computed meanwhile, and garbage is not looked for among
    all that was imported, which took a tenth of a second each time.
    """
    sys.setswitchinterval(_USUAL)
    gc.freeze()
