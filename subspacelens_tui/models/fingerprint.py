"""By what a model is known again: the norms of the weights of its blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch


def weight_norms(blocks: Sequence[Any]) -> list[float] | None:
    """The Frobenius norm of the parameters of each block, in float32; None where they are not known.

    Quantised weights are of no floating-point type, those that are offloaded to disk are not there, and
    damaged ones have none.
    """
    found = []
    for block in blocks:
        squares = 0.0
        for parameter in block.parameters():
            if parameter.is_meta or not parameter.is_floating_point():
                return None
            values = parameter.detach()
            if values.itemsize == 1:  # float8 has no norm of its own
                values = values.to(torch.bfloat16)
            try:
                # Without a copy in float32, for which a GPU may have no memory.
                norm = torch.linalg.vector_norm(values, dtype=torch.float32)
            except NotImplementedError:  # torchao's quantised weights say that they are floating-point
                return None
            squares += float(norm) ** 2
        found.append(squares**0.5)
    return found if all(map(math.isfinite, found)) else None
