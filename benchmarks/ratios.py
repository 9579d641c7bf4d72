"""Two things timed in turn, A B A B …, and their ratio pair by pair: the machines are noisy."""

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(name: str, work: Callable[[], object], against: Callable[[], object], rounds: int) -> float:
    """Time both in turn after one warm-up each, print the median ratio with its range, and return it."""
    work(), against()
    pairs = [(seconds(work), seconds(against)) for _ in range(rounds)]
    ratios = [mine / other for mine, other in pairs]
    median = statistics.median(ratios)
    print(
        f"{name:58} {median:7.3f}  (from {min(ratios):.3f} to {max(ratios):.3f} in {rounds} pairs; "
        f"medians {1000 * statistics.median(p[0] for p in pairs):.1f} ms "
        f"and {1000 * statistics.median(p[1] for p in pairs):.1f} ms)"
    )
    return median
