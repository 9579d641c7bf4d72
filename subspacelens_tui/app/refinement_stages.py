"""Stages in which the metrics of a selection are computed: the cheap first, each better than the last."""

from collections.abc import Iterator
from typing import NamedTuple

from subspacelens_tui.analysis import FIRST_PERMUTATIONS

FIRST, FEW, MANY = FIRST_PERMUTATIONS, 20, 200
# A permutation of the overlap costs five times one of the rates.
_OVERLAP_SHARE = 5


class Stage(NamedTuple):
    """One of the analyses of a selection.

    Attributes:
        permutations: of the null.
        overlap_permutations: how many of them the overlap gets.
        quick: only what needs no eigenvalues, unless these are known.
        errors: with error bars, where the selection has them.
        last: whether no better one follows.
    """

    permutations: int
    overlap_permutations: int = 0
    quick: bool = False
    errors: bool = False
    last: bool = False


def full(permutations: int, errors: bool = True, last: bool = False) -> Stage:
    """A stage with everything."""
    return Stage(permutations, permutations // _OVERLAP_SHARE, errors=errors, last=last)


def stages(slow: bool, affordable: bool, known: int, grown: bool) -> Iterator[Stage]:
    """The stages of a selection.

    Args:
        slow: whether one with a few permutations takes long enough to be noticed.
        affordable: whether there is time for many permutations.
        known: permutations whose class spectra are kept: of these the null of any ε costs next to nothing.
        grown: whether the selection is the same and only the images have become more: the last null stays
            until the next one is there, and one update is enough.
    """
    if grown:
        yield full(MANY if affordable else FEW, last=True)
        return
    if known:
        yield Stage(known, known, quick=True)
    elif slow:
        yield Stage(0, quick=True)
        yield Stage(FIRST, quick=True)
        yield Stage(FIRST)
    if slow:
        yield full(FEW, errors=False)
    yield full(FEW, last=not affordable)
    if affordable:
        yield full(MANY, last=True)
