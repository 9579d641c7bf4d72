"""Permuted classes decomposed once, against the functions of one labelling; hard spectra."""

from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    GeometryError,
    class_subspaces,
    feature_view,
    gram,
    mean_off_diagonal,
    null_class_rate,
    permuted_classes,
    permuted_labels,
)
from subspacelens_tui.geometry.top_eigenpairs import _by_tridiagonal_form

# Blocks of 50 go by the tridiagonal form, those of 7 and 13 are diagonalised whole.
LABELS = np.repeat([0, 1, 2, 3], [50, 50, 7, 13])


@pytest.mark.parametrize("view", ["raw", "class-centred"])
def test_every_labelling_and_layer(view: str, rng: np.random.Generator, to_array: Any) -> None:
    G = gram(rng.normal(size=(2, 60, len(LABELS))) + 0.5)
    labelings = permuted_labels(LABELS, "free", 3, 0)
    found = permuted_classes(to_array(G), labelings, 3, class_centred=view == "class-centred")
    for p, labels in enumerate(labelings):
        expected = class_subspaces(feature_view(G, view, labels), labels, 3)
        for mean, matrices in (
            (found.overlap, expected.overlap),
            (found.variance_explained, expected.variance_explained),
        ):
            assert np.asarray(mean[p]) == pytest.approx(np.asarray(mean_off_diagonal(matrices)), rel=1e-9)
    eps = np.array([0.4, 2.0])
    rates = null_class_rate(G, labelings, 60, eps, class_centred=view == "class-centred")
    assert np.asarray(found.class_rate(60, to_array(eps))) == pytest.approx(rates, rel=1e-11)


def test_a_rank_that_a_permuted_class_cannot_span_is_said(rng: np.random.Generator) -> None:
    G = gram(rng.normal(size=(60, len(LABELS))))
    with pytest.raises(GeometryError, match="numerical rank 7, below the subspace dimension 8"):
        permuted_classes(G, LABELS[None], 8)
    flat = gram(np.ones((60, len(LABELS))))
    with pytest.raises(GeometryError, match="choose a smaller dimension"):
        permuted_classes(flat, LABELS[None], 2)
    with pytest.raises(GeometryError, match="one class has no other"):
        permuted_classes(G, np.zeros_like(LABELS)[None], 2)


@pytest.mark.parametrize(
    "spectrum",
    [
        np.ones(60),
        np.r_[np.ones(40), np.full(20, 5.0)],
        np.r_[np.ones(40), 1 + 1e-12 * np.arange(20)],
        np.r_[np.zeros(48), np.arange(1.0, 13.0)],
        10.0 ** -np.arange(60)[::-1],
        np.r_[np.ones(59), 1e9],
    ],
    ids=["all equal", "equal at the top", "clustered", "low rank", "graded", "massive"],
)
@pytest.mark.parametrize("rotated", [True, False])
def test_the_tridiagonal_form_is_as_exact_as_eigh(
    spectrum: np.ndarray, rotated: bool, rng: np.random.Generator
) -> None:
    V = np.linalg.qr(rng.normal(size=(60, 60)))[0] if rotated else np.eye(60)
    B = (V * spectrum) @ V.T
    found = _by_tridiagonal_form(np.stack([B, B]), 10)
    assert found is not None
    values, vectors = found
    largest = spectrum.max()
    assert values[1] == pytest.approx(np.linalg.eigvalsh(B), abs=1e-14 * 60 * largest)
    assert B @ vectors[1] == pytest.approx(vectors[1] * values[1, -10:], abs=1e-14 * 60 * largest)
    assert vectors[1].T @ vectors[1] == pytest.approx(np.eye(10), abs=1e-12)
