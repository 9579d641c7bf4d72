"""By what a model is known again: the norms of the weights of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def weight_norms(blocks: Sequence[Any]) -> list[float] | None:
    """The Frobenius norm of the parameters of each block, in float32; None where they cannot be read.

    Quantised weights are of no floating-point type, and those that are offloaded to disk are not there.
    """
    found = []
    for block in blocks:
        squares = 0.0
        for parameter in block.parameters():
            if parameter.is_meta or not parameter.is_floating_point():
                return None
            squares += float(parameter.detach().float().square().sum())
        found.append(squares**0.5)
    return found
