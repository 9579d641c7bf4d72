"""Jarque–Bera on random one-dimensional projections: do the images look Gaussian from every side?

JB = N/6 (S² + K²/4) with skewness S and excess kurtosis K of one projection (Jarque & Bera 1987). At a few
hundred images it is not yet χ² distributed: its 1 % point at N = 500 is about 10.8, not 9.21, so that is
simulated.

A rejection need not mean subspaces: a shift between class means alone makes it reject. The class-centred
fraction is without such shifts, and the Gaussian surrogate shows what covariance alone gives: about 1 %, with
a wide scatter where few directions dominate and all projections are nearly one.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import device

from subspacelens_tui.geometry.classes import class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import Array, count, features, real_array

LEVEL = 0.01
# Simulated samples behind a critical value: its own error is then about 0.1 in 10.
SIMULATIONS = 100_000
SURROGATES = 4


@dataclass(frozen=True)
class ProjectionNormality:
    """Fractions of projections on which Jarque–Bera rejects at 1 %, where Gaussian features give 0.01.

    Attributes:
        pooled: Of all images together.
        class_centred: With each class's mean removed first.
        surrogate: Of Gaussian features with the covariance of these, averaged over a few draws.
        critical_value: The simulated 1 % point of JB for this number of images.
    """

    pooled: float
    class_centred: float
    surrogate: float
    critical_value: float


def projection_normality(
    Z: Array, labels: Any, rng: np.random.Generator | int, projections: int = 500
) -> ProjectionNormality:
    """Fractions of random projections Jarque–Bera rejects: pooled, class-centred, Gaussian surrogate.

    Args:
        Z: Features (d, N), one column per image.
        labels: (N,) integers or strings, whose class means are removed for the class-centred fraction.
        rng: A generator, or a seed for one; the same seed gives the same projections at the same width.
        projections: How many random directions.

    Raises:
        GeometryError: Bad Z or labels, fewer than 8 images, or features that are equal for all images (of
            each class), which have no skewness.
    """
    xp, Z = features(Z)
    d, n = Z.shape
    if n < 8:
        raise GeometryError(f"Jarque–Bera needs at least 8 images, got {n}; record more images")
    rng = np.random.default_rng(rng)
    directions = rng.normal(size=(count(projections, "projections"), d))
    x = xp.matmul(xp.asarray(directions, device=device(Z)), Z)
    spread = xp.mean(x**2, axis=1)
    x = x - xp.mean(x, axis=1, keepdims=True)
    residual = xp.asarray(x, copy=True)
    for members in class_index(labels, n).members:
        m = xp.asarray(members, device=device(Z))
        part = xp.take(x, m, axis=1)
        residual[:, m] = part - xp.mean(part, axis=1, keepdims=True)
    critical = jarque_bera_critical_value(n)
    fractions = []
    for name, y in (("all images", x), ("the images of each class", residual)):
        if not bool(xp.all(xp.mean(y**2, axis=1) > 1e-20 * spread)):
            raise GeometryError(f"the features of {name} are equal, so that their distribution has no shape")
        fractions.append(_rejected(y, critical, xp))
    # A surrogate column is Z_c w/√N with Gaussian w, so its projections follow from those of Z.
    surrogates = [
        _rejected(xp.matmul(x, xp.asarray(rng.normal(size=(n, n)), device=device(Z))), critical, xp)
        for _ in range(SURROGATES)
    ]
    return ProjectionNormality(fractions[0], fractions[1], float(np.mean(surrogates)), critical)


@lru_cache(maxsize=64)
def jarque_bera_critical_value(n: int) -> float:
    """The 1 % point of JB for n Gaussian images, from 100 000 simulated samples with a fixed seed.

    Raises:
        GeometryError: n is not a whole number of at least 8.
    """
    n = count(n, "n", least=8)
    rng = np.random.default_rng(n)
    batch = max(1, 2_000_000 // n)
    values = [
        jarque_bera(rng.standard_normal((min(batch, SIMULATIONS - start), n)))
        for start in range(0, SIMULATIONS, batch)
    ]
    return float(np.quantile(np.concatenate(values), 1 - LEVEL))


def jarque_bera(x: Array) -> Array:
    """N/6 (S² + K²/4) (...) of samples (..., N) that are not all equal.

    Raises:
        GeometryError: x is not an array of real numbers.
    """
    xp, x = real_array(x, "x")
    n = x.shape[-1]
    x = x - xp.mean(x, axis=-1, keepdims=True)
    squares = x * x  # products: powers are ten times slower
    variance = xp.mean(squares, axis=-1)
    skewness = xp.mean(squares * x, axis=-1) / variance**1.5
    kurtosis = xp.mean(squares * squares, axis=-1) / variance**2 - 3
    return n / 6 * (skewness**2 + kurtosis**2 / 4)


def _rejected(x: Array, critical: float, xp: Any) -> float:
    return float(xp.mean(xp.astype(jarque_bera(x) > critical, xp.float64)))
