"""Rates under permuted labels without images, against the null of the images that are really left."""

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    VIEWS,
    Cancelled,
    GeometryError,
    feature_view,
    gram,
    null_class_centred_rate,
    null_class_rate,
    null_rates_left_out,
    permuted_labels,
)

# Classes of different sizes, seeds that are spread unevenly over them.
Y = np.array([0, 2, 0, 1, 1, 1, 1, 2, 2, 1, 0, 2, 2, 0, 0, 0, 2, 1])
SEEDS = np.array([0, 0, 1, 2, 1, 0, 1, 2, 0, 1, 2, 1, 0, 2, 1, 0, 2, 2])
N = len(Y)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("groups", [None, SEEDS], ids=["images", "seeds"])
def test_each_value_is_the_null_of_what_is_left(
    view: str, groups: np.ndarray | None, rng: np.random.Generator
) -> None:
    Z = rng.normal(size=(11, N)) * np.linspace(1, 3, N) + 0.7
    labelings = permuted_labels(Y, "free", 9, 1)
    R, Rc = null_rates_left_out(gram(Z), labelings, groups, 11, 0.6, view)
    of = np.arange(N) if groups is None else groups
    assert Rc.shape == (9, len(np.unique(of)))
    assert (R is None) == (view != "class-centred")
    for place, name in enumerate(np.unique(of)):
        kept = of != name
        rest, labels = gram(Z[:, kept]), labelings[:, kept]
        if view == "class-centred":
            expected = null_class_rate(rest, labels, 11, 0.6, class_centred=True)
            assert R is not None
            assert R[:, place] == pytest.approx(null_class_centred_rate(rest, labels, 11, 0.6), rel=1e-9)
        else:
            expected = null_class_rate(feature_view(rest, view), labels, 11, 0.6)
        assert Rc[:, place] == pytest.approx(expected, rel=1e-9)


def test_a_permuted_class_may_be_left_out_whole(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(8, 6))
    labelings = np.array([[0, 0, 1, 1, 2, 2], [0, 1, 0, 2, 1, 2]])
    _, Rc = null_rates_left_out(gram(Z), labelings, [0, 0, 1, 1, 2, 2], 8, 0.5)
    for place in range(3):
        kept = np.arange(6) // 2 != place
        expected = null_class_rate(gram(Z[:, kept]), labelings[:, kept], 8, 0.5)
        assert Rc[:, place] == pytest.approx(expected, rel=1e-10)


def test_what_cannot_be_had(rng: np.random.Generator) -> None:
    G, labelings = gram(rng.normal(size=(9, N))), permuted_labels(Y, "free", 3, 0)
    with pytest.raises(GeometryError, match="all images are of one group"):
        null_rates_left_out(G, labelings, np.zeros(N, int), 9, 0.5)
    with pytest.raises(GeometryError, match="labelings must be integers"):
        null_rates_left_out(G, labelings[:, 1:], None, 9, 0.5)
    with pytest.raises(Cancelled):
        null_rates_left_out(G, labelings, SEEDS, 9, 0.5, cancelled=lambda: True)
