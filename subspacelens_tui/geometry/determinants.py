"""Log-determinants of I + α B for many diagonal blocks B of many Gram matrices, in bounded memory."""

from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import without_mean
from subspacelens_tui.geometry.inputs import Array

# Bytes of blocks held at a time.
MEMORY = 64 * 2**20
TOO_LARGE = "features are too large for this eps in float64; raise eps or use unit-norm features"


def block_log_determinants(
    layers: Array, members: np.ndarray, alpha: Array, xp: Any, centred: bool = False
) -> Array:
    """log det(I + α B) (L, m) for the blocks B of images `members` (m, n), each block centred if `centred`.

    Args:
        layers: Gram matrices (L, N·N), flattened.
        members: (m, n) indices of images.
        alpha: (L,), one α for each layer.
        xp: The namespace of `layers`.
        centred: Whether to remove the mean of each block's images.
    """
    m, n = members.shape
    side = round(layers.shape[1] ** 0.5)
    block_bytes = 8 * n * n
    at_once = max(1, MEMORY // block_bytes)
    layers_at_once = max(1, min(layers.shape[0], at_once))
    blocks_at_once = max(1, at_once // layers_at_once)
    rows = []
    for first in range(0, layers.shape[0], layers_at_once):
        some = slice(first, first + layers_at_once)
        row = []
        for start in range(0, m, blocks_at_once):
            chunk = members[start : start + blocks_at_once]
            positions = (chunk[:, :, None] * side + chunk[:, None, :]).reshape(-1)
            entries = xp.take(layers[some], xp.asarray(positions, device=device(layers)), axis=1)
            B = xp.reshape(entries, (-1, len(chunk), n, n))
            row.append(log_determinants(without_mean(B, xp) if centred else B, alpha[some, None], xp))
        rows.append(xp.concat(row, axis=1))
    return xp.concat(rows, axis=0)


def log_determinants(B: Array, alpha: Array, xp: Any) -> Array:
    """log det(I + α B) (...) of Gram blocks (..., n, n), α (...), by Cholesky factors."""
    A = alpha[..., None, None] * B
    diagonal = xp.arange(A.shape[-1], device=device(A))
    A[..., diagonal, diagonal] += 1
    try:
        factor = xp.linalg.cholesky(A)
    except Exception as error:
        # NumPy's and torch's errors share only their name.
        if "LinAlgError" not in type(error).__name__:
            raise
        raise GeometryError(TOO_LARGE) from None
    return 2 * xp.sum(xp.log(xp.linalg.diagonal(factor)), axis=-1)
