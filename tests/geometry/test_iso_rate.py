"""The ε of a given rate."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subspacelens_tui.geometry import GeometryError, coding_rate_from_spectrum, iso_rate_eps


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(1e-3, 300), spread=st.floats(0, 8))
def test_the_rate_at_that_eps_is_the_rate(seed: int, rate: float, spread: float) -> None:
    eigenvalues = np.exp(spread * np.random.default_rng(seed).normal(size=(3, 12)))
    eigenvalues[1, :5] = 0
    eps = iso_rate_eps(eigenvalues, 30, 12, rate)
    assert eps.shape == (3,)
    assert coding_rate_from_spectrum(eigenvalues, 30, 12, eps) == pytest.approx(np.full(3, rate), rel=1e-9)


def test_a_rate_of_its_own_for_each_layer(to_array: Any) -> None:
    eigenvalues = to_array(np.array([[1.0, 2], [3, 4]]))
    expected = np.array([0.7, 2.0])
    rates = coding_rate_from_spectrum(eigenvalues, 5, 2, expected)
    assert np.asarray(iso_rate_eps(eigenvalues, 5, 2, rates)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("message", "eigenvalues", "rate"),
    [
        ("rate must be finite and above 0 nats", np.ones(3), 0.0),
        ("rate must be finite and above 0 nats", np.ones(3), np.nan),
        ("their rate is 0 at every eps", np.zeros(3), 1.0),
        ("no eps in float64 gives this rate", np.array([1.0, 0]), 2000.0),
    ],
)
def test_no_such_eps(message: str, eigenvalues: np.ndarray, rate: float) -> None:
    with pytest.raises(GeometryError, match=message):
        iso_rate_eps(eigenvalues, 3, 3, rate)
