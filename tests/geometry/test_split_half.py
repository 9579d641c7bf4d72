"""The split-half ceiling of overlap."""

from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    GeometryError,
    gram,
    mean_off_diagonal,
    split_half_overlap,
    subspace_overlap,
)

Y = np.repeat(np.arange(3), [10, 10, 13])


def test_clean_subspaces_reach_the_ceiling(rng: np.random.Generator, to_array: Any) -> None:
    Q, _ = np.linalg.qr(rng.normal(size=(40, 40)))
    Z = np.stack([Q[:, 3 * k : 3 * k + 3] @ rng.normal(size=3) for k in Y], axis=1)
    found = split_half_overlap(gram(to_array(Z)), Y, 3, 0)
    assert np.asarray(found) == pytest.approx(np.eye(3), abs=1e-9)


def test_no_subspaces_reach_no_more_with_themselves_than_with_others(rng: np.random.Generator) -> None:
    found = split_half_overlap(gram(rng.normal(size=(200, 33))), Y, 3, 0, splits=40)
    assert np.mean(np.diagonal(found)) == pytest.approx(float(mean_off_diagonal(found)), abs=0.01)


def test_halves_by_hand(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(2, 20, 8))
    y = np.repeat([0, 1], 4)
    found = split_half_overlap(gram(Z), y, 1, 6, splits=1)
    generator = np.random.default_rng(6)
    halves = [generator.permutation(np.flatnonzero(y == k)) for k in (0, 1)]
    labels = np.empty(8, int)
    for k, half in enumerate(halves):
        labels[half[:2]], labels[half[2:]] = k, 2 + k
    for layer in range(2):
        between = subspace_overlap(Z[layer], labels, 1)[:2, 2:]
        assert found[layer] == pytest.approx((between + between.T) / 2, rel=1e-9)


def test_seeded_ordered_and_clear_about_what_is_too_small(rng: np.random.Generator) -> None:
    G = gram(rng.normal(size=(20, 33)))
    one = split_half_overlap(G, Y, 2, 5, classes=[2, 0, 1])
    assert np.array_equal(one, split_half_overlap(G, Y, 2, 5, classes=[2, 0, 1]))
    assert one.shape == (3, 3)
    with pytest.raises(
        GeometryError, match="class 'half of 0' has numerical rank 5, below the subspace dimension 6"
    ):
        split_half_overlap(G, Y, 6, 5)
    with pytest.raises(GeometryError, match="class 7 has a single image and no halves"):
        split_half_overlap(G, np.append(Y[:-1], 7), 2, 5)
