"""Jarque–Bera against scipy, its critical value, and what makes it reject."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from subspacelens_tui.geometry import (
    GeometryError,
    jarque_bera,
    jarque_bera_critical_value,
    projection_normality,
)

Y = np.arange(200) % 4


def test_scipys_statistic(rng: np.random.Generator, to_array: Any) -> None:
    x = rng.exponential(size=(5, 60))
    expected = [stats.jarque_bera(row).statistic for row in x]
    assert np.asarray(jarque_bera(to_array(x))) == pytest.approx(expected, rel=1e-10)


def test_critical_value_is_simulated() -> None:
    assert jarque_bera_critical_value(500) == pytest.approx(10.8, abs=0.25)
    assert jarque_bera_critical_value(500) > stats.chi2(2).ppf(0.99)
    x = np.random.default_rng(1).normal(size=(20_000, 100))
    assert np.mean(jarque_bera(x) > jarque_bera_critical_value(100)) == pytest.approx(0.01, abs=0.003)


def test_an_anisotropic_gaussian_is_not_rejected(rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(80, 200)) * np.geomspace(1, 0.1, 80)[:, None] + 5
    found = projection_normality(to_array(Z), Y, 0)
    assert found.pooled < 0.04
    assert found.class_centred < 0.04
    assert found.surrogate < 0.04
    assert found.critical_value == jarque_bera_critical_value(200)


def test_a_shift_between_class_means_alone_rejects_pooled_only(rng: np.random.Generator) -> None:
    y = np.arange(200) % 2
    Z = rng.normal(size=(50, 200)) + 8 * rng.normal(size=(50, 1)) * (y == 1)
    found = projection_normality(Z, y, 0)
    assert found.pooled > 0.5
    assert found.class_centred < 0.05
    assert found.surrogate < 0.05


def test_heavy_tails_reject_even_class_centred(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(50, 200)) * rng.standard_t(2, size=200)
    assert projection_normality(Z, Y, 0).class_centred > 0.9


def test_seeded_and_the_same_for_torch(rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.laplace(size=(10, 200))
    found = projection_normality(to_array(Z), Y, 3, projections=100)
    assert found == projection_normality(Z, Y, 3, projections=100)
    assert found != projection_normality(Z, Y, 4, projections=100)


def test_what_has_no_shape(rng: np.random.Generator) -> None:
    with pytest.raises(GeometryError, match="needs at least 8 images, got 7"):
        projection_normality(rng.normal(size=(5, 7)), np.arange(7), 0)
    with pytest.raises(GeometryError, match="features of all images are equal"):
        projection_normality(np.ones((5, 200)), Y, 0)
    with pytest.raises(GeometryError, match="features of the images of each class are equal"):
        projection_normality(rng.normal(size=(5, 4))[:, Y], Y, 0)
    with pytest.raises(GeometryError, match="n must be a whole number of at least 8, got 3"):
        jarque_bera_critical_value(3)
