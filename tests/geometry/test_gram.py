"""Feature views of the Gram matrix against the same operations on the features."""

from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    VIEWS,
    class_rate_from_spectra,
    class_spectra,
    coding_rate,
    effective_rank_from_spectrum,
    feature_view,
    gram,
    gram_spectrum,
)
from subspacelens_tui.geometry.errors import GeometryError


def view_of_features(Z: np.ndarray, view: str, y: np.ndarray) -> np.ndarray:
    if view == "centred":
        return Z - Z.mean(1, keepdims=True)
    if view == "class-centred":
        return np.stack([Z[:, i] - Z[:, y == y[i]].mean(1) for i in range(Z.shape[1])], axis=1)
    if view == "unit":
        return Z / np.linalg.norm(Z, axis=0)
    if view == "trace":
        return Z / np.sqrt((Z**2).sum(0).mean())
    return Z


@pytest.mark.parametrize("view", VIEWS)
def test_views_of_many_layers(view: str, rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(2, 3, 8, 10)) + 1.5
    y = np.array(list("aaabbcccca"))
    found = feature_view(gram(to_array(Z)), view, y)
    for a in range(2):
        for b in range(3):
            expected = view_of_features(Z[a, b], view, y)
            assert np.asarray(found[a, b]) == pytest.approx(expected.T @ expected, abs=1e-12)


def test_unit_and_trace_share_their_scale(rng: np.random.Generator) -> None:
    G = gram(100 * rng.normal(size=(8, 10)))
    for view in ("unit", "trace"):
        assert np.trace(feature_view(G, view)) == pytest.approx(10)


@pytest.mark.parametrize("view", ["centred", "class-centred"])
def test_equal_images_leave_nothing_and_not_rounding(
    view: str, rng: np.random.Generator, to_array: Any
) -> None:
    Z = np.repeat(rng.normal(size=(50, 1)) * 1e4, 40, axis=1)
    G = feature_view(gram(to_array(np.stack([Z, rng.normal(size=(50, 40))]))), view, np.arange(40) % 2)
    assert not np.any(np.asarray(G[0]))
    with pytest.raises(GeometryError, match="no effective rank"):
        effective_rank_from_spectrum(gram_spectrum(G[0]))
    assert np.trace(np.asarray(G[1])) > 1


def test_equal_images_of_one_class_leave_nothing_of_that_class(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(50, 12)) + 1e3
    y = np.repeat([0, 1], [5, 7])
    Z[:, y == 0] = Z[:, :1]
    G = feature_view(gram(Z), "class-centred", y)
    assert not np.any(G[y == 0])
    assert np.all(np.diagonal(G)[y == 1] > 1)
    # Rounding would be a spectrum with large negative eigenvalues.
    rate = class_rate_from_spectra(class_spectra(G, y), [5, 7], 50, 0.5)
    assert rate == pytest.approx(7 / 12 * coding_rate(Z[:, y == 1] - Z[:, y == 1].mean(1)[:, None], 0.5))


def test_classes_of_one_image_leave_nothing_when_class_centred(rng: np.random.Generator) -> None:
    assert not np.any(feature_view(gram(rng.normal(size=(50, 8))), "class-centred", np.arange(8)))
