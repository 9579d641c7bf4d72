"""How far rounding may have moved a metric, from the spectrum that it was computed of.

An eigenvalue λ is known up to some δ: of a float64 Gram matrix up to 2^-52 of its trace, however small λ is.
A metric moves by the sum of what each δ does to it; the δ of different eigenvalues are independent, so that
what counts is the root of the sum of squares. On planted features it came out 2 to 100 times the true error.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, count, precision, real_array, spectrum

# What is right to this share of itself needs no word.
TOLERANCE = 1e-6
# The same of R, whose differences ΔR and excess are smaller.
RATE_TOLERANCE = 1e-8
# Times 2^-52: the error of an entry of a scatter. Measured against 60 digits.
_GROWTH = 4.0
# The share of R below which a difference of rates is none.
TIE = 1e-10


def gram_resolution(G: Array) -> Array:
    """The δ (...) up to which the eigenvalues of Gram matrices (..., N, N) are known."""
    xp, G = real_array(G, "G")
    return FLOAT64_EPS * xp.sum(xp.linalg.diagonal(G), axis=-1)


def rate_and_rounding(eigenvalues: Array, resolution: Any, d: int, n: int, eps: Any) -> tuple[Array, Array]:
    """R (...) of eigenvalues (..., m) known up to δ, and how far rounding may have moved it; in nats.

    Args:
        eigenvalues: (..., m).
        resolution: δ, (..., m) or (..., 1).
        d: The width of the features.
        n: The number of images.
        eps: ε, as for `coding_rate_from_spectrum`.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    alpha = count(d, "d") / (count(n, "n") * precision(eps, xp, eigenvalues) ** 2)
    grown = alpha[..., None] * eigenvalues
    R = 0.5 * xp.sum(xp.log1p(grown), axis=-1)
    # Half of each, and twice that, for a δ is not a bound.
    change = alpha[..., None] * resolution / (1 + grown)
    return R, xp.sqrt(xp.sum(change * change, axis=-1))


def rate_rounding(eigenvalues: Array, resolution: Any, d: int, n: int, eps: Any) -> Array:
    """The latter alone."""
    return rate_and_rounding(eigenvalues, resolution, d, n, eps)[1]


def scaled_rounding(scatter: Array, alpha: float) -> float:
    """How far, in nats, rounding may have moved ½ log det(I + αS) of a scatter S (d, d) by a Cholesky factor.

    Rows and columns may be of any size: an entry of A = I + αS is known to 2^-52 of the root of its diagonal
    entries, so that only the inverse of A scaled to a diagonal of 1 matters (Demmel 1989).
    """
    A = alpha * np.asarray(scatter)
    A.flat[:: len(A) + 1] += 1
    roots = np.sqrt(np.diagonal(A))
    try:
        inverse = np.linalg.inv(A / roots[:, None] / roots)
    except np.linalg.LinAlgError:
        return math.inf
    return _GROWTH * FLOAT64_EPS * float(np.linalg.norm(inverse))


def rates_lost(R: Array, Rc: Array, moved: Array) -> Array:
    """Whether (...) R or ΔR = R - Rc is not right to its tolerance where rounding may have moved R so far."""
    difference = R - Rc
    return (moved > RATE_TOLERANCE * R) | ((moved > TOLERANCE * difference) & (difference > TIE * R))


def class_rate_rounding(
    spectra: Sequence[Array], resolutions: Sequence[Any], sizes: Sequence[int], d: int, eps: Any
) -> Array:
    """The same of Rc; arguments as for `class_rate_from_spectra`, with the δ of each class."""
    total = sum(sizes)
    return sum(
        size / total * rate_rounding(values, resolution, d, size, eps)
        for values, resolution, size in zip(spectra, resolutions, sizes, strict=True)
    )


def effective_rank_rounding(eigenvalues: Array, resolution: Any) -> Array:
    """How far (...), as a share of itself, rounding may have moved the effective rank.

    With S the sum of the singular values σ and p = σ/S, the entropy H changes by -(log p + H)/S for each σ. A
    σ is known up to δ/2σ; if λ is below δ, up to √δ: the root of nothing but rounding would not be nothing.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    resolution = xp.broadcast_to(xp.asarray(resolution, dtype=xp.float64), eigenvalues.shape)
    resolved = eigenvalues > resolution
    one = xp.ones_like(eigenvalues)
    roots = xp.sqrt(xp.where(resolved, eigenvalues, xp.zeros_like(eigenvalues)))
    total = xp.sum(roots, axis=-1, keepdims=True)
    moved = xp.where(resolved, resolution / (2 * xp.where(resolved, roots, one)), xp.sqrt(resolution))
    p = xp.maximum(roots, moved) / total
    log_p = xp.log(xp.where(p > 0, p, one))
    entropy = -xp.sum(xp.where(resolved, p * log_p, xp.zeros_like(p)), axis=-1, keepdims=True)
    change = moved / total * xp.abs(log_p + entropy)
    # What is resolved moves by chance up or down, what is not all one way.
    by_chance = xp.sqrt(xp.sum(xp.where(resolved, change, xp.zeros_like(p)) ** 2, axis=-1))
    return by_chance + xp.sum(xp.where(resolved, xp.zeros_like(p), change), axis=-1)


def subspace_rounding(eigenvalues: Array, resolution: Any, rank: int) -> Array:
    """The sine (...) of the angle by which rounding may have turned the subspace of the `rank` largest.

    Args:
        eigenvalues: (..., m), ascending, of a symmetric matrix of more rows than m, or of just so many.
        resolution: δ, (..., m) or what broadcasts to that.
        rank: At most m.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    last = eigenvalues.shape[-1] - rank
    resolution = xp.broadcast_to(xp.asarray(resolution, dtype=xp.float64), eigenvalues.shape)
    next_one = eigenvalues[..., last - 1] if last else xp.zeros_like(eigenvalues[..., 0])
    gap = eigenvalues[..., last] - next_one
    moved = xp.max(resolution[..., max(last - 1, 0) : last + 1], axis=-1)
    # Beyond the gap nothing is known of the direction.
    return xp.where(moved < gap, moved / xp.where(moved < gap, gap, xp.ones_like(gap)), xp.ones_like(gap))


def overlap_rounding(angles: Sequence[float], rank: int) -> float:
    """How far the mean overlap moves if each class's subspace turns by an angle, whose sine is given.

    One direction of `rank` turns, and of its cosine with another class changes at most half the sine.
    """
    return 2 * sum(angles) / len(angles) / rank
