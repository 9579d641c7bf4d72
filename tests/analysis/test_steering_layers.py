"""Whether geometry tells where steering works: the null, on curves whose answer is known."""

import numpy as np
import pytest

from subspacelens_tui.analysis.steering_layers import Predictor, judge_predictors, rank_correlation
from subspacelens_tui.analysis.steering_layers import verdict as words_of

STEP = (0.0,) * 6 + (1.0,) * 6
# What follows no trend over the depth.
HILL = (0.0, 0.1, 0.1, 0.7, 0.9, 1.0, 0.8, 0.3, 0.2, 0.1, 0.0, 0.0)


def predictor(values: tuple[float | None, ...], key: str = "shift") -> Predictor:
    return Predictor(key, "", values)


def test_ranks_correlate_as_spearmans() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, (2, 12)).astype(float)
    assert rank_correlation(a, tuple(b)) == pytest.approx(spearmanr(a, b).statistic)
    assert rank_correlation(a, (1.0,) * 12) is None
    assert rank_correlation(a, (None, *b[1:])) is None


def test_p_counts_the_curve_itself_and_goes_no_lower_than_one_of_all_moved_ones() -> None:
    [found], p = judge_predictors(HILL, [predictor(HILL)])
    assert found.correlation == pytest.approx(1)
    assert found.p == p == pytest.approx(1 / 24)


def test_two_smooth_curves_that_grow_with_depth_are_no_evidence() -> None:
    """Exchanged freely, twelve layers would give p = .0003 for them."""
    grows = tuple(np.linspace(0, 1, 12) ** 2)
    [found], p = judge_predictors(STEP, [predictor(grows)])
    assert found.correlation is not None
    assert found.correlation > 0.8
    # The reflected step, shifted by half, is the step.
    assert p == found.p == pytest.approx(4 / 24)


def test_the_largest_of_several_is_compared_with_the_largest_of_as_many() -> None:
    """Curves that have nothing to do with the outcome reach p ≤ .05 in one of twenty cases."""
    rng = np.random.default_rng(1)
    reached = 0
    for _ in range(200):
        outcome = tuple(rng.standard_normal(12))
        judged, p = judge_predictors(
            outcome, [predictor(tuple(rng.standard_normal(12)), key) for key in "abc"]
        )
        largest = max(judged, key=lambda one: abs(one.correlation or 0))
        assert p is not None
        assert p >= (largest.p or 0)
        reached += p <= 0.05
    assert 2 <= reached <= 20


@pytest.mark.parametrize(
    ("shares", "curves", "words"),
    [
        (
            HILL,
            [HILL],
            "shift goes with where steering works, in this pair of classes: largest correlation +1.00",
        ),
        (STEP, [tuple(range(12))], "geometry is not shown to tell where steering works: "),
        ((None, *HILL[1:]), [HILL], "cannot be told yet: layers 0 are missing"),
        ((0.0,) * 12, [HILL], "cannot be told: the share is the same at all layers"),
        (HILL[:8], [HILL[:8]], "cannot be told with 8 layers: "),
        (
            (0, 1, 2, 3, 4, 5, 7, 6, 8, 9, 10, 11),
            [(0, 1, 2, 3, 4, 5, 7, 6, 11, 9, 10, 8)],
            "geometry tells no more of where steering works than depth does",
        ),
    ],
)
def test_the_verdict_claims_no_more_than_there_is(
    shares: tuple[float | None, ...], curves: list[tuple[float, ...]], words: str
) -> None:
    judged, p = judge_predictors(shares, [predictor(tuple(map(float, of))) for of in curves])
    depth = rank_correlation(shares, tuple(map(float, range(len(shares)))))
    said = words_of(shares, judged, depth, p)
    assert words in said
    if p is not None:
        assert (
            f"{2 * len(shares)} shifts and reflections allow no p below {1 / (2 * len(shares)):.3f}" in said
        )
