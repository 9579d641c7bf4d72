"""Coding rates: closed forms, both sides of N = d, precision, invariances."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from subspacelens_tui.geometry import (
    class_rate_from_gram,
    class_rate_from_spectra,
    class_spectra,
    coding_rate,
    coding_rate_from_gram,
    coding_rate_from_spectrum,
    feature_spectrum,
    gram,
    gram_spectrum,
    rate_reduction,
)


def rate_by_determinant(Z: np.ndarray, eps: float) -> float:
    """The definition, with none of our code."""
    d, n = Z.shape
    return float(0.5 * np.linalg.slogdet(np.eye(d) + d / (n * eps**2) * Z @ Z.T)[1])


def rate_by_singular_values(Z: np.ndarray, eps: float) -> float:
    """The definition through singular values, exact where squaring them would lose the small ones."""
    d, n = Z.shape
    return float(0.5 * np.sum(np.log1p(d / (n * eps**2) * np.linalg.svd(Z, compute_uv=False) ** 2)))


def random_features(seed: int, d: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(d, n))


@pytest.mark.parametrize(("d", "n"), [(7, 20), (20, 20), (40, 20)])
def test_definition_on_both_sides_of_n_equals_d(d: int, n: int, to_array: Any) -> None:
    Z = random_features(0, d, n)
    y = np.arange(n) % 3
    found = rate_reduction(to_array(Z), y, 0.7)
    Rc = sum((y == k).mean() * rate_by_determinant(Z[:, y == k], 0.7) for k in range(3))
    assert coding_rate(to_array(Z), 0.7) == found.R == pytest.approx(rate_by_determinant(Z, 0.7), rel=1e-12)
    assert found.Rc == pytest.approx(Rc, rel=1e-12)
    assert found.delta_R == found.R - found.Rc


def test_more_images_than_dimensions_equals_the_gram_path(rng: np.random.Generator) -> None:
    Z, y = rng.normal(size=(9, 80)), np.arange(80) % 2
    found = rate_reduction(Z, y, 0.5)
    G = gram(Z)
    assert len(feature_spectrum(Z)) == 9
    assert found.R == pytest.approx(coding_rate_from_spectrum(gram_spectrum(G), 9, 80, 0.5), rel=1e-12)
    assert found.Rc == pytest.approx(
        class_rate_from_spectra(class_spectra(G, y), [40, 40], 9, 0.5), rel=1e-12
    )


def test_orthogonal_planted_subspaces_have_the_closed_form(to_array: Any) -> None:
    # Class k: r orthonormal directions of its own, each met m times with amplitude a_k.
    r, m, K, d, eps = 3, 4, 3, 20, 0.4
    amplitudes = [0.5, 1.0, 2.0]
    Z = np.zeros((d, K * r * m))
    for k, a in enumerate(amplitudes):
        for j in range(r * m):
            Z[k * r + j % r, k * r * m + j] = a
    n, n_k = K * r * m, r * m
    found = rate_reduction(to_array(Z), np.repeat(np.arange(K), n_k), eps)
    R = sum(r * 0.5 * np.log1p(d / (n * eps**2) * a * a * m) for a in amplitudes)
    Rc = sum(n_k / n * r * 0.5 * np.log1p(d / (n_k * eps**2) * a * a * m) for a in amplitudes)
    assert found.R == pytest.approx(R, rel=1e-13)
    assert found.Rc == pytest.approx(Rc, rel=1e-13)


def test_classes_that_are_copies_of_each_other_have_no_rate_reduction(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(30, 8))
    found = rate_reduction(np.hstack([Z, Z, Z]), np.repeat(["a", "b", "c"], 8), 0.5)
    assert found.delta_R == pytest.approx(0, abs=1e-12)
    assert found.ratio == pytest.approx(1, rel=1e-13)


def test_float32_features_with_massive_dimensions(
    massive: tuple[np.ndarray, np.ndarray], to_array: Any
) -> None:
    Z, y = massive
    found = rate_reduction(to_array(Z), y, 0.5)
    exact = rate_by_singular_values(Z.astype(np.float64), 0.5)
    exact_c = sum(rate_by_singular_values(Z[:, y == k].astype(np.float64), 0.5) for k in range(3)) / 3
    assert found.R == pytest.approx(exact, rel=1e-6)
    assert found.Rc == pytest.approx(exact_c, rel=1e-6)
    # What float32 all the way would have given.
    in_float32 = 0.5 * np.sum(np.log1p(96 / (60 * 0.25) * np.clip(np.linalg.eigvalsh(Z.T @ Z), 0, None)))
    assert abs(in_float32 - exact) > 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
def test_any_real_precision_is_taken(dtype: torch.dtype) -> None:
    Z = torch.from_numpy(random_features(1, 6, 9) * 3).to(dtype)
    assert gram(Z).dtype == torch.float64
    assert coding_rate(Z, 0.5) == pytest.approx(rate_by_determinant(Z.double().numpy(), 0.5), rel=1e-12)


def test_a_tensor_with_gradient_is_taken() -> None:
    Z = torch.from_numpy(random_features(1, 6, 9)).requires_grad_()
    assert rate_reduction(Z, torch.arange(9) % 2, 0.5).R == coding_rate(Z.detach(), 0.5)


def test_a_sweep_of_eps_over_layers(to_array: Any) -> None:
    Z = np.stack([random_features(layer, 12, 10) for layer in range(3)])
    y = np.array(list("aabbbbbbcc"))
    G = gram(to_array(Z))
    eps = np.array([0.1, 0.5, 2.0, 5.0])
    R = coding_rate_from_spectrum(gram_spectrum(G), 12, 10, eps[:, None])
    Rc = class_rate_from_spectra(class_spectra(G, y), [2, 6, 2], 12, eps[:, None])
    assert R.shape == Rc.shape == (4, 3)
    for e, value in enumerate(eps):
        for layer in range(3):
            one = rate_reduction(Z[layer], y, value)
            assert float(R[e, layer]) == pytest.approx(one.R, rel=1e-12)
            assert float(Rc[e, layer]) == pytest.approx(one.Rc, rel=1e-12)


def test_one_eps_for_each_layer() -> None:
    eigenvalues = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = coding_rate_from_spectrum(eigenvalues, 5, 2, np.array([0.5, 1.0]))
    assert found == pytest.approx(0.5 * np.log1p(np.array([[10.0, 20], [7.5, 10]])).sum(-1))


def test_classes_in_an_order_of_ones_own(rng: np.random.Generator) -> None:
    G = gram(rng.normal(size=(2, 12, 9)))
    y = np.array(list("aabbbbccc"))
    by_name = dict(zip("abc", class_spectra(G, y), strict=True))
    for name, spectrum in zip("cab", class_spectra(G, y, classes=["c", "a", "b"]), strict=True):
        assert np.array_equal(spectrum, by_name[name])
        assert spectrum.shape == (2, (y == name).sum())


def test_tiny_negative_eigenvalues_count_as_zero() -> None:
    assert coding_rate_from_spectrum(np.array([-1e-15, 1.0]), 1, 1, 1.0) == pytest.approx(0.5 * np.log(2))


sizes = st.integers(2, 12)
seeds = st.integers(0, 2**32 - 1)
precisions = st.floats(0.05, 20)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, d=sizes, n=sizes, eps=precisions)
def test_rotation_and_permutation_change_nothing(seed: int, d: int, n: int, eps: float) -> None:
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(size=(d, n)), rng.integers(0, 3, size=n)
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    order = rng.permutation(n)
    one = rate_reduction(Z, y, eps)
    for other in (rate_reduction(rotation @ Z, y, eps), rate_reduction(Z[:, order], y[order], eps)):
        assert other.R == pytest.approx(one.R, rel=1e-9)
        assert other.Rc == pytest.approx(one.Rc, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, d=sizes, n=sizes, eps=precisions)
def test_rate_reduction_is_never_negative_and_refinement_raises_it(
    seed: int, d: int, n: int, eps: float
) -> None:
    rng = np.random.default_rng(seed)
    Z, coarse = rng.normal(size=(d, n)), rng.integers(0, 2, size=n)
    fine = 2 * coarse + rng.integers(0, 2, size=n)
    one, finer = rate_reduction(Z, coarse, eps), rate_reduction(Z, fine, eps)
    assert -1e-9 <= one.delta_R <= finer.delta_R + 1e-9
    assert 0 < finer.ratio <= one.ratio + 1e-9 <= 1 + 2e-9


@settings(deadline=None, max_examples=40)
@given(seed=seeds, d=sizes, n=sizes, eps=precisions, scale=st.floats(0.01, 100))
def test_only_scale_over_eps_matters(seed: int, d: int, n: int, eps: float, scale: float) -> None:
    Z = random_features(seed, d, n)
    assert coding_rate(scale * Z, scale * eps) == pytest.approx(coding_rate(Z, eps), rel=1e-9)
    assert coding_rate(Z, 1.1 * eps) < coding_rate(Z, eps)


@pytest.mark.parametrize(("d", "n"), [(7, 20), (40, 20)])
def test_factors_give_what_spectra_give(d: int, n: int, to_array: Any) -> None:
    layers = np.stack([gram(random_features(seed, d, n) * 10**seed) for seed in range(3)])
    labels, eps = [i % 3 for i in range(n)], np.array([0.1, 0.5, 2.0])
    G, sizes = to_array(layers), [labels.count(k) for k in range(3)]
    R = coding_rate_from_spectrum(gram_spectrum(G), d, n, to_array(eps))
    Rc = class_rate_from_spectra(class_spectra(G, labels), sizes, d, to_array(eps))
    assert np.asarray(coding_rate_from_gram(G, d, to_array(eps))) == pytest.approx(np.asarray(R), rel=1e-11)
    found = np.asarray(class_rate_from_gram(G, labels, d, to_array(eps)))
    assert found == pytest.approx(np.asarray(Rc), rel=1e-11)


@pytest.mark.parametrize("n", [24, 1001])
def test_factors_of_few_and_of_many_images(n: int) -> None:
    Z = np.random.default_rng(n).normal(size=(6, n))
    R = coding_rate_from_gram(Z.T @ Z, 6, 0.5)
    assert float(R) == pytest.approx(rate_by_determinant(Z, 0.5), rel=1e-12)
