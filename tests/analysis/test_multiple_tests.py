"""Which tests pass together, and which peaks stand out."""

import numpy as np
import pytest

from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.analysis.sweep import extremes
from subspacelens_tui.analysis.uncertainty.jackknife import error_bar
from subspacelens_tui.analysis.uncertainty.multiple_tests import LEVEL, MultipleTests, adjusted
from subspacelens_tui.geometry import summarize_null


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_adjusted_p_values_are_those_of_scipy(rng: np.random.Generator) -> None:
    from scipy.stats import false_discovery_control

    p = np.concatenate([rng.uniform(size=30), 0.01 * rng.uniform(size=10), [0.03, 0.03]])
    assert adjusted(p.tolist()) == pytest.approx(false_discovery_control(p))
    assert adjusted([None, 0.04, None, 0.01]) == pytest.approx((None, 0.04, None, 0.02))
    assert adjusted([]) == ()


def test_few_false_ones_pass(rng: np.random.Generator) -> None:
    """Where nothing is there, some test of forty passes in at most one of twenty data sets."""
    passed = [any(value <= LEVEL for value in adjusted(rng.uniform(size=40).tolist())) for _ in range(2000)]
    assert np.mean(passed) == pytest.approx(LEVEL, abs=0.015)


def test_what_is_said_of_them(rng: np.random.Generator) -> None:
    samples = rng.normal(size=20)
    nulls = [summarize_null(value, samples) for value in (9.0, 0.0, 0.0)]
    tests = MultipleTests.of([nulls[0], None, nulls[1], nulls[2]])
    assert tests.count == 3
    assert tests.survive == (False, False, False, False)
    assert tests.words("layers") == (
        "3 layers, Benjamini–Hochberg at 5 %: none pass (for one of them alone it would take 59 permutations)"
    )
    more = MultipleTests.of([summarize_null(value, rng.normal(size=99)) for value in (9.0, 0.0, 0.0)])
    assert more.survive == (True, False, False)
    assert more.words("layers") == "3 layers, Benjamini–Hochberg at 5 %: 1 passes"
    assert MultipleTests.of([nulls[0]]).short("layers") == "1 layer, pass BH: all"


def curve(values: list[float], noise: float, rng: np.random.Generator) -> Result:
    """Layers with these values, known up to independent noise."""
    layers = []
    for layer, value in enumerate(values):
        left_out = value + noise * rng.normal(size=10)
        bar = error_bar(value, [left_out])
        layers.append(LayerResult(layer, "b", 8, 0.5, 8, {"R": value}, errors={"R": bar}))
    return Result(Settings(), 10, (), (), tuple(layers))


def test_a_peak_is_marked_beyond_noise_only(rng: np.random.Generator) -> None:
    peaked, dipped = [0.0, 1.0, 3.0, 1.0, 0.5], [3.0, 2.0, 0.0, 2.0, 2.5]
    assert extremes(curve(peaked, 0.01, rng), "R") == (2, None)
    assert extremes(curve(dipped, 0.01, rng), "R") == (None, 2)
    assert extremes(curve(peaked, 3.0, rng), "R") == (None, None)
    assert extremes(curve([0.0, 1.0, 2.0, 3.0], 0.01, rng), "R") == (None, None)


def test_without_errors_nothing_is_marked() -> None:
    layers = tuple(LayerResult(layer, "b", 8, 0.5, 8, {"R": float(layer == 1)}) for layer in range(3))
    assert extremes(Result(Settings(), 10, (), (), layers), "R") == (None, None)
