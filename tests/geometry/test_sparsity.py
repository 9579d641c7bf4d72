"""Hoyer sparsity and its reference values."""

from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    hoyer_from_norms,
    hoyer_gaussian,
    hoyer_laplace,
    hoyer_of_images,
    hoyer_sparsity,
)


def test_extremes(to_array: Any) -> None:
    assert hoyer_sparsity(to_array(np.array([[1.0, 0], [0, 0], [0, -3], [0, 0]]))) == pytest.approx(1)
    assert hoyer_sparsity(to_array(np.array([[2.0, 1], [-2, 1], [2, 1]]))) == pytest.approx(0)
    assert hoyer_sparsity(to_array(np.array([[1.0, 1], [0, 1], [0, 1], [0, 1]]))) == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [1e-200, 1e100])
def test_scale_does_not_matter(scale: float, rng: np.random.Generator) -> None:
    Z = rng.normal(size=(20, 5))
    assert hoyer_sparsity(scale * Z) == pytest.approx(hoyer_sparsity(Z))


@pytest.mark.parametrize("d", [2, 3, 16, 200])
def test_reference_values_are_the_expectations(d: int, rng: np.random.Generator) -> None:
    n = 40_000
    for reference, Z in (
        (hoyer_gaussian, rng.normal(size=(d, n))),
        (hoyer_laplace, rng.laplace(size=(d, n))),
    ):
        columns = (np.sqrt(d) - np.abs(Z).sum(0) / np.linalg.norm(Z, axis=0)) / (np.sqrt(d) - 1)
        assert abs(reference(d) - columns.mean()) < 4 * columns.std() / np.sqrt(n)


def test_reference_values_approach_their_limits() -> None:
    # ‖x‖₁/‖x‖₂ tends to √d E|x| / sqrt(E x²): √(2/π) √d for Gaussian, √(1/2) √d for Laplace entries.
    assert hoyer_gaussian(10**6) == pytest.approx(1 - np.sqrt(2 / np.pi), abs=1e-3)
    assert hoyer_laplace(10**6) == pytest.approx(1 - np.sqrt(1 / 2), abs=1e-3)


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        (2, 0.405015908053548),
        (32, 0.3348182048753045),
        (1152, 0.3012336703808586),
        (20000, 0.2949478873369341),
    ],
)
def test_laplace_as_by_thirty_digits(d: int, expected: float) -> None:
    """The same integral, by mpmath's quadrature."""
    assert hoyer_laplace(d) == pytest.approx(expected, abs=1e-11)


def test_laplace_of_width_two_by_hand() -> None:
    # x/‖x‖₁ is uniform on the simplex: E 1/‖(u, 1-u)‖₂ = ∫ du / sqrt(u² + (1-u)²) = √2 asinh 1.
    expected = (np.sqrt(2) - np.sqrt(2) * np.arcsinh(1)) / (np.sqrt(2) - 1)
    assert hoyer_laplace(2) == pytest.approx(expected, rel=1e-9)


def test_from_norms_as_from_the_vectors_with_gaps_for_zero() -> None:
    Z = np.random.default_rng(0).normal(size=(9, 5))
    Z[:, 3] = 0
    found = hoyer_from_norms(np.abs(Z).sum(axis=0), np.linalg.norm(Z, axis=0), 9)
    assert np.isnan(found[3])
    kept = [0, 1, 2, 4]
    assert found[kept] == pytest.approx(hoyer_of_images(Z[:, kept]), rel=1e-12)
