"""Many p-values read together: which layers, steps or pairs of classes are left when their number counts.

Benjamini–Hochberg: of the tests that it lets pass, at most 5 % are false on average. Layers and steps of one
network depend on each other positively, as it needs (Benjamini & Yekutieli 2001), and it takes p-values only,
whatever they are of. Why not the largest statistic of each permutation: docs/reading-metrics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subspacelens_tui.geometry import NullSummary

METHOD = "Benjamini–Hochberg"
SHORT = "BH"
LEVEL = 0.05


@dataclass(frozen=True)
class MultipleTests:
    """Tests that are read together.

    Attributes:
        adjusted: of each the smallest level at which it passes; None where there is no test.
        permutations: the fewest behind any of them.
    """

    adjusted: tuple[float | None, ...]
    permutations: int

    @classmethod
    def of(cls, nulls: Sequence[NullSummary | None]) -> "MultipleTests":
        """The tests of some nulls, None where there is none."""
        p = [None if null is None else null.p for null in nulls]
        fewest = min((null.permutations for null in nulls if null is not None), default=0)
        return cls(adjusted(p), fewest)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(value is not None for value in self.adjusted)

    @property
    def survive(self) -> tuple[bool, ...]:
        """Which of them pass together at `LEVEL`."""
        return tuple(value is not None and value <= LEVEL for value in self.adjusted)

    @property
    def survivors(self) -> str:
        """How many do, as "all", "none" or "3"."""
        passed = sum(self.survive)
        return "all" if passed == self.count else str(passed) if passed else "none"

    def words(self, unit: str) -> str:
        """What is to be said of them: "12 layers, Benjamini–Hochberg at 5 %: all pass"."""
        verb = "passes" if self.survivors == "1" else "pass"
        level = f"{METHOD} at {100 * LEVEL:g} %"
        return f"{self._counted(unit)}, {level}: {self.survivors} {verb}{self._too_few}"

    def short(self, unit: str) -> str:
        """The same for the foot of a plot: "12 layers, pass BH: all"."""
        return f"{self._counted(unit)}, pass {SHORT}: {self.survivors}"

    def dimmed(self, unit: str) -> str:
        """The same where those that do not pass are dimmed."""
        return self.short(unit) + ("" if self.survivors == "all" else ", others dim")

    def _counted(self, units: str) -> str:
        return f"{self.count} {units.removesuffix('s') if self.count == 1 else units}"

    def to_json(self) -> dict[str, Any]:
        """How many there are, and of each its adjusted p and whether it passes."""
        return {"count": self.count, "adjusted_p": list(self.adjusted), "passes": list(self.survive)}

    @property
    def _too_few(self) -> str:
        """That the smallest p there can be would not do for a test alone."""
        alone = 1 / (self.permutations + 1) * self.count <= LEVEL
        needed = int(np.ceil(self.count / LEVEL)) - 1
        return "" if alone else f" (for one of them alone it would take {needed} permutations)"


def tests_json() -> dict[str, Any]:
    """What `adjusted_p` and `passes` are by."""
    return {"method": METHOD, "level": LEVEL}


def adjusted(p: Sequence[float | None]) -> tuple[float | None, ...]:
    """Benjamini–Hochberg adjusted p-values: min over j ≥ i of p₍ⱼ₎ m/j, at most 1; None stays None."""
    there = [place for place, value in enumerate(p) if value is not None]
    values = np.asarray([p[place] for place in there], dtype=np.float64)
    order = np.argsort(values)
    m = len(values)
    raised = values[order] * m / np.arange(1, m + 1)
    lowest = np.minimum(1.0, np.minimum.accumulate(raised[::-1])[::-1])
    found: list[float | None] = [None] * len(p)
    for place, value in zip(order, lowest.tolist(), strict=True):
        found[there[place]] = value
    return tuple(found)
