"""While the app starts, one thread imports and draws and another reads and computes."""

import sys

_USUAL, _QUICK = 2e-2, 1e-4


def hand_over_quickly() -> None:
    """Let threads wait for each other for 0.1 ms, not Python's 5: until the first curves they do so often."""
    sys.setswitchinterval(_QUICK)


def hand_over_as_usual() -> None:
    """From then on the screen draws what a key changes without giving way to what is computed meanwhile."""
    sys.setswitchinterval(_USUAL)
