"""Overlap of class subspaces: scipy's principal angles, planted subspaces, the Gram path."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

from subspacelens_tui.geometry import (
    class_spectra,
    class_subspaces,
    feature_view,
    gram,
    mean_off_diagonal,
    overlap_from_gram,
    subspace_overlap,
    variance_explained_from_gram,
)
from subspacelens_tui.geometry.errors import GeometryError

LABELS = np.array(list("abc"))[np.array([0, 1, 1, 2, 0, 1, 2, 2, 0, 1, 2, 1, 0, 1])]  # sizes 4, 6, 4


def bases(Z: np.ndarray, y: np.ndarray, rank: int) -> list[np.ndarray]:
    return [np.linalg.svd(Z[:, y == k], full_matrices=False)[0][:, :rank] for k in np.unique(y)]


@pytest.mark.parametrize("d", [5, 30])
def test_mean_squared_cosine_of_scipys_principal_angles(
    d: int, rng: np.random.Generator, to_array: Any
) -> None:
    Z = rng.normal(size=(d, 14))
    U = bases(Z, LABELS, 3)
    expected = [[np.mean(np.cos(subspace_angles(U[i], U[j])) ** 2) for j in range(3)] for i in range(3)]
    assert np.asarray(subspace_overlap(to_array(Z), LABELS, 3)) == pytest.approx(np.array(expected), rel=1e-9)
    assert np.asarray(overlap_from_gram(gram(to_array(Z)), LABELS, 3)) == pytest.approx(
        np.array(expected), rel=1e-9
    )


def test_variance_explained_is_the_definition(rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(30, 14))
    U = bases(Z, LABELS, 2)
    S = [Z[:, k == LABELS] @ Z[:, k == LABELS].T / np.sum(k == LABELS) for k in "abc"]
    expected = [[np.trace(U[i].T @ S[j] @ U[i]) / np.trace(S[j]) for j in range(3)] for i in range(3)]
    found = variance_explained_from_gram(gram(to_array(Z)), LABELS, 2)
    assert np.asarray(found) == pytest.approx(np.array(expected), rel=1e-9)


def test_orthogonal_planted_subspaces_do_not_overlap(rng: np.random.Generator) -> None:
    Q, _ = np.linalg.qr(rng.normal(size=(40, 40)))
    y = np.repeat(np.arange(3), 12)
    Z = np.hstack([Q[:, 5 * k : 5 * k + 5] @ rng.normal(size=(5, 12)) for k in range(3)])
    for overlap in (subspace_overlap(Z, y, 5), overlap_from_gram(gram(Z), y, 5)):
        assert overlap == pytest.approx(np.eye(3), abs=1e-12)
        assert mean_off_diagonal(overlap) == pytest.approx(0, abs=1e-12)
    assert variance_explained_from_gram(gram(Z), y, 5) == pytest.approx(np.eye(3), abs=1e-12)


def test_a_shared_mean_alone_overlaps_by_one_over_the_rank(rng: np.random.Generator) -> None:
    y = np.repeat(np.arange(3), 20)
    Z = rng.normal(size=(2000, 60))
    Z[0] += 500
    G = gram(Z)
    assert mean_off_diagonal(overlap_from_gram(G, y, 5)) == pytest.approx(1 / 5, abs=0.02)
    assert mean_off_diagonal(overlap_from_gram(feature_view(G, "centred"), y, 5)) < 0.05


def test_massive_dimensions(massive: tuple[np.ndarray, np.ndarray], to_array: Any) -> None:
    Z, y = massive
    exact = subspace_overlap(Z.astype(np.float64), y, 5)
    assert np.asarray(overlap_from_gram(gram(to_array(Z)), y, 5)) == pytest.approx(exact, abs=1e-5)


def test_layers_are_batched_and_classes_ordered(rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(2, 3, 30, 14))
    G = gram(to_array(Z))
    order = ["c", "a", "b"]
    found = class_subspaces(G, LABELS, 3, order)
    index = [2, 0, 1]
    for a in range(2):
        for b in range(3):
            expected = subspace_overlap(Z[a, b], LABELS, 3)[np.ix_(index, index)]
            assert np.asarray(found.overlap[a, b]) == pytest.approx(expected, abs=1e-12)
            explained = np.asarray(variance_explained_from_gram(gram(Z[a, b]), LABELS, 3))[
                np.ix_(index, index)
            ]
            assert np.asarray(found.variance_explained[a, b]) == pytest.approx(explained, abs=1e-12)
    for one, other in zip(found.eigenvalues, class_spectra(G, LABELS, order), strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), abs=1e-10)


def test_mean_off_diagonal_of_layers() -> None:
    M = np.array([[[9.0, 1], [3, 9]], [[9, 5], [7, 9]]])
    assert mean_off_diagonal(M) == pytest.approx([2, 6])


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1), d=st.integers(3, 20), rank=st.integers(1, 3), scale=st.floats(1e-3, 1e3)
)
def test_bounds_and_invariances(seed: int, d: int, rank: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(d, 14))
    overlap = overlap_from_gram(gram(Z), LABELS, rank)
    assert overlap == pytest.approx(overlap.T, abs=1e-9)
    assert np.diagonal(overlap) == pytest.approx(np.ones(3))
    assert np.all((overlap > -1e-12) & (overlap < 1 + 1e-9))
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    order = rng.permutation(14)
    other = overlap_from_gram(gram(scale * rotation @ Z[:, order]), LABELS[order], rank)
    assert other == pytest.approx(overlap, abs=1e-6)


@pytest.mark.parametrize("from_gram", [False, True])
def test_a_rank_beyond_a_class_names_it(from_gram: bool, rng: np.random.Generator, to_array: Any) -> None:
    def overlap(Z: np.ndarray, rank: int) -> Any:
        if from_gram:
            return overlap_from_gram(gram(to_array(Z)), LABELS, rank)
        return subspace_overlap(to_array(Z), LABELS, rank)

    Z = rng.normal(size=(30, 14))
    with pytest.raises(
        GeometryError,
        match="class 'a' has numerical rank 4, below the subspace dimension 5; "
        "choose a dimension of at most 4",
    ):
        overlap(Z, 5)
    Z[:, LABELS == "b"] = Z[:, :1]
    with pytest.raises(GeometryError, match="class 'b' has numerical rank 1, below the subspace dimension 3"):
        overlap(Z, 3)
    Z[:, LABELS == "b"] = 0
    with pytest.raises(
        GeometryError,
        match="class 'b' has numerical rank 0, below the subspace dimension 3; its features are all zero",
    ):
        overlap(Z, 3)
