"""Judges, distances to natural images and shares, against planted answers and independent code."""

import numpy as np
import pytest
from scipy.stats import binomtest

from subspacelens_tui.steering import SteeringError
from subspacelens_tui.steering.judge import errors_across, nearest_image, nearest_mean
from subspacelens_tui.steering.manifold import natural
from subspacelens_tui.steering.share_interval import share

RNG = np.random.default_rng(0)
# Along the first axis classes differ by little beside a second one of much larger spread.
SPREAD = np.diag([0.2, 20.0, 20.0])
LABELS = np.repeat(["a", "b", "c"], 80)
MEANS = np.repeat([[0, 0, 0], [2, 0, 0], [4, 0, 0]], 80, axis=0)
X = MEANS + RNG.standard_normal((240, 3)) @ SPREAD
SEEDS = np.tile(np.arange(80), 3)


def test_whitening_finds_classes_that_distances_do_not() -> None:
    new = MEANS + RNG.standard_normal((240, 3)) @ SPREAD
    assert (nearest_mean(X, LABELS)(new) == LABELS).mean() > 0.95
    assert (nearest_image(X, LABELS)(new) == LABELS).mean() < 0.8


def test_errors_are_of_images_that_the_judge_has_not_seen() -> None:
    assert errors_across(nearest_mean, X, LABELS, SEEDS) <= 12
    # Each image is its own nearest neighbour: a judge that had seen it would make no error.
    assert errors_across(nearest_image, X, LABELS, SEEDS) > 40
    shuffled = RNG.permutation(LABELS)
    wrong = errors_across(nearest_mean, X, shuffled, SEEDS)
    assert 130 < wrong < 190  # two thirds of 240
    with pytest.raises(SteeringError, match="one seed cannot be held out"):
        errors_across(nearest_mean, X, LABELS, [7] * 240)
    with pytest.raises(SteeringError, match="two classes at least"):
        nearest_mean(X, ["a"] * 240)


def test_natural_images_are_about_one_from_natural_ones_and_others_far() -> None:
    bank = natural(RNG.standard_normal((60, 4, 4)))
    new = bank.ratios(RNG.standard_normal((60, 4, 4)))
    assert 0.9 < np.median(new) < 1.15
    assert 0.85 < (new <= bank.radius).mean() <= 1
    assert (bank.ratios(5 + RNG.standard_normal((10, 4, 4))) > 2).all()
    assert bank.ratios(bank.features[:1]) == pytest.approx(0, abs=1e-6)
    with pytest.raises(SteeringError, match="2 natural images"):
        natural(np.zeros((2, 3)))
    with pytest.raises(SteeringError, match="all alike"):
        natural(np.zeros((5, 3)))


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (7, 10), (1, 60)])
def test_intervals_are_exact_binomial_ones(hits: int, n: int) -> None:
    found = share([True] * hits + [False] * (n - hits), list(range(n)))
    exact = binomtest(hits, n).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert (found.value, found.images, found.seeds) == (hits / n, n, n)


def test_images_of_one_seed_do_not_narrow_an_interval() -> None:
    once, thrice = share([True] * 9 + [False], range(10)), share(([True] * 9 + [False]) * 3, [*range(10)] * 3)
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))
    assert thrice.images == 30
