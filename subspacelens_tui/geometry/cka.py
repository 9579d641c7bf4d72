"""Unbiased centred kernel alignment of feature matrices over the same images, and its null.

The biased form is near 1 for independent features wherever d > N (.85 at N = 200, d = 1152). The unbiased
HSIC of Song et al. 2012, as used for representations by Nguyen et al. 2021, is an inner product of U-centred
Gram matrices (Székely & Rizzo 2014), so all pairs of L matrices are one product.
"""

import math

import numpy as np

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import Array, square_gram
from subspacelens_tui.geometry.progress import IsCancelled, check_cancelled

_LEAST_IMAGES = 4


def unbiased_cka(K: Array, L: Array) -> float:
    """Unbiased CKA of two Gram matrices (N, N) over the same images; about 0 for independent features.

    Raises:
        GeometryError: they differ in shape, hold fewer than four images, or have no spread.
    """
    one, other = (u_centred(G) for G in (K, L))
    return float(cka_of(one[None], other[None])[0, 0])


def u_centred(G: Array) -> np.ndarray:
    """U-centred Gram matrices (..., N, N): diagonals of 0, rows that sum to 0; blind to means removed.

    Raises:
        GeometryError: bad G, or fewer than four images.
    """
    G = np.asarray(square_gram(G)[1])
    n = G.shape[-1]
    if n < _LEAST_IMAGES:
        raise GeometryError(f"unbiased CKA needs {_LEAST_IMAGES} images or more, got {n}")
    off = ~np.eye(n, dtype=bool)
    rows = (G * off).sum(axis=-1)
    total = rows.sum(axis=-1)[..., None, None]
    centred = G - (rows[..., :, None] + rows[..., None, :]) / (n - 2) + total / ((n - 1) * (n - 2))
    found: np.ndarray = centred * off
    return found


def cka_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """CKA (A, B) of all pairs of U-centred Gram matrices (A, N, N) and (B, N, N).

    Raises:
        GeometryError: they are of different images, or one has no spread.
    """
    if first.shape[1:] != second.shape[1:]:
        raise GeometryError(f"CKA compares the same images: {first.shape[-1]} and {second.shape[-1]} are not")
    found: np.ndarray = _flat(first) @ _flat(second).T / _norms(first)[:, None] / _norms(second)
    return found


def _flat(centred: np.ndarray) -> np.ndarray:
    return centred.reshape(len(centred), -1)


def _norms(centred: np.ndarray) -> np.ndarray:
    flat = _flat(centred)
    norms: np.ndarray = np.sqrt(np.einsum("ai,ai->a", flat, flat))
    if not (norms > 0).all():
        raise GeometryError("the features of a layer are the same for all images: they have no alignment")
    return norms


def cka_null_std(n: int) -> float:
    """The standard deviation of unbiased CKA over all permutations of the images of one side.

    Its mean is 0, and both are the same whatever the features: with rows that sum to 0, second moments of a
    permuted inner product depend on the two norms only.
    """
    share = 1 / (n - 2) + 1 / ((n - 2) * (n - 3))
    return math.sqrt(2 / (n * (n - 1)) * (1 + 2 * share))


def permuted_cka(
    first: np.ndarray,
    second: np.ndarray,
    permutations: int,
    seed: int,
    cancelled: IsCancelled | None = None,
) -> np.ndarray:
    """CKA (P, A, B) with the images of the second permuted, the same way for all pairs.

    Raises:
        GeometryError: as of `cka_of`.
        Cancelled: `cancelled` returned True.
    """
    rng = np.random.default_rng(seed)
    n = second.shape[-1]
    rows, columns, norms = _flat(first), _flat(second), _norms(first)[:, None] * _norms(second)
    found = []
    for _ in range(permutations):
        check_cancelled(cancelled)
        order = rng.permutation(n)
        places = (order[:, None] * n + order).ravel()
        found.append(rows @ columns[:, places].T / norms)
    return np.asarray(found)
