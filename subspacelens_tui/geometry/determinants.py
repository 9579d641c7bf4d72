"""Log-determinants of I + α B for many diagonal blocks B of many Gram matrices, in bounded memory."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import ClassIndex, class_blocks, class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import without_mean
from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, count, precision, square_gram

# Bytes of blocks held at a time: about what a core's own cache holds.
MEMORY = 2**20
# Pivots that say what images add to those before them.
_LAST = 16
TOO_LARGE = "features are too large for this eps in float64; raise eps or use unit-norm features"


def coding_rate_from_gram(G: Array, d: int, eps: Any) -> Array:
    """R (...) in nats at one ε, by Cholesky factors: a fifth of the cost of a spectrum.

    Args:
        G: Gram matrices (..., N, N).
        d: The width of the features.
        eps: ε, a number or an array that broadcasts against the leading shape of G.

    Raises:
        GeometryError: Bad G, ε or d, or features so large that factors in float64 fail.
    """
    xp, G = square_gram(G, finite=False)
    return _finite(whole_rate(G, rate_scale(G, d, eps, xp), xp), G, xp)


def coding_rate_and_rounding(G: Array, d: int, eps: Any, resolution: Array) -> tuple[Array, Array]:
    """R (...), and about how far rounding may have moved it, where eigenvalues are known up to δ (...).

    The share of each eigenvalue, αδ/(1 + αλ), is at most that of the smallest. The last pivots say how small
    that is: squared, each is one over what an image's (A⁻¹)ᵢᵢ would be without those after it. And a pivot
    of 1 + x is known to 2^-52, however small x is.
    """
    xp, G = square_gram(G, finite=False)
    scale = rate_scale(G, d, eps, xp)
    n = G.shape[-1]
    R, least = _rate_and_least_pivot(G, scale, xp)
    return _finite(R, G, xp), n**0.5 * scale / n * resolution / least**2 + n * FLOAT64_EPS


def class_rate_from_gram(G: Array, labels: Any, d: int, eps: Any) -> Array:
    """Rc (...) in nats, by Cholesky factors; arguments and errors as for `coding_rate_from_gram`.

    `labels` are (N,) integers or strings.
    """
    xp, G = square_gram(G, finite=False)
    return _finite(class_rate(G, class_index(labels, G.shape[-1]), rate_scale(G, d, eps, xp), xp), G, xp)


def _finite(rates: Array, G: Array, xp: Any) -> Array:
    """The rates; GeometryError where they are not finite: cheaper than to look through G beforehand."""
    if not bool(xp.all(xp.isfinite(rates))):
        square_gram(G)
        raise GeometryError(TOO_LARGE)
    return rates


def rate_scale(G: Array, d: int, eps: Any, xp: Any) -> Array:
    """d/ε² (...) of Gram matrices (..., N, N), which over the number of images is α."""
    return count(d, "d") / xp.broadcast_to(precision(eps, xp, G), G.shape[:-2]) ** 2


def whole_rate(G: Array, scale: Array, xp: Any) -> Array:
    """R (...) of Gram matrices (..., N, N); `scale` (...) is d/ε², which over N is α."""
    return _rate_and_least_pivot(G, scale, xp)[0]


def _rate_and_least_pivot(G: Array, scale: Array, xp: Any) -> tuple[Array, Array]:
    """The same, and the least (...) of the last pivots."""
    n = G.shape[-1]
    layers, alpha = xp.reshape(G, (-1, n, n)), xp.reshape(scale, (-1,)) / n
    at_once = max(1, MEMORY // (8 * n * n))
    log_dets, least = [], []
    for first in range(0, layers.shape[0], at_once):
        some = slice(first, first + at_once)
        pivots = _pivots(alpha[some, None, None] * layers[some], xp)
        log_dets.append(2 * xp.sum(xp.log(pivots), axis=-1))
        least.append(xp.min(pivots[..., -_LAST:], axis=-1))
    shape = G.shape[:-2]
    return 0.5 * xp.reshape(xp.concat(log_dets), shape), xp.reshape(xp.concat(least), shape)


def class_rate(G: Array, index: ClassIndex, scale: Array, xp: Any) -> Array:
    """Rc (...) of Gram matrices (..., N, N); `scale` as for `whole_rate`."""
    n = G.shape[-1]
    layers, flat = xp.reshape(G, (-1, n, n)), xp.reshape(scale, (-1,))
    total = 0
    for _, members in index.by_size():
        size = members.shape[1]
        log_dets = block_log_determinants(layers, members, flat / size, xp)
        total = total + size / n * 0.5 * xp.sum(log_dets, axis=-1)
    return xp.reshape(total, G.shape[:-2])


def block_log_determinants(
    layers: Array, members: np.ndarray, alpha: Array, xp: Any, centred: bool = False
) -> Array:
    """log det(I + α B) (L, m) for the blocks B of images `members` (m, n), each block centred if `centred`.

    Args:
        layers: Gram matrices (L, N, N).
        members: (m, n) indices of images.
        alpha: (L,), one α for each layer.
        xp: The namespace of `layers`.
        centred: Whether to remove the mean of each block's images.
    """
    m, n = members.shape
    block_bytes = 8 * n * n
    at_once = max(1, MEMORY // block_bytes)
    # Many blocks of few layers: a Gram matrix stays in the processor's cache while they are taken from it.
    blocks_at_once = min(m, at_once)
    layers_at_once = max(1, at_once // blocks_at_once)
    rows = []
    for first in range(0, layers.shape[0], layers_at_once):
        some = slice(first, first + layers_at_once)
        row = []
        for start in range(0, m, blocks_at_once):
            B = class_blocks(layers[some], members[start : start + blocks_at_once], xp, device(layers))
            B = without_mean(B, xp) if centred else B
            B *= alpha[some, None, None, None]
            row.append(_log_determinants(B, xp))
        rows.append(xp.concat(row, axis=1))
    return xp.concat(rows, axis=0)


def log_determinants(B: Array, alpha: Array, xp: Any) -> Array:
    """log det(I + α B) (...) of Gram blocks (..., n, n), α (...), by Cholesky factors."""
    return _log_determinants(alpha[..., None, None] * B, xp)


def _log_determinants(A: Array, xp: Any) -> Array:
    """log det(I + A) (...); A (..., n, n) is written over."""
    return 2 * xp.sum(xp.log(_pivots(A, xp)), axis=-1)


def _pivots(A: Array, xp: Any) -> Array:
    """The diagonals (..., n) of the Cholesky factors of I + A (..., n, n), which is written over."""
    diagonal = xp.arange(A.shape[-1], device=device(A))
    A[..., diagonal, diagonal] += 1
    with too_large_refused():
        return xp.linalg.diagonal(xp.linalg.cholesky(A))


@contextlib.contextmanager
def too_large_refused() -> Iterator[None]:
    """GeometryError where a matrix is singular to float64 that is not so by its making."""
    try:
        yield
    except Exception as error:
        # NumPy's and torch's errors share only their name.
        if "LinAlgError" not in type(error).__name__:
            raise
        raise GeometryError(TOO_LARGE) from None
