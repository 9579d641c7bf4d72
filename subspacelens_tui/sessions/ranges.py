"""Ascending numbers, in words."""

from collections.abc import Iterable


def runs_of(numbers: Iterable[int]) -> list[str]:
    """Ascending numbers, those that follow each other together: ["0-6", "8"]."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ["-".join(map(str, run)) for run in runs]


def ranges(numbers: Iterable[int]) -> str:
    """The same as "0-6, 8"."""
    return ", ".join(runs_of(numbers))
