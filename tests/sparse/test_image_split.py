"""Held-out images: of other seeds and other subjects, whatever the design of a recording."""

import numpy as np
import pytest

from subspacelens_tui.sparse import (
    Groups,
    LeakError,
    SparseError,
    Split,
    Tokens,
    compare_lenses,
    split_images,
)
from tests.sparse.planted import IMAGES, groups, normal


@pytest.mark.parametrize("seed", range(20))
def test_parts_share_nothing_and_have_every_class(seed: int) -> None:
    of = groups()
    split = split_images(of, seed)
    train, test = of.of(split.train), of.of(split.test)
    assert not set(train.seeds) & set(test.seeds)
    assert not set(train.subjects) & set(test.subjects)
    assert set(train.classes) == set(test.classes) == set(of.classes)


def test_images_with_seeds_of_their_own_are_split_by_subject() -> None:
    of = groups()
    split = split_images(Groups(np.arange(IMAGES), of.subjects, of.classes))
    assert len(split.train) + len(split.test) == IMAGES
    assert not set(of.subjects[split.train]) & set(of.subjects[split.test])


def test_a_leak_is_caught() -> None:
    of = groups()
    whole = split_images(of)
    same_image = np.append(whole.test, whole.train[0])
    same_seed = np.flatnonzero(
        np.isin(of.seeds, of.seeds[whole.train]) & ~np.isin(of.subjects, of.subjects[whole.train])
    )
    same_subject = np.flatnonzero(
        ~np.isin(of.seeds, of.seeds[whole.train]) & np.isin(of.subjects, of.subjects[whole.train])
    )
    for test, shared in ((same_image, "image"), (same_seed, "seed"), (same_subject, "subject")):
        with pytest.raises(LeakError, match=f"share {shared}"):
            Split(of, whole.train, test)


def test_what_only_an_image_has_saves_nothing() -> None:
    """Tokens of an image share what no other image has: a code that knew the image would save much."""
    rng = np.random.default_rng(3)
    own = normal(rng, IMAGES)[:, None] + 0.4 * normal(rng, IMAGES, 8)
    found = compare_lenses(Tokens(own, split_images(groups()), "none"))
    assert found.lenses["subspaces_64"].saved < found.lenses["subspaces_64"].saved_error
    # The leak that cannot be made here: half of the tokens of each image beside the other half.
    halves = np.concatenate([own[:, ::2], own[:, 1::2]])
    twice = np.tile(np.arange(IMAGES), 2)
    as_if_new = Groups(np.repeat([0, 1], IMAGES), twice + IMAGES * np.repeat([0, 1], IMAGES), twice % 2 * 0)
    leaky = Split(as_if_new, np.arange(IMAGES), np.arange(IMAGES, 2 * IMAGES))
    seen = compare_lenses(Tokens(halves, leaky, "none"))
    assert seen.lenses["subspaces_64"].saved > found.lenses["subspaces_64"].saved + 1


@pytest.mark.parametrize(
    ("seeds", "subjects", "said"),
    [
        ([0, 1, 2, 3], [0, 0, 0, 0], "all images are of one subject"),
        ([0, 0, 0, 0], [0, 1, 2, 3], "all images share one seed"),
        ([0, 0, 1, 1], [0, 1, 0, 1], "too few images"),
    ],
)
def test_too_few_images_are_refused(seeds: list[int], subjects: list[int], said: str) -> None:
    with pytest.raises(SparseError, match=said):
        split_images(Groups(np.array(seeds), np.array(subjects), np.zeros(4, np.int64)))


def test_groups_are_one_each() -> None:
    with pytest.raises(SparseError, match="one per image"):
        Groups(np.zeros(3, np.int64), np.zeros(4, np.int64), np.zeros(3, np.int64))
