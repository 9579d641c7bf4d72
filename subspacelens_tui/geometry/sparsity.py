"""Hoyer sparsity, and what it is for features with no structure at all."""

import math
from functools import lru_cache

import numpy as np

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import Array, count, features, real_array


def hoyer_sparsity(Z: Array) -> float:
    """(√d - ‖x‖₁/‖x‖₂)/(√d - 1), mean over the columns x of Z (d, N): 0 all entries equal, 1 only one.

    Hoyer 2004, JMLR 5. Compare with `hoyer_gaussian` and `hoyer_laplace` at the same width. It depends on the
    basis: a rotation of the features changes it.

    Raises:
        GeometryError: Z is not (d, N), not finite, of width 1, or an image is all zero.
    """
    xp, Z = features(Z)
    return float(xp.mean(hoyer_of_images(Z)))


def hoyer_of_images(Z: Array) -> Array:
    """`hoyer_sparsity` (N,) of each column of Z (d, N), a single one being enough.

    Raises:
        GeometryError: as for `hoyer_sparsity`.
    """
    xp, Z = features(Z, least=1)
    root = math.sqrt(_width(Z.shape[0]))
    scale = xp.max(xp.abs(Z), axis=0)
    if bool(xp.any(scale == 0)):
        image = next(i for i in range(Z.shape[1]) if float(scale[i]) == 0)
        raise GeometryError(f"image {image} has all-zero features and no sparsity; leave it out")
    Z = Z / scale  # so that squares neither overflow nor underflow
    ratio = xp.sum(xp.abs(Z), axis=0) / xp.sqrt(xp.sum(Z**2, axis=0))
    return (root - ratio) / (root - 1)


def hoyer_from_norms(absolute: Array, euclidean: Array, d: int) -> Array:
    """Hoyer sparsity (...) of vectors of width d from their norms ‖x‖₁ and ‖x‖₂ (...); NaN where these are 0.

    Raises:
        GeometryError: d is below 2.
    """
    xp, euclidean = real_array(euclidean, "euclidean")
    root = math.sqrt(_width(d))
    some = euclidean > 0
    ratio = absolute / xp.where(some, euclidean, xp.ones_like(euclidean))
    return xp.where(some, (root - ratio) / (root - 1), xp.full_like(ratio, math.nan))


def hoyer_gaussian(d: int) -> float:
    """The exact expectation of Hoyer sparsity for d independent Gaussian entries of mean 0.

    Direction and norm are independent, so E ‖x‖₁/‖x‖₂ = E ‖x‖₁ / E ‖x‖₂ = d √(2/π) / (√2 Γ((d+1)/2)/Γ(d/2)).

    Raises:
        GeometryError: d is not a whole number of at least 2.
    """
    d = _width(d)
    ratio = d / math.sqrt(math.pi) * math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2))
    return (math.sqrt(d) - ratio) / (math.sqrt(d) - 1)


# Of the quadrature, where twice as many change nothing before the eleventh decimal; and of its argument.
_NODES, _LARGE = 100, 100.0


@lru_cache(maxsize=256)
def hoyer_laplace(d: int) -> float:
    """The exact expectation of Hoyer sparsity for d independent Laplace entries of mean 0, by one quadrature.

    |x| is exponential, and 1/‖x‖₂ = (2/√π) ∫ exp(-s² ‖x‖₂²) ds, hence
    E ‖x‖₁/‖x‖₂ = (2d/√π) ∫ a(s) b(s)^(d-1) ds with b = E exp(-s²x²) = √π/(2s) erfcx(1/(2s)) and
    a = E x exp(-s²x²) = (1 - b)/(2s²).

    Raises:
        GeometryError: d is not a whole number of at least 2.
    """
    # Imported here: the app loads this module at its start. (`scipy.integrate` would take half as long as all
    # else that the first curves import.)
    from scipy.special import erfcx

    d = _width(d)
    # The mass lies at s of order 1/√d: substituting s = u/√d makes it lie at u of order 1 for every d, and
    # u = t/(1 - t) puts that into the middle of 0 … 1.
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    t = (1 + nodes) / 2
    x = math.sqrt(d) * (1 - t) / (2 * t)  # 1/(2s)
    b = math.sqrt(math.pi) * x * erfcx(x)
    # Where 1 - b has few digits, its asymptotic series.
    a = np.where(x > _LARGE, 1 - 1.5 / x**2 + 3.75 / x**4, 2 * x**2 * (1 - b))
    integral = float(np.sum(weights / 2 * a * b ** (d - 1) / (1 - t) ** 2))
    ratio = 2 * math.sqrt(d / math.pi) * integral
    return (math.sqrt(d) - ratio) / (math.sqrt(d) - 1)


def _width(d: int) -> int:
    if count(d, "d") < 2:
        raise GeometryError("Hoyer sparsity needs features of width 2 or more")
    return int(d)
