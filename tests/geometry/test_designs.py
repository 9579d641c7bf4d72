"""Permutation designs: what they keep, what they change, and when they cannot be applied."""

from collections import Counter

import numpy as np
import pytest

from subspacelens_tui.geometry import DESIGNS, GeometryError, permuted_labels

# 2 categories × 3 subjects × 4 seeds, recorded seed by seed.
SUBJECT = np.tile(np.array(["cat", "dog", "owl", "bus", "car", "van"]), 4)
CATEGORY = np.where(np.isin(SUBJECT, ["cat", "dog", "owl"]), "animal", "vehicle")
SEED = np.repeat(np.arange(4), 6)
GROUPS = {"free": None, "within-seed": SEED, "fine-within-coarse": CATEGORY, "subjects": SUBJECT}
LABELS = {"free": SUBJECT, "within-seed": SUBJECT, "fine-within-coarse": SUBJECT, "subjects": CATEGORY}


def codes(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1]


@pytest.mark.parametrize("design", DESIGNS)
def test_seeded_sizes_kept_and_every_labelling_its_own(design: str) -> None:
    labels = LABELS[design]
    found = permuted_labels(labels, design, 50, 7, GROUPS[design])
    assert found.shape == (50, 24)
    assert np.issubdtype(found.dtype, np.integer)
    assert np.array_equal(found, permuted_labels(labels, design, 50, 7, GROUPS[design]))
    assert not np.array_equal(found, permuted_labels(labels, design, 50, 8, GROUPS[design]))
    assert all(Counter(row.tolist()) == Counter(codes(labels).tolist()) for row in found)
    assert len({tuple(row) for row in found}) > 5


@pytest.mark.parametrize("design", ["within-seed", "fine-within-coarse"])
def test_labels_stay_within_their_group(design: str) -> None:
    for row in permuted_labels(SUBJECT, design, 20, 0, GROUPS[design]):
        for group in np.unique(GROUPS[design]):
            inside = GROUPS[design] == group
            assert Counter(row[inside].tolist()) == Counter(codes(SUBJECT)[inside].tolist())


def test_whole_subjects_change_category() -> None:
    for row in permuted_labels(CATEGORY, "subjects", 20, 0, SUBJECT):
        category_of = {subject: set(row[subject == SUBJECT].tolist()) for subject in np.unique(SUBJECT)}
        assert all(len(categories) == 1 for categories in category_of.values())
        assert sum(categories == {0} for categories in category_of.values()) == 3


def test_an_image_alone_with_its_seed_keeps_its_label() -> None:
    labels, seeds = np.append(SUBJECT, "cat"), np.append(SEED, 4)
    assert np.all(permuted_labels(labels, "within-seed", 20, 0, seeds)[:, -1] == codes(labels)[-1])


def test_every_permutation_is_equally_likely() -> None:
    counts = Counter(tuple(row) for row in permuted_labels([0, 1, 2], "free", 6000, 0).tolist())
    assert len(counts) == 6
    assert min(counts.values()) > 850


@pytest.mark.parametrize(
    ("message", "labels", "design", "groups"),
    [
        ("unknown permutation design 'blocked'; choose one of free, within-seed", SUBJECT, "blocked", None),
        ("the within-seed design needs groups: the seed of each image", SUBJECT, "within-seed", None),
        ("groups must be one per image: 24 images, but groups of shape", SUBJECT, "subjects", SEED[:5]),
        ("no seed is shared by images of different classes", SUBJECT, "within-seed", np.arange(24)),
        ("fine label 0 lies in more than one coarse class", SEED, "fine-within-coarse", CATEGORY),
        ("every coarse class has a single fine label", CATEGORY, "fine-within-coarse", CATEGORY),
        ("subject 0 lies in more than one category", CATEGORY, "subjects", SEED),
        ("every category has a single subject", SUBJECT, "subjects", SUBJECT),
        ("one class has no labels to permute", np.zeros(24, int), "free", None),
        ("labels must be one per image", 3, "free", None),
    ],
)  # fmt: skip
def test_a_design_that_cannot_be_applied(
    message: str, labels: np.ndarray, design: str, groups: np.ndarray | None
) -> None:
    with pytest.raises(GeometryError, match=message) as caught:
        permuted_labels(labels, design, 5, 0, groups)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_first_labelings_are_the_same_however_many_follow(design: str) -> None:
    labels, groups = LABELS[design], GROUPS[design]
    most = permuted_labels(labels, design, 450, 0, groups)
    for fewer in (4, 40, 200, 201):
        assert np.array_equal(permuted_labels(labels, design, fewer, 0, groups), most[:fewer])


def test_a_whole_number_of_permutations() -> None:
    with pytest.raises(GeometryError, match="permutations must be a whole number of at least 1, got 0"):
        permuted_labels(SUBJECT, "free", 0, 0)
