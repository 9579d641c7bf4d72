"""Rows of token means: whether two are the same, and in which order a batch has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

# Up to which relative difference two rows of token means are the same row. Batches of another size go
# through other kernels, so their bits differ: in float32 by 1e-7 to 1e-6 as measured; 1e-4 leaves room for
# others. Half precision rounds what each block gives to eps (bfloat16 8e-3, float16 1e-3); errors of tokens
# are independent, so those of their means are smaller, and 2.5 eps is well above them. Another prompt or seed
# changes far more; where it does not, rows that must be told apart must differ by a multiple of their error.
_SAME = 1e-4
_SAME_IN_EPS = 2.5


def order_of(
    found: Sequence[torch.Tensor], known: Sequence[Sequence[torch.Tensor]]
) -> tuple[str | None, float]:
    """How the rows of a batch, for each forward (rows, blocks, channels), are those of single images.

    The second number is how far they are from them.

    Args:
        found: of the batch.
        known: of each image by itself.
    """
    if len(found) != len(known[0]):
        return None, 1.0
    orders, worst = {"branches", "interleaved"}, 0.0
    for forward, rows in enumerate(found):
        images, count = range(len(known)), len(known[0][forward])
        if len(rows) != len(images) * count:
            return None, 1.0
        nearest = []
        for row in rows:
            error, at = min(
                (difference(row, known[image][forward][place]), (place, image))
                for image in images
                for place in range(count)
            )
            worst = max(worst, error)
            nearest.append(at)
        if nearest != [(place, image) for place in range(count) for image in images]:
            orders.discard("branches")
        if nearest != [(place, image) for image in images for place in range(count)]:
            orders.discard("interleaved")
    return ("branches" if "branches" in orders else next(iter(orders), None)), worst


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """The norm of the difference of two rows over that of the second, of what is finite in both."""
    if one.shape != other.shape:
        return 1.0
    finite = one.isfinite() & other.isfinite()
    return float((one - other)[finite].norm() / other[finite].norm().clamp_min(1e-30))


def tolerance(dtype: torch.dtype) -> float:
    """Up to which relative difference two rows of token means are the same in a precision."""
    return max(_SAME, _SAME_IN_EPS * torch.finfo(dtype).eps)
