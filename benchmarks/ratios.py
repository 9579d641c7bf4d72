"""Two things timed in turn, A B A B …, and their ratio pair by pair: the machines are noisy."""

import statistics
import time
from collections.abc import Callable, Sequence


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(name: str, work: Callable[[], object], against: Callable[[], object], rounds: int) -> None:
    """Time both in turn after one warm-up each, and print their ratio: by the clock and of the processor."""
    work(), against()
    pairs = [(_both(work), _both(against)) for _ in range(rounds)]
    for kind, of in enumerate(("", ", CPU")):
        summary(name + of, [(mine[kind], other[kind]) for mine, other in pairs])


def _both(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock, and of the processor, which does not feel what else the machine does."""
    used = time.process_time()
    return seconds(work), time.process_time() - used


def summary(name: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Print the median ratio of pairs of times, with its range."""
    ratios = [mine / other for mine, other in pairs]
    mine, other = (1000 * statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    print(
        f"{name:58} {statistics.median(ratios):7.3f}  (from {min(ratios):.3f} to {max(ratios):.3f} "
        f"in {len(pairs)} pairs; medians {mine:.1f} ms and {other:.1f} ms)"
    )
