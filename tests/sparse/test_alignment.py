"""Alignment with class subspaces, where it is known what is in them."""

import math

import numpy as np
import pytest

from subspacelens_tui.sparse import Groups, split_images
from subspacelens_tui.sparse.alignment import Alignment, alignment_of
from tests.sparse.planted import CLASSES, IMAGES, WIDTH, T, groups


@pytest.fixture(scope="module")
def bases() -> np.ndarray:
    """Of eight dimensions, which class subspaces of this width have."""
    return np.linalg.qr(np.random.default_rng(0).standard_normal((CLASSES, WIDTH, 8)))[0]


@pytest.fixture(scope="module")
def tokens(bases: np.ndarray) -> np.ndarray:
    """Each class in a subspace of its own."""
    codes = np.random.default_rng(1).standard_normal((IMAGES, T, 8))
    return np.einsum("ndk,ntk->ntd", bases[groups().classes], codes)


def test_what_lies_in_a_class_subspace_is_aligned_beyond_permuted_labels(
    bases: np.ndarray, tokens: np.ndarray
) -> None:
    rng = np.random.default_rng(2)
    inside = np.stack([basis @ rng.standard_normal(8) for basis in bases])
    outside = rng.standard_normal((200, WIDTH))
    found = alignment_of(np.concatenate([inside, outside]), 3 * tokens + 1, split_images(groups()))
    assert isinstance(found, Alignment)
    assert found.subspace_dim == 8
    atoms, permuted = (np.array(of) for of in (found.atoms, found.permuted_atoms))
    assert atoms[:CLASSES] == pytest.approx(1, abs=0.02)
    # Of three subjects a class, exchanged classes keep two of one class here and there.
    assert (atoms - permuted)[:CLASSES].min() > 0
    assert (atoms - permuted)[:CLASSES].mean() > 0.1
    # A quarter of the energy of any direction is in any 8 of 32 dimensions; in the best of five, more.
    assert 0.25 < atoms[CLASSES:].mean() < 0.45
    assert abs((atoms - permuted)[CLASSES:].mean()) < 0.05
    assert found.tokens == pytest.approx(1, abs=0.02)
    assert found.tokens - found.permuted_tokens > 0.1


def test_where_classes_say_nothing_permuted_labels_are_as_near() -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((IMAGES, T, WIDTH)) * np.exp(-np.arange(WIDTH) / 8)
    found = alignment_of(np.eye(WIDTH), values, split_images(groups()))
    assert isinstance(found, Alignment)
    assert found.tokens == pytest.approx(1 - math.exp(-2), abs=0.02)
    assert abs(found.tokens - found.permuted_tokens) < 0.01
    assert abs(found.mean - found.permuted_mean) < 0.02


def test_classes_of_one_subject_each_have_no_permuted_labels(tokens: np.ndarray) -> None:
    of = groups()
    split = split_images(Groups(of.seeds, of.subjects, of.subjects))
    assert "permuted labels have the same subspaces" in str(alignment_of(np.eye(WIDTH), tokens, split))
