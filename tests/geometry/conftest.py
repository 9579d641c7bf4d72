"""Planted features, and both kinds of array."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch


@pytest.fixture(params=["numpy", "torch"])
def to_array(request: pytest.FixtureRequest) -> Callable[[np.ndarray], Any]:
    """Turn a NumPy array into the kind of array under test."""
    return np.asarray if request.param == "numpy" else lambda X: torch.from_numpy(np.array(X))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260731)


@pytest.fixture
def massive(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A collapsed spectrum with two massive dimensions: Z (96, 60) float32, 3 classes."""
    d, n = 96, 60
    Z = rng.normal(size=(d, n)) * np.geomspace(1, 1e-2, d)[:, None]
    Z[3] += 2e4
    Z[17] -= 5e3 * (1 + 0.01 * rng.normal(size=n))
    return Z.astype(np.float32), np.repeat(np.arange(3), 20)
