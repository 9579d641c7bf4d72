"""Every input a metric cannot be computed from gives one line that says what to do; never a NaN or a 0."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from subspacelens_tui.geometry import (
    GeometryError,
    class_rate_from_gram,
    class_rate_from_spectra,
    class_spectra,
    coding_rate,
    coding_rate_from_gram,
    effective_rank,
    effective_rank_from_spectrum,
    feature_view,
    gram,
    hoyer_gaussian,
    hoyer_laplace,
    hoyer_sparsity,
    mean_off_diagonal,
    overlap_from_gram,
    participation_ratio_from_spectrum,
    rate_reduction,
    stable_rank_from_spectrum,
    subspace_overlap,
    unbiased_centred_participation_ratio,
    unbiased_participation_ratio,
)
from subspacelens_tui.geometry import coding_rate_from_spectrum as from_spectrum

Z = np.random.default_rng(0).normal(size=(6, 8))
Y = np.arange(8) % 2
G = Z.T @ Z
NAN = np.where(np.arange(8) % 3 == 1, np.nan, Z)
INF_GRAM = np.where(np.eye(8) > 0, np.inf, G)
ZERO = np.zeros((6, 8))
ONE_ZERO = Z * (np.arange(8) != 2)

CASES: list[tuple[str, Callable[[], Any]]] = [
    # Features
    ("Z must be a NumPy array or a torch tensor, not list; convert it first",
     lambda: coding_rate(Z.tolist(), 1)),
    ("Z must hold real numbers, not complex128", lambda: coding_rate(Z + 1j, 1)),
    ("Z must hold real numbers, not object", lambda: coding_rate(Z.astype(object), 1)),
    (r"Z must be \(d, N\), one column per image; got shape \(6,\)", lambda: coding_rate(Z[:, 0], 1)),
    (r"Z must be \(d, N\), one column per image; got shape \(1, 6, 8\)", lambda: effective_rank(Z[None])),
    (r"Z has no features: its shape is \(0, 8\)", lambda: gram(Z[:0])),
    ("at least 2 images are needed, got 1; record more images", lambda: coding_rate(Z[:, :1], 1)),
    ("at least 2 images are needed, got 0", lambda: effective_rank(Z[:, :0])),
    (r"Z is not finite .* in 3 of 8 columns \(1, 4, 7\); leave those images out",
     lambda: coding_rate(NAN, 1)),
    (r"in 8 of 8 columns \(0, 1, 2, 3, 4, …\)", lambda: hoyer_sparsity(Z * np.inf)),
    (r"in 8 of 8 columns", lambda: gram(Z * 1e200)),
    (r"Z is not finite .* in 3 of 8 columns", lambda: rate_reduction(torch.from_numpy(NAN), Y, 1)),
    # ε
    ("eps must be finite and above 0, got 0.0", lambda: coding_rate(Z, 0)),
    ("eps must be finite and above 0, got -1.0", lambda: rate_reduction(Z, Y, -1)),
    ("eps must be finite and above 0, got nan", lambda: coding_rate(Z, np.nan)),
    ("eps must be finite and above 0, got inf", lambda: coding_rate(torch.from_numpy(Z), np.inf)),
    ("eps must be one number, got 'small'", lambda: coding_rate(Z, "small")),
    ("eps must be a number or an array", lambda: from_spectrum(np.ones(3), 2, 2, "small")),
    ("got an array with other values", lambda: from_spectrum(np.ones(3), 2, 2, np.array([1, -1]))),
    # Labels
    (r"labels must be one per image: 8 images, but labels of shape \(5,\)",
     lambda: rate_reduction(Z, Y[:5], 1)),
    ("labels must be integers or strings, not float64", lambda: rate_reduction(Z, Y / 2, 1)),
    ("labels must be integers or strings, not object", lambda: rate_reduction(Z, [None, *Y[1:].tolist()], 1)),
    ("class 'x' has no images; leave it out of classes", lambda: class_spectra(G, Y, classes=[0, 1, "x"])),
    ("label 1 is not among classes", lambda: class_spectra(G, Y, classes=[0])),
    ("classes names a class twice", lambda: class_spectra(G, Y, classes=[0, 1, 1])),
    # Gram matrices and spectra
    (r"G must be a Gram matrix \(..., N, N\); got shape \(6, 8\)", lambda: class_spectra(Z, Y)),
    ("G is not finite", lambda: overlap_from_gram(INF_GRAM, Y, 2)),
    ("G is not finite", lambda: coding_rate_from_gram(INF_GRAM, 6, 1)),
    ("G is not finite", lambda: class_rate_from_gram(G * np.nan, Y, 6, 1)),
    ("G is not finite", lambda: class_rate_from_gram(torch.from_numpy(INF_GRAM), Y, 6, 1)),
    ("features are too large for this eps", lambda: coding_rate_from_gram(np.full((8, 8), 1e17), 6, 1)),
    ("at least 2 images are needed, got 1", lambda: unbiased_participation_ratio(np.ones((1, 1)))),
    (r"eigenvalues must be \(..., m\) with m >= 1; got shape \(\)",
     lambda: stable_rank_from_spectrum(np.array(1))),
    ("eigenvalues are not finite", lambda: from_spectrum(np.array([1, np.nan]), 2, 2, 1)),
    ("eigenvalues are negative beyond rounding", lambda: from_spectrum(np.array([1, -0.1]), 2, 2, 1)),
    ("d must be a whole number of at least 1, got 0", lambda: from_spectrum(np.ones(2), 0, 2, 1)),
    ("n must be a whole number of at least 1, got 2.5", lambda: from_spectrum(np.ones(2), 2, 2.5, 1)),
    ("one size per class is needed: 1 spectra, 2 sizes",
     lambda: class_rate_from_spectra([np.ones(2)], [1, 1], 2, 1)),
    # Views
    ("unknown feature view 'whitened'; choose one of raw, centred, class-centred, unit, trace",
     lambda: feature_view(G, "whitened")),
    ("the class-centred view needs labels; choose a label scheme", lambda: feature_view(G, "class-centred")),
    ("image 2 has all-zero features and no unit norm; leave it out",
     lambda: feature_view(gram(ONE_ZERO), "unit")),
    ("all features are zero and cannot be trace-normalised", lambda: feature_view(gram(ZERO), "trace")),
    # Metrics with no value
    ("all features are zero: R is 0 and Rc/R has no value", lambda: rate_reduction(ZERO, Y, 1)),
    ("they have no effective rank", lambda: effective_rank(ZERO)),
    ("they have no effective rank", lambda: effective_rank_from_spectrum(np.array([[1.0, 2], [0, 0]]))),
    ("they have no effective rank", lambda: participation_ratio_from_spectrum(np.zeros(3))),
    ("no positive estimate; record more images", lambda: unbiased_participation_ratio(np.eye(3))),
    ("needs 4 images, got 3", lambda: unbiased_centred_participation_ratio(np.eye(3))),
    ("image 2 has all-zero features and no sparsity; leave it out", lambda: hoyer_sparsity(ONE_ZERO)),
    ("width 2 or more", lambda: hoyer_sparsity(Z[:1])),
    ("width 2 or more", lambda: hoyer_gaussian(1)),
    ("d must be a whole number of at least 1, got 2.5", lambda: hoyer_laplace(2.5)),
    # Overlap
    ("rank must be a whole number of at least 1, got 0", lambda: subspace_overlap(Z, Y, 0)),
    ("rank must be a whole number of at least 1, got 1.5", lambda: overlap_from_gram(G, Y, 1.5)),
    ("one class has no other to overlap with", lambda: mean_off_diagonal(subspace_overlap(Z, Y * 0, 2))),
    (r"M must be \(..., K, K\); got shape \(3,\)", lambda: mean_off_diagonal(np.ones(3))),
]  # fmt: skip


@pytest.mark.parametrize(("message", "call"), CASES, ids=[message for message, _ in CASES])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_clear_line(message: str, call: Callable[[], Any]) -> None:
    with pytest.raises(GeometryError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_labels_of_any_kind() -> None:
    expected = rate_reduction(Z, Y, 0.5)
    for labels in (
        Y.tolist(),
        np.array(["even", "odd"])[Y],
        np.array(["even", "odd"], dtype=object)[Y],
        torch.from_numpy(Y),
        Y.astype(bool),
    ):
        assert rate_reduction(Z, labels, 0.5) == expected
    assert rate_reduction(Z, Y * 0, 0.5).delta_R == pytest.approx(0, abs=1e-12)
