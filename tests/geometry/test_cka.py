"""Unbiased CKA and its null against brute force."""

import numpy as np
import pytest

from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.geometry.cka import cka_null_std, cka_of, permuted_cka, u_centred, unbiased_cka
from subspacelens_tui.geometry.neighbours import knn_accuracy, nearest_of_other_groups


def hsic(K: np.ndarray, L: np.ndarray) -> float:
    """HSIC₁ as Song et al. write it."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    parts = np.trace(K @ L) + one @ K @ one * (one @ L @ one) / ((n - 1) * (n - 2))
    return float(parts - 2 / (n - 2) * (one @ K @ L @ one)) / (n * (n - 3))


def test_it_is_the_formula_and_blind_to_means_rotations_and_scale() -> None:
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((20, 30))
    other = 0.5 * Z[:12] + rng.standard_normal((12, 30))
    K, L = Z.T @ Z, other.T @ other
    expected = hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))
    assert unbiased_cka(K, L) == pytest.approx(expected, rel=1e-12)
    moved = 3 * np.linalg.qr(rng.standard_normal((20, 20)))[0] @ Z + rng.standard_normal((20, 1))
    assert unbiased_cka(moved.T @ moved, L) == pytest.approx(expected, rel=1e-10)
    assert unbiased_cka(K, K) == pytest.approx(1)


def test_independent_features_have_none_however_wide() -> None:
    """The biased form has .85 here."""
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, 1152, 200))
    assert abs(unbiased_cka(one.T @ one, other.T @ other)) < 4 * cka_null_std(200)


def test_the_null_of_permuted_images_has_the_same_deviation_for_all_features() -> None:
    rng = np.random.default_rng(2)
    Z = rng.standard_normal((40, 30)) * np.exp(-np.arange(40) / 4)[:, None]
    centred = u_centred(np.stack([Z.T @ Z, Z[:8].T @ Z[:8]]))
    drawn = permuted_cka(centred, centred, 4000, 0)
    np.testing.assert_allclose(drawn.std(axis=0), cka_null_std(30), rtol=0.06)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=5 * cka_null_std(30) / np.sqrt(4000))
    np.testing.assert_allclose(np.diagonal(cka_of(centred, centred)), 1)


def test_what_has_no_cka_says_so() -> None:
    with pytest.raises(GeometryError, match="4 images or more"):
        unbiased_cka(np.eye(3), np.eye(3))
    with pytest.raises(GeometryError, match="same for all images"):
        unbiased_cka(np.ones((5, 5)), np.eye(5))
    with pytest.raises(GeometryError, match="the same images"):
        unbiased_cka(np.eye(5), np.eye(6))


def test_neighbours_are_of_other_subjects_and_vote() -> None:
    rng = np.random.default_rng(3)
    groups, classes = np.repeat(np.arange(12), 4), np.repeat([0, 1, 2], 16)
    Z = (
        rng.standard_normal((6, 48))
        + 2 * np.eye(6)[:, classes]
        + 0.5 * rng.standard_normal((6, 12))[:, groups]
    )
    found = nearest_of_other_groups(Z.T @ Z, groups)
    for image in range(48):
        others = np.flatnonzero(groups != groups[image])
        distances = np.linalg.norm(Z[:, others] - Z[:, [image]], axis=0)
        assert found[image].tolist() == others[np.argsort(distances)[:5]].tolist()
    right = []
    for image, near in enumerate(found):
        counts = np.bincount(classes[near], minlength=3)
        winner = next(c for c in classes[near] if counts[c] == counts.max())
        right.append(winner == classes[image])
    permuted = rng.permutation(classes)
    accuracy = knn_accuracy(found, np.stack([classes, permuted]))
    assert accuracy[0] == np.mean(right)
    assert accuracy[1] < accuracy[0]
    with pytest.raises(GeometryError, match="fewer than 5 images of other subjects"):
        nearest_of_other_groups(Z.T @ Z, np.zeros(48, dtype=int))
