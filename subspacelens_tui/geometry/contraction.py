"""Does a block denoise? The gains along the eigenvectors of its input, fitted by a Gaussian denoiser's.

The denoiser of Gaussian features of variance λ at noise σ² scales a direction by λ/(λ + σ²): its gain less 1
is -σ²/(λ + σ²); a step of expansion gives the same shape with the other sign. So fit g - 1 = a + b x(λ) with
x = σ²/(λ + σ²): b < 0 contracts directions of low variance, b > 0 expands them. What the fit shows is that
gains fall or rise with λ: a + b log λ fits nearly as well, and σ is not the scheduler's.
"""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.nulls import NullSummary, summarize_null

_LEAST_DIRECTIONS = 8
# Points for σ² over the spectrum, evenly in log σ²; the fit of the gains is refined between two of them.
_GRID, _REFINED = 64, 33
# How far beyond the spectrum σ² may lie, as a factor.
_BEYOND = 3.0
_REFITS = 200


@dataclass(frozen=True)
class Contraction:
    """The fit g - 1 = a + b σ²/(λ + σ²), by least squares weighted by the gains' errors.

    Attributes:
        offset: a.
        slope: b, below 0 for a denoiser.
        noise: σ², in the units of λ.
        standard_error: of b at this σ², if the direction of the update were left to chance.
        r2: the share of the gains' weighted variance that the fit explains.
    """

    offset: float
    slope: float
    noise: float
    standard_error: float
    r2: float


def fitted_gains(eigenvalues: np.ndarray, offset: float, slope: float, noise: float) -> np.ndarray:
    """The curve 1 + a + b σ²/(λ + σ²) at eigenvalues in the units of σ²."""
    fitted: np.ndarray = 1 + offset + slope * noise / (eigenvalues + noise)
    return fitted


def fit_contraction(gains: np.ndarray) -> Contraction:
    """Fit gains (r, 3): λ, g and the standard error of g, as `Update.gains` gives them.

    Raises:
        GeometryError: too few directions, all eigenvalues alike, or all gains equal.
    """
    values, y, errors = gains[:, 0], gains[:, 1] - 1, gains[:, 2]
    if len(gains) < _LEAST_DIRECTIONS:
        raise GeometryError(f"a curve is fitted to {_LEAST_DIRECTIONS} directions or more, not {len(gains)}")
    low, high = float(values.min()), float(values.max())
    if not high > low * (1 + 1e-6):
        raise GeometryError("all eigenvalues of the input are equal: its gains have no trend")
    if np.ptp(y) <= 1e-9 * max(1e-9, float(np.abs(y).max())) or not errors.min() > 0:
        raise GeometryError("the block scales its input: its gains are all the same")
    weights = 1 / errors**2
    grid = _noises(values)
    fit = _fit(grid, values, y[None], weights)
    for _ in range(2):
        step = grid[1] - grid[0]
        grid = fit.log_noise[0] + np.linspace(-step, step, _REFINED)
        fit = _fit(grid, values, y[None], weights)
    return Contraction(
        offset=float(fit.offset[0]),
        slope=float(fit.slope[0]),
        noise=float(np.exp(fit.log_noise[0])),
        standard_error=float(fit.standard_error[0]),
        r2=float(fit.r2[0]),
    )


def contraction_nulls(fit: Contraction, gains: np.ndarray, seed: int = 0) -> tuple[NullSummary, NullSummary]:
    """The nulls of b and of R²: fits to gains that differ from 1 by their errors only, each with its own σ².

    Args:
        fit: of the gains.
        gains: (r, 3), as for `fit_contraction`.
        seed: of what is drawn.
    """
    values, errors = gains[:, 0], gains[:, 2]
    drawn = np.random.default_rng(seed).standard_normal((_REFITS, len(values))) * errors
    null = _fit(_noises(values), values, drawn, 1 / errors**2)
    return summarize_null(fit.slope, null.slope, "smaller"), summarize_null(fit.r2, null.r2, "greater")


def _noises(values: np.ndarray) -> np.ndarray:
    """The grid of log σ² over a spectrum."""
    grid: np.ndarray = np.linspace(np.log(values.min() / _BEYOND), np.log(values.max() * _BEYOND), _GRID)
    return grid


@dataclass(frozen=True)
class _Fits:
    """The best fits of P sets of gains, each (P,)."""

    log_noise: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    standard_error: np.ndarray
    r2: np.ndarray


def _fit(grid: np.ndarray, values: np.ndarray, y: np.ndarray, weights: np.ndarray) -> _Fits:
    """Of gains less 1 (P, r) the best fits over a grid of log σ² (S,)."""
    noise = np.exp(grid)[:, None]
    total = weights.sum()
    x = noise / (values + noise)
    x_mean = x @ weights / total
    x = x - x_mean[:, None]
    y_mean = y @ weights / total
    y = y - y_mean[:, None]
    sxx = x**2 @ weights
    sxy = (y * weights) @ x.T
    explained = sxy**2 / sxx
    best = explained.argmax(axis=1)
    at = np.arange(len(y)), best
    slope = sxy[at] / sxx[best]
    return _Fits(
        log_noise=grid[best],
        offset=y_mean - slope * x_mean[best],
        slope=slope,
        standard_error=1 / np.sqrt(sxx[best]),
        r2=np.minimum(1.0, explained[at] / (y**2 @ weights)),
    )
