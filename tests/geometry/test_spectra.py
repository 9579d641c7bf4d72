"""Effective ranks: known spectra, sampling bias, invariances."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subspacelens_tui.geometry import (
    effective_rank,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    feature_spectrum,
    feature_view,
    gram,
    gram_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)

FROM_SPECTRUM = (
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
)


@pytest.mark.parametrize("rank_of", FROM_SPECTRUM)
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_equal_eigenvalues_count_in_full(rank_of: Any, scale: float, to_array: Any) -> None:
    eigenvalues = scale * np.array([[0, 0, 1, 1, 1], [0, 1, 1, 1, 1.0], [0, 0, 0, 0, 7.0]])
    assert np.asarray(rank_of(to_array(eigenvalues))) == pytest.approx(np.array([3, 4, 1]))


def test_known_unequal_spectrum() -> None:
    eigenvalues = np.array([1.0, 4.0])  # singular values 1 and 2
    entropy = lambda p: np.exp(-sum(q * np.log(q) for q in p))  # noqa: E731
    assert effective_rank_from_spectrum(eigenvalues) == pytest.approx(entropy([1 / 3, 2 / 3]))
    assert eigenvalue_rank_from_spectrum(eigenvalues) == pytest.approx(entropy([0.2, 0.8]))
    assert participation_ratio_from_spectrum(eigenvalues) == pytest.approx(25 / 17)
    assert stable_rank_from_spectrum(eigenvalues) == pytest.approx(5 / 4)


def test_rounding_does_not_add_to_the_effective_rank(rng: np.random.Generator) -> None:
    # 390 of 400 eigenvalues are rounding; their square roots would add up.
    Z = rng.normal(size=(600, 10)) @ rng.normal(size=(10, 400))
    exact = effective_rank(Z)
    assert effective_rank_from_spectrum(gram_spectrum(gram(Z))) == pytest.approx(exact, rel=1e-9)


def test_massive_dimensions(massive: tuple[np.ndarray, np.ndarray], to_array: Any) -> None:
    Z, _ = massive
    exact = effective_rank(Z.astype(np.float64))
    assert effective_rank(to_array(Z)) == pytest.approx(exact, rel=1e-12)
    assert float(effective_rank_from_spectrum(feature_spectrum(to_array(Z)))) == pytest.approx(
        exact, rel=1e-6
    )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 12), n=st.integers(2, 12), scale=st.floats(1e-3, 1e3))
def test_bounds_and_invariances(seed: int, d: int, n: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(d, n))
    eigenvalues = feature_spectrum(Z)
    ranks = [float(rank_of(eigenvalues)) for rank_of in FROM_SPECTRUM]
    assert all(1 - 1e-9 <= rank <= min(d, n) + 1e-9 for rank in ranks)
    # Rényi entropies of orders 1, 2 and ∞ of the same distribution fall in that order.
    assert sorted(ranks, reverse=True) == pytest.approx(ranks)
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    assert effective_rank(scale * rotation @ Z[:, rng.permutation(n)]) == pytest.approx(
        effective_rank(Z), rel=1e-9
    )


def pairs_and_quadruples(Z: np.ndarray) -> tuple[float, float]:
    """The centred U-statistics by brute force, over all quadruples of different images."""
    total, spread, terms = 0.0, 0.0, 0
    for i, j, k, m in permutations(range(Z.shape[1]), 4):
        a, b = Z[:, i] - Z[:, j], Z[:, k] - Z[:, m]
        total += (a @ a) / 2 * (b @ b) / 2
        spread += (a @ b) ** 2 / 4
        terms += 1
    return total / terms, spread / terms


def test_centred_estimate_is_the_fourth_order_u_statistic(rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(5, 8)) * np.arange(1, 6)[:, None] + 3
    total, spread = pairs_and_quadruples(Z)
    G = gram(to_array(Z))
    assert float(unbiased_centred_participation_ratio(G)) == pytest.approx(total / spread, rel=1e-10)
    centred = feature_view(G, "centred")
    assert float(unbiased_centred_participation_ratio(centred)) == pytest.approx(total / spread, rel=1e-10)


def test_unbiased_estimates_do_not_depend_on_n() -> None:
    rng = np.random.default_rng(5)
    scales = np.geomspace(1, 0.1, 60)
    truth = (scales**2).sum() ** 2 / (scales**4).sum()
    naive, raw, centred = [], [], []
    for _ in range(300):
        G = gram(scales[:, None] * rng.normal(size=(60, 20)))
        naive.append(participation_ratio_from_spectrum(gram_spectrum(G)))
        raw.append(unbiased_participation_ratio(G))
        # A mean of any size must not matter.
        centred.append(
            unbiased_centred_participation_ratio(gram(scales[:, None] * rng.normal(size=(60, 20)) + 4))
        )
    assert np.mean(naive) < 0.6 * truth
    assert np.mean(raw) == pytest.approx(truth, rel=0.03)
    assert np.mean(centred) == pytest.approx(truth, rel=0.03)


def test_layers_are_batched(rng: np.random.Generator, to_array: Any) -> None:
    G = gram(to_array(rng.normal(size=(3, 8, 10))))
    for of_gram in (unbiased_participation_ratio, unbiased_centred_participation_ratio):
        assert np.asarray(of_gram(G)) == pytest.approx([float(of_gram(G[layer])) for layer in range(3)])
