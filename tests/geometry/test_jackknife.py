"""Jackknife values against features from which images were really removed."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from subspacelens_tui.geometry import (
    VIEWS,
    Cancelled,
    GeometryError,
    RateEstimates,
    class_rate_from_spectra,
    class_spectra,
    coding_rate_from_spectrum,
    feature_view,
    gram,
    gram_spectrum,
    group_jackknife,
    jackknife,
    jackknife_error,
)

Y = np.array([0, 3, 0, 1, 1, 1, 1, 2, 2, 1, 3, 2, 2, 3, 3, 3, 3])
N = len(Y)
FIELDS = ("R", "Rc", "delta_R", "ratio")


def result(Z: np.ndarray, y: np.ndarray, eps: float, view: str) -> dict[str, float]:
    d, n = Z.shape
    G = feature_view(gram(Z), view, y)
    sizes = [int(np.sum(y == k)) for k in np.unique(y)]
    R = float(coding_rate_from_spectrum(gram_spectrum(G), d, n, eps))
    Rc = float(class_rate_from_spectra(class_spectra(G, y), sizes, d, eps))
    return {"R": R, "Rc": Rc, "delta_R": R - Rc, "ratio": Rc / R}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("d", [9, 40])
def test_each_value_is_the_recomputation_without_that_image(
    view: str, d: int, rng: np.random.Generator, to_array: Any
) -> None:
    Z = rng.normal(size=(2, d, N)) * np.array([1, 5])[:, None, None] + 1.5
    eps = np.array([0.5, 1.0])
    found = jackknife(gram(to_array(Z)), Y, d, eps, view)
    for layer in range(2):
        whole = result(Z[layer], Y, eps[layer], view)
        left_out = [
            result(np.delete(Z[layer], i, axis=1), np.delete(Y, i), eps[layer], view) for i in range(N)
        ]
        for name in FIELDS:
            estimate = getattr(found, name)
            expected = np.array([one[name] for one in left_out])
            error = np.sqrt((N - 1) / N * np.sum((expected - expected.mean()) ** 2))
            assert np.asarray(estimate.left_out[layer]) == pytest.approx(expected, rel=1e-9)
            assert float(estimate.value[layer]) == pytest.approx(whole[name], rel=1e-9)
            assert float(estimate.standard_error[layer]) == pytest.approx(error, rel=1e-6)
            # The 97.5 % point of Student's t with 16 degrees of freedom.
            assert float(estimate.high[layer] - estimate.value[layer]) == pytest.approx(
                2.1199 * error, rel=1e-4
            )
            assert float(estimate.value[layer] - estimate.low[layer]) == pytest.approx(
                2.1199 * error, rel=1e-4
            )


@pytest.mark.parametrize("view", VIEWS)
def test_massive_dimensions(view: str, massive: tuple[np.ndarray, np.ndarray]) -> None:
    Z, y = massive
    G = gram(Z)
    closed, direct = jackknife(G, y, 96, 0.5, view), group_jackknife(G, y, np.arange(60), 96, 0.5, view)
    for name in FIELDS:
        one, other = getattr(closed, name), getattr(direct, name)
        assert one.left_out == pytest.approx(other.left_out, rel=1e-5)


@pytest.mark.parametrize("view", VIEWS)
def test_each_group_is_really_left_out(view: str, rng: np.random.Generator, to_array: Any) -> None:
    Z = rng.normal(size=(12, N)) + 1
    seeds = np.arange(N) % 4
    found = group_jackknife(gram(to_array(Z)), Y, seeds, 12, 0.7, view)
    left_out = [result(Z[:, seeds != s], Y[seeds != s], 0.7, view) for s in range(4)]
    for name in FIELDS:
        expected = np.array([one[name] for one in left_out])
        estimate = getattr(found, name)
        assert np.asarray(estimate.left_out) == pytest.approx(expected, rel=1e-9)
        error = np.sqrt(3 / 4 * np.sum((expected - expected.mean()) ** 2))
        assert float(estimate.standard_error) == pytest.approx(error, rel=1e-6)


def test_a_subject_left_out_may_be_a_whole_class(rng: np.random.Generator) -> None:
    Z = rng.normal(size=(12, N))
    found = group_jackknife(gram(Z), Y, Y, 12, 0.7)
    expected = [result(Z[:, k != Y], Y[k != Y], 0.7, "raw")["delta_R"] for k in range(4)]
    assert found.delta_R.left_out == pytest.approx(expected, rel=1e-9)


def covered(found: RateEstimates, truth: dict[str, float]) -> list[bool]:
    return [float(getattr(found, f).low) < truth[f] < float(getattr(found, f).high) for f in FIELDS]


def test_intervals_cover_the_expected_metric() -> None:
    """More often than 95 %, if anything; a larger validation is elsewhere."""
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(3), 12)
    means = rng.normal(size=(30, 3))
    runs = [rng.normal(size=(30, 36)) + means[:, y] for _ in range(120)]
    found = [jackknife(gram(Z), y, 30, 0.5) for Z in runs]
    truth = {f: float(np.mean([getattr(one, f).value for one in found])) for f in FIELDS}
    assert np.all(np.mean([covered(one, truth) for one in found], axis=0) >= 0.9)


def test_seeds_that_shift_all_their_images_need_the_group_jackknife() -> None:
    rng = np.random.default_rng(5)
    y, seed = np.tile(np.arange(4), 10), np.repeat(np.arange(10), 4)
    values, single, grouped = [], [], []
    for _ in range(60):
        amplitude = np.exp(0.5 * rng.normal(size=10))[seed]
        G = gram(rng.normal(size=(15, 40)) * amplitude)
        one, group = jackknife(G, y, 15, 0.5), group_jackknife(G, y, seed, 15, 0.5)
        values.append(one.R.value)
        single.append(one.R.standard_error)
        grouped.append(group.R.standard_error)
    assert np.mean(single) < 0.75 * np.std(values)
    assert 0.8 * np.std(values) < np.mean(grouped) < 1.5 * np.std(values)


def test_what_cannot_be_jackknifed(rng: np.random.Generator) -> None:
    G = gram(rng.normal(size=(9, 6)))
    with pytest.raises(GeometryError, match="class 'b' has a single image and cannot spare it"):
        jackknife(G, list("aaaaab"), 9, 0.5)
    with pytest.raises(GeometryError, match="all images are of one group"):
        group_jackknife(G, list("aaabbb"), np.zeros(6, int), 9, 0.5)
    with pytest.raises(GeometryError, match="groups must be one per image"):
        group_jackknife(G, list("aaabbb"), np.zeros(5, int), 9, 0.5)
    with pytest.raises(GeometryError, match="Rc/R has no value"):
        jackknife(np.zeros((6, 6)), list("aaabbb"), 9, 0.5)
    with pytest.raises(GeometryError, match="unknown feature view"):
        jackknife(G, list("aaabbb"), 9, 0.5, "whitened")
    with pytest.raises(Cancelled):
        group_jackknife(G, list("aaabbb"), np.arange(6), 9, 0.5, cancelled=lambda: True)


def test_strata_are_independent_samples_of_which_each_has_its_own_mean() -> None:
    values, strata = np.array([5.0, 1.0, 7.0, 1.5, 6.0]), ["b", "a", "b", "a", "b"]
    of_a, _ = jackknife_error(values[[1, 3]])
    of_b, _ = jackknife_error(values[[0, 2, 4]])
    error, half = jackknife_error(values, strata=strata)
    assert error == pytest.approx(np.hypot(of_a, of_b))
    assert half == pytest.approx(t.ppf(0.975, 5 - 2) * error)
    assert jackknife_error(values + np.array([9, 0, 9, 0, 9]), strata=strata)[0] == pytest.approx(error)
    with pytest.raises(GeometryError, match=r"a stratum .* needs two values"):
        jackknife_error(values, strata=["b", "a", "b", "b", "b"])
