"""Tokens minus the mean at their position."""

import numpy as np

from subspacelens_tui.sparse.positions import less_position_means


def test_the_mean_of_other_fitted_images_in_the_same_cell_is_subtracted() -> None:
    rng = np.random.default_rng(0)
    tokens, cells = rng.standard_normal((6, 9, 3)), rng.integers(0, 3, (6, 9))
    train = np.array([4, 0, 3])
    found = less_position_means(tokens, cells, train)
    for image, token in np.ndindex(6, 9):
        alike = [
            tokens[of, at]
            for of in train
            if of != image
            for at in range(9)
            if cells[of, at] == cells[image, token]
        ]
        np.testing.assert_allclose(found[image, token], tokens[image, token] - np.mean(alike, axis=0))


def test_a_cell_without_fitted_tokens_loses_the_mean_of_all() -> None:
    tokens = np.arange(12.0).reshape(2, 2, 3)
    found = less_position_means(tokens, np.array([[0, 0], [0, 1]]), np.array([0]))
    np.testing.assert_array_equal(found[1], tokens[1] - tokens[0].mean(axis=0))
