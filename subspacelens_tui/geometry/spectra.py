"""How many dimensions a spectrum fills: effective ranks, participation ratio, stable rank.

All are at most min(N, d): where N < d the images, not the layer, set that ceiling.
"""

from typing import Any

from array_api_compat import device

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.gram import without_mean
from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array, features, spectrum, square_gram


def effective_rank(Z: Array) -> float:
    """exp H(p), p the singular values of Z (d, N) normalised to sum 1 (Roy & Vetterli 2007, EUSIPCO).

    Raises:
        GeometryError: Z is not (d, N), not finite, of fewer than two images, or all zero.
    """
    xp, Z = features(Z)
    return float(_entropy_rank(xp.linalg.svdvals(Z), xp))


# The share of itself that rounding may have moved a metric by and it still says something.
_LITTLE_LEFT = 0.1
# The share of the largest below which squares of singular values are rounding.
OF_SINGULAR_VALUES = FLOAT64_EPS**2


def effective_rank_from_spectrum(eigenvalues: Array, rounding: float = FLOAT64_EPS) -> Array:
    """`effective_rank` (...) from the eigenvalues (..., m) of ZᵀZ or ZZᵀ: their roots are singular values.

    Eigenvalues below m · `rounding` of the largest count as 0: of a Gram matrix their roots would not be
    negligible.

    Raises:
        GeometryError: Eigenvalues all zero, not finite, or negative beyond rounding.
    """
    xp, eigenvalues = _nonzero(eigenvalues)
    floor = eigenvalues.shape[-1] * rounding * xp.max(eigenvalues, axis=-1, keepdims=True)
    return _entropy_rank(xp.sqrt(xp.where(eigenvalues > floor, eigenvalues, xp.zeros_like(eigenvalues))), xp)


def eigenvalue_rank_from_spectrum(eigenvalues: Array) -> Array:
    """exp H(p) (...), p the eigenvalues (..., m) normalised to sum 1: effective rank by variance.

    It weighs directions by variance instead of amplitude, so it is smaller than
    `effective_rank_from_spectrum`.

    Raises:
        GeometryError: Eigenvalues all zero, not finite, or negative beyond rounding.
    """
    xp, eigenvalues = _nonzero(eigenvalues)
    return _entropy_rank(eigenvalues, xp)


def participation_ratio_from_spectrum(eigenvalues: Array) -> Array:
    """(Σλ)²/Σλ² (...) of eigenvalues (..., m). Biased low where N is not much larger than the ratio itself.

    Raises:
        GeometryError: Eigenvalues all zero, not finite, or negative beyond rounding.
    """
    xp, eigenvalues = _nonzero(eigenvalues)
    # Relative to the largest: squares of the raw values could underflow or overflow.
    eigenvalues = eigenvalues / xp.max(eigenvalues, axis=-1, keepdims=True)
    return xp.sum(eigenvalues, axis=-1) ** 2 / xp.sum(eigenvalues**2, axis=-1)


def stable_rank_from_spectrum(eigenvalues: Array) -> Array:
    """Σλ/λ_max (...) of eigenvalues (..., m): ‖Z‖²_F/‖Z‖²₂.

    Raises:
        GeometryError: Eigenvalues all zero, not finite, or negative beyond rounding.
    """
    xp, eigenvalues = _nonzero(eigenvalues)
    return xp.sum(eigenvalues / xp.max(eigenvalues, axis=-1, keepdims=True), axis=-1)


def unbiased_participation_ratio(G: Array) -> Array:
    """Participation ratio (...) of the second moment E zzᵀ from Gram matrices (..., N, N), by U-statistics.

    (tr S)² and tr S² are each estimated without bias over pairs of different images, Σ_{i≠j} G_ii G_jj and
    Σ_{i≠j} G_ij² over N(N-1), so that the result does not grow with N as the naive ratio does. Not centred.

    Raises:
        GeometryError: G not (..., N, N) or not finite; or images so few or so nearly orthogonal that tr S²
            has no positive estimate.
    """
    xp, G = square_gram(G)
    diagonal = xp.linalg.diagonal(G)
    # Pair by pair: taken off a total, one massive image would leave nothing of the others.
    earlier = xp.cumulative_sum(diagonal, axis=-1)[..., :-1]
    total = 2 * xp.sum(diagonal[..., 1:] * earlier, axis=-1)
    one = xp.eye(G.shape[-1], dtype=xp.float64, device=device(G))
    return _ratio(total, xp.sum((G * (1 - one)) ** 2, axis=(-2, -1)), xp)


def unbiased_centred_participation_ratio(G: Array) -> Array:
    """Participation ratio (...) of the covariance, by U-statistics on the Gram, centred or not.

    The unbiased (tr Σ)² and tr Σ² of Himeno & Yamada 2014 (J. Multivariate Anal. 130), equal to the
    fourth-order U-statistics of Chen, Zhang & Zhong 2010, here from the centred Gram matrix. Not meant for
    class-centred features, which have lost one degree of freedom for each class.

    Raises:
        GeometryError: G not (..., N, N) or not finite, fewer than 4 images, or no positive estimate of tr Σ².
    """
    xp, total, spread, _ = _centred_moments(G)
    return _ratio(total, spread, xp)


def unbiased_centred_and_rounding(G: Array) -> tuple[Array, Array]:
    """`unbiased_centred_participation_ratio`, and how far, as a share of it, rounding may have moved it.

    Of one image that is nearly all there is, its own terms cancel and take the digits of the others along.

    Raises:
        GeometryError: As there, or rounding has left next to nothing.
    """
    xp, total, spread, cancelling = _centred_moments(G)
    least = xp.minimum(xp.abs(total), xp.abs(spread))
    left = least > 0
    share = 2 * FLOAT64_EPS * cancelling * left / xp.where(left, least, xp.ones_like(least))
    if not bool(xp.all(share < _LITTLE_LEFT)):
        raise GeometryError("one image is nearly all there is: rounding leaves too little of the others")
    return _ratio(total, spread, xp), share


def _centred_moments(G: Array) -> tuple[Any, Array, Array, Array]:
    """The namespace, (tr Σ)² and tr Σ² times N(N-1)(N-2)(N-3), and the largest term of these differences."""
    xp, G = square_gram(G)
    n = G.shape[-1]
    if n < 4:
        raise GeometryError(f"the unbiased participation ratio of centred features needs 4 images, got {n}")
    A = without_mean(G, xp)
    diagonal = xp.linalg.diagonal(A)
    trace = xp.sum(diagonal, axis=-1)
    square = xp.sum(A**2, axis=(-2, -1))
    fourth = xp.sum(diagonal**2, axis=-1)
    total = 2 * square + (n * n - 3 * n + 1) * trace**2 - n * (n - 1) * fourth
    spread = (n - 1) * (n - 2) * square + trace**2 - n * (n - 1) * fourth
    return xp, total, spread, n * (n - 1) * fourth


def _ratio(total: Array, spread: Array, xp: Any) -> Array:
    if not bool(xp.all((spread > 0) & (total > 0))):
        raise GeometryError("the unbiased participation ratio has no positive estimate; record more images")
    return total / spread


def _nonzero(eigenvalues: Array) -> tuple[Any, Array]:
    xp, eigenvalues = spectrum(eigenvalues)
    if bool(xp.any(xp.max(eigenvalues, axis=-1) <= 0)):
        raise GeometryError("all features are zero (or equal, if centred): they have no effective rank")
    return xp, eigenvalues


def _entropy_rank(weights: Array, xp: Any) -> Array:
    total = xp.sum(weights, axis=-1, keepdims=True)
    if bool(xp.any(total <= 0)):
        raise GeometryError("all features are zero (or equal, if centred): they have no effective rank")
    p = weights / total
    # p log p -> 0 as p -> 0.
    log_p = xp.log(xp.where(p > 0, p, xp.ones_like(p)))
    return xp.exp(-xp.sum(p * log_p, axis=-1))
