"""Nulls against recomputation with permuted labels, on small data; their summaries; false positives."""

from typing import Any

import numpy as np
import pytest

from subspacelens_tui.geometry import (
    Cancelled,
    GeometryError,
    class_rate_from_spectra,
    class_spectra,
    coding_rate_from_spectrum,
    determinants,
    feature_view,
    gram,
    gram_spectrum,
    mean_off_diagonal,
    null_class_centred_rate,
    null_class_rate,
    null_overlap,
    null_spectra,
    overlap_from_gram,
    permuted_labels,
    rate_reduction,
    summarize_null,
)

D, N = 20, 18
Y = np.repeat([0, 1, 2], [6, 6, 6])
UNEQUAL = np.repeat([0, 1, 2], [4, 9, 5])


@pytest.fixture
def Z(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2, 2, D, N)) + 0.5


@pytest.mark.parametrize("labels", [Y, UNEQUAL])
def test_class_rate_of_every_labelling_and_layer(labels: np.ndarray, Z: np.ndarray, to_array: Any) -> None:
    labelings = permuted_labels(labels, "free", 11, 0)
    eps = np.array([0.5, 1.5])  # of the last batch axis, as iso-rate ε are
    found = null_class_rate(gram(to_array(Z)), labelings, D, eps)
    assert tuple(found.shape) == (11, 2, 2)
    for p in range(11):
        for a in range(2):
            for b in range(2):
                expected = rate_reduction(Z[a, b], labelings[p], eps[b]).Rc
                assert float(found[p, a, b]) == pytest.approx(expected, rel=1e-10)


def test_memory_bound_does_not_change_the_result(Z: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    labelings = permuted_labels(UNEQUAL, "free", 10, 0)
    whole = null_class_rate(gram(Z), labelings, D, 0.5)
    for blocks in (1, 3):
        monkeypatch.setattr(determinants, "MEMORY", blocks * 8 * 9 * 9)
        assert null_class_rate(gram(Z), labelings, D, 0.5) == pytest.approx(whole, rel=1e-13)


@pytest.mark.parametrize("start", ["raw", "centred"])
def test_class_centred_view_follows_the_permuted_labels(start: str, Z: np.ndarray, to_array: Any) -> None:
    labelings = permuted_labels(UNEQUAL, "free", 10, 0)
    G = gram(to_array(Z))
    given = feature_view(G, start)
    Rc = null_class_rate(given, labelings, D, 0.5, class_centred=True)
    R = null_class_centred_rate(given, labelings, D, 0.5)
    overlap = null_overlap(given, labelings, 2, class_centred=True)
    for p, labels in enumerate(labelings):
        own = feature_view(G, "class-centred", labels)
        expected = class_rate_from_spectra(class_spectra(own, labels), [4, 9, 5], D, 0.5)
        assert np.asarray(Rc[p]) == pytest.approx(np.asarray(expected), rel=1e-10)
        expected = coding_rate_from_spectrum(gram_spectrum(own), D, N, 0.5)
        assert np.asarray(R[p]) == pytest.approx(np.asarray(expected), rel=1e-10)
        expected = mean_off_diagonal(overlap_from_gram(own, labels, 2))
        assert np.asarray(overlap[p]) == pytest.approx(np.asarray(expected), rel=1e-8)


def test_overlap_of_every_labelling(Z: np.ndarray, to_array: Any) -> None:
    labelings = permuted_labels(UNEQUAL, "free", 4, 0)
    G = gram(to_array(Z))
    found = null_overlap(G, labelings, 3)
    for p, labels in enumerate(labelings):
        expected = mean_off_diagonal(overlap_from_gram(G, labels, 3))
        assert np.asarray(found[p]) == pytest.approx(np.asarray(expected), rel=1e-12)


def test_a_few_spectra_give_the_null_mean_at_any_eps(Z: np.ndarray) -> None:
    G = gram(Z)
    labelings = permuted_labels(UNEQUAL, "free", 5, 0)
    spectra, sizes = null_spectra(G, labelings)
    for eps in (0.2, 2.0):
        mean = null_class_rate(G, labelings, D, eps).mean(axis=0)
        assert class_rate_from_spectra(spectra, sizes, D, eps) == pytest.approx(mean, rel=1e-10)


@pytest.mark.parametrize("null", [null_class_rate, null_class_centred_rate, null_overlap])
def test_progress_and_cancellation(null: Any, Z: np.ndarray) -> None:
    arguments = (gram(Z), permuted_labels(Y, "free", 20, 0), *((2,) if null is null_overlap else (D, 0.5)))
    seen: list[tuple[int, int]] = []
    null(*arguments, progress=lambda done, total: seen.append((done, total)))
    total = seen[-1][1]
    assert seen[0] == (8, total)
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)
    seen.clear()
    with pytest.raises(Cancelled):
        null(*arguments, progress=lambda *at: seen.append(at), cancelled=lambda: len(seen) == 1)
    assert seen == [(8, total)]


@pytest.mark.parametrize(
    "labelings", [np.zeros((3, 5), int), np.zeros(N, int), np.zeros((3, N)), np.zeros((0, N), int)]
)
def test_labelings_that_are_none(labelings: np.ndarray, Z: np.ndarray) -> None:
    with pytest.raises(GeometryError, match=r"labelings must be integers \(P, 18\)"):
        null_class_rate(gram(Z), labelings, D, 0.5)


def test_class_centring_needs_the_same_classes_in_each_labelling(Z: np.ndarray) -> None:
    with pytest.raises(GeometryError, match="every labelling must have the same classes"):
        null_class_centred_rate(gram(Z), np.stack([Y, np.minimum(Y, 1)]), D, 0.5)


def test_features_too_large_for_eps() -> None:
    G = gram(np.outer(np.arange(1.0, 4), np.ones(4)) * 1e12)
    with pytest.raises(GeometryError, match="too large for this eps in float64"):
        null_class_rate(G, np.array([[0, 0, 1, 1]]), 3, 1e-6)


def test_summary_by_hand(to_array: Any) -> None:
    samples = to_array(np.arange(39.0))
    found = summarize_null(37.0, samples)
    assert (found.mean, found.low, found.high) == pytest.approx((19, 0.95, 37.05))
    assert found.std == pytest.approx(np.std(np.arange(39), ddof=1))
    assert found.excess == 18
    assert found.z == pytest.approx(18 / found.std)
    assert found.p == 3 / 40
    assert summarize_null(37.0, samples, "smaller").p == 39 / 40
    assert summarize_null(-1.0, samples, "smaller").p == 1 / 40
    assert summarize_null(100.0, samples).p == 1 / 40


def test_ties_and_no_spread() -> None:
    found = summarize_null(2.0, np.full(9, 2.0))
    assert (found.z, found.p, found.excess) == (None, 1.0, 0.0)
    # ΔR that is 0 but for rounding has no z, no small p, and nothing to draw.
    rounding = 1e-14 * np.random.default_rng(0).normal(size=9)
    found = summarize_null(5e-14, rounding, rounding=1e-10)
    assert (found.z, found.p, found.excess, found.std) == (None, 1.0, 0.0, 0.0)
    assert found.low == found.mean == found.high


@pytest.mark.parametrize(
    ("message", "observed", "samples", "alternative"),
    [
        ("P of at least 2", 1.0, np.ones(1), "greater"),
        ("P of at least 2", 1.0, np.ones((3, 2)), "greater"),
        ("must be finite", np.nan, np.ones(3), "greater"),
        ("must be finite", 1.0, np.array([1, np.inf]), "greater"),
        ("alternative must be 'greater' or 'smaller', not 'both'", 1.0, np.ones(3), "both"),
    ],
)
def test_what_cannot_be_summarised(
    message: str, observed: float, samples: np.ndarray, alternative: Any
) -> None:
    with pytest.raises(GeometryError, match=message):
        summarize_null(observed, samples, alternative)


def excess_p(G: np.ndarray, R: np.ndarray, labels: np.ndarray, labelings: np.ndarray) -> float:
    Rc = class_rate_from_spectra(class_spectra(G, labels), np.bincount(labels).tolist(), D, 0.5)
    return summarize_null(float(R - Rc), R - null_class_rate(G, labelings, D, 0.5)).p


def test_permutation_p_values_are_uniform_without_structure() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(150):
        G = gram(rng.normal(size=(D, N)) * rng.exponential(size=N))
        R = coding_rate_from_spectrum(gram_spectrum(G), D, N, 0.5)
        p.append(excess_p(G, R, Y, permuted_labels(Y, "free", 39, rng)))
    # 5 % of 150 is 7.5; the binomial 99.9 % interval is 1 … 17.
    assert 1 <= np.sum(np.array(p) <= 0.05) <= 17
    assert abs(np.mean(p) - 0.5) < 0.1


def share_rejected(means: Any, labels: np.ndarray, designs: dict[str, Any]) -> dict[str, float]:
    """How often each design's p is at most 5 %, over 40 data sets of noise around `means(rng)` (D, N)."""
    rng = np.random.default_rng(3)
    p: dict[str, list[float]] = {design: [] for design in designs}
    for _ in range(40):
        G = gram(rng.normal(size=(D, len(labels))) + means(rng))
        R = coding_rate_from_spectrum(gram_spectrum(G), D, len(labels), 0.5)
        for design, groups in designs.items():
            p[design].append(excess_p(G, R, labels, permuted_labels(labels, design, 39, rng, groups)))
    return {design: float(np.mean(np.array(values) <= 0.05)) for design, values in p.items()}


SUBJECT = np.repeat(np.arange(12), 6)
CATEGORY = SUBJECT % 2


def test_chance_groups_of_subjects_are_no_hierarchy_to_the_subjects_design() -> None:
    designs = {"free": None, "subjects": SUBJECT}
    rejected = share_rejected(lambda rng: rng.normal(size=(D, 12))[:, SUBJECT], CATEGORY, designs)
    assert rejected["free"] > 0.9
    assert rejected["subjects"] < 0.2


def test_true_hierarchy_is_found() -> None:
    def means(rng: np.random.Generator) -> np.ndarray:
        return rng.normal(size=(D, 12))[:, SUBJECT] + 3 * rng.normal(size=(D, 2))[:, CATEGORY]

    assert share_rejected(means, CATEGORY, {"subjects": SUBJECT})["subjects"] > 0.9


def test_coarse_structure_alone_is_no_fine_structure_to_fine_within_coarse() -> None:
    designs = {"free": None, "fine-within-coarse": CATEGORY}
    rejected = share_rejected(lambda rng: 3 * rng.normal(size=(D, 2))[:, CATEGORY], SUBJECT, designs)
    assert rejected["free"] > 0.9
    assert rejected["fine-within-coarse"] < 0.2


def test_shared_seeds_hide_structure_from_all_but_the_within_seed_design() -> None:
    seed, labels = np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12)
    designs = {"free": None, "within-seed": seed}

    def noise(rng: np.random.Generator) -> np.ndarray:
        return 6 * rng.normal(size=(D, 12))[:, seed]

    def noise_and_classes(rng: np.random.Generator) -> np.ndarray:
        return noise(rng) + 2 * rng.normal(size=(D, 6))[:, labels]

    assert share_rejected(noise, labels, designs)["within-seed"] < 0.2
    found = share_rejected(noise_and_classes, labels, designs)
    assert found["within-seed"] > found["free"] + 0.3
