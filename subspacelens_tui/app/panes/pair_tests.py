"""The tests of single pairs of classes, as the overlap matrix shows them."""

from collections.abc import Mapping
from typing import NamedTuple

from subspacelens_tui.analysis.class_pairs import Pairs

_METRIC = "overlap_mean"


class PairTest(NamedTuple):
    """Whether two classes overlap less than permuted ones: p, and whether it passes among all pairs."""

    p: float
    passes: bool


def pair_tests(found: Pairs) -> Mapping[frozenset[str], PairTest]:
    """Those of all pairs that have a null."""
    tests = found.tests(_METRIC)
    return {
        frozenset((pair.first, pair.second)): PairTest(pair.layer.nulls[_METRIC].p, tests.survive[at])
        for at, pair in enumerate(found.pairs)
        if _METRIC in pair.layer.nulls
    }


def test_columns(test: PairTest | None) -> dict[str, float | bool]:
    """What a table says of a test; nothing where there is none."""
    return {} if test is None else {"p": test.p, "passes": test.passes}


def tests_words(found: Pairs) -> list[str]:
    """How many tests these are and what passes: "10 pairs, pass BH: none, others dim", and shorter."""
    tests = found.tests(_METRIC)
    if not tests.count:
        return []
    return [tests.dimmed("pairs"), f"dim: fails BH, {tests.count} pairs"]
