"""While the app starts, one thread imports and draws and another reads and computes."""

import sys

_USUAL, _QUICK = sys.getswitchinterval(), 1e-4


def hand_over_quickly() -> None:
    """Let threads wait for each other for 0.1 ms instead of 5: until the first curves they do so often."""
    sys.setswitchinterval(_QUICK)


def hand_over_as_usual() -> None:
    """Once the first curves are there: from then on it is keys that should not wait."""
    sys.setswitchinterval(_USUAL)
