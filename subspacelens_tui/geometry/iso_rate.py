"""The ε at which a layer reaches a given coding rate: layers compared at equal rate instead of equal ε."""

import math
from collections.abc import Callable
from typing import Any

from array_api_compat import device

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import Array, count, spectrum

# Halvings of a bracket in log α; a bracket is at most a few thousand wide, so float64 is reached.
HALVINGS = 64
NEWTON_STEPS = 30
NEWTON_CLOSE = 1e-12


def iso_rate_eps(eigenvalues: Array, d: int, n: int, rate: Any) -> Array:
    """The ε (...) at which ½ Σ log1p(d/(n ε²) λ) equals `rate`, by bisection on log α.

    Args:
        eigenvalues: (..., m), of the Gram matrix or the covariance.
        d: The width of the features.
        n: The number of images.
        rate: The rate to reach in nats, above 0; a number or an array that broadcasts against (...).

    Raises:
        GeometryError: Rate not finite and positive, features all zero (R is 0 at every ε), or a rate so high
            that its ε is below the smallest float64.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    largest = xp.max(eigenvalues, axis=-1)
    if bool(xp.any(largest <= 0)):
        raise GeometryError("all features are zero: their rate is 0 at every eps; check what was recorded")
    rate = xp.asarray(rate, dtype=xp.float64, device=device(eigenvalues))
    if not bool(xp.all(xp.isfinite(rate) & (rate > 0))):
        raise GeometryError("rate must be finite and above 0 nats; take that of a layer with features")
    positive = eigenvalues > 0
    log_eigenvalues = xp.log(xp.where(positive, eigenvalues, xp.ones_like(eigenvalues)))
    zeros = xp.zeros_like(eigenvalues)
    # All m eigenvalues at the largest would need less than α, the largest alone needs more.
    low = _log_expm1(2 * rate / eigenvalues.shape[-1], xp) - xp.log(largest)
    high = _log_expm1(2 * rate, xp) - xp.log(largest)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        # log(1 + αλ) without forming αλ, which may overflow on the way.
        terms = xp.where(positive, xp.logaddexp(zeros, middle[..., None] + log_eigenvalues), zeros)
        below = 0.5 * xp.sum(terms, axis=-1) < rate
        low, high = xp.where(below, middle, low), xp.where(below, high, middle)
    eps = (count(d, "d") / count(n, "n")) ** 0.5 * xp.exp(-(low + high) / 4)
    if not bool(xp.all((eps > 0) & xp.isfinite(eps))):
        raise GeometryError("no eps in float64 gives this rate; choose one closer to the rates of the layers")
    return eps


def refined_eps(
    eps: float, eigenvalues: Array, d: int, n: int, rate: float, rate_at: Callable[[float], float]
) -> float:
    """The ε at which `rate_at` equals `rate`, by Newton steps in log ε from one that the eigenvalues gave.

    For features whose eigenvalues have lost digits that `rate_at` has not.
    """
    xp, eigenvalues = spectrum(eigenvalues)
    for _ in range(NEWTON_STEPS):
        beyond = rate_at(eps) - rate
        if abs(beyond) <= NEWTON_CLOSE * rate:
            break
        grown = d / (n * eps**2) * eigenvalues
        eps *= math.exp(beyond / float(xp.sum(grown / (1 + grown))))
    return eps


def _log_expm1(x: Array, xp: Any) -> Array:
    """log(exp(x) - 1) for x > 0, without overflow."""
    return x + xp.log(-xp.expm1(-x))
