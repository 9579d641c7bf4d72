"""Shares of images, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_TAIL = 0.025


@dataclass(frozen=True)
class Share:
    """A share of images.

    Attributes:
        value: from 0 to 1.
        low, high: its 95 % interval (Clopper & Pearson 1934), as if each seed were one image: images that
            share their noise are not independent.
        images, seeds: how many.
    """

    value: float
    low: float
    high: float
    images: int
    seeds: int


def share(hits: Sequence[bool], seeds: Sequence[int]) -> Share:
    """The share of hits among images, from one entry for each: whether it is one, and its seed."""
    # Imported here: what lists sessions loads this module.
    from scipy.special import betaincinv

    n = len(set(seeds))
    value = float(np.mean(hits))
    # Of k of n; k may be a fraction where a seed has several images.
    k = value * n
    low = float(betaincinv(k, n - k + 1, _TAIL)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - _TAIL)) if k < n else 1.0
    return Share(value, low, high, len(hits), n)
