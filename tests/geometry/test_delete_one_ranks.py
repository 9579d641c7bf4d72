"""Ranks without each image from one eigendecomposition, against doing without each image."""

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    VIEWS,
    GeometryError,
    delete_one_ranks,
    effective_rank_from_spectrum,
    eigenvalue_rank_from_spectrum,
    feature_view,
    gram_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)

RANKS = {
    "effective_rank": effective_rank_from_spectrum,
    "eigenvalue_rank": eigenvalue_rank_from_spectrum,
    "participation_ratio": participation_ratio_from_spectrum,
    "stable_rank": stable_rank_from_spectrum,
}
UNBIASED = "participation_ratio_unbiased"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("width", "count"), [(40, 24), (10, 24), (24, 24)])
def test_as_if_each_image_were_not_there(view: str, width: int, count: int) -> None:
    rng = np.random.default_rng(width)
    # A mean that all share, and a spectrum over two decades.
    Z = 30 * (rng.standard_normal((width, count)) + 0.5) / np.arange(1, width + 1)[:, None]
    G, labels = Z.T @ Z, np.arange(count) % 3
    found = delete_one_ranks(G, labels, view)
    for image in range(count):
        kept = np.delete(np.arange(count), image)
        without = feature_view(G[np.ix_(kept, kept)], view, labels[kept])
        expected = {name: float(rank(gram_spectrum(without))) for name, rank in RANKS.items()}
        if view != "class-centred":
            centred = view == "centred"
            ratio = unbiased_centred_participation_ratio if centred else unbiased_participation_ratio
            expected[UNBIASED] = float(ratio(without))
        assert {name: values[image] for name, values in found.items()} == pytest.approx(expected, rel=1e-8)


def test_what_cannot_be_had_is_said() -> None:
    with pytest.raises(GeometryError, match="all features are zero"):
        delete_one_ranks(np.zeros((4, 4)), [0, 0, 1, 1])
    one = np.zeros((4, 4))
    one[0, 0] = 1.0
    with pytest.raises(GeometryError, match="nothing is left"):
        delete_one_ranks(one, [0, 0, 1, 1])
    with pytest.raises(GeometryError, match="a single image"):
        delete_one_ranks(np.eye(3), [0, 0, 1], "class-centred")
