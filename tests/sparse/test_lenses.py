"""The lenses on planted tokens, of which it is known what they take."""

import math
from dataclasses import replace

import numpy as np
import pytest

from subspacelens_tui.geometry import coding_rate
from subspacelens_tui.sparse import LENSES, Groups, SparseError, Tokens, compare_lenses, judge, split_images
from subspacelens_tui.sparse.components import Strength, fit_components
from subspacelens_tui.sparse.rate_distortion import Curve, code_given
from tests.sparse.planted import (
    CLASSES,
    IMAGES,
    SEEDS,
    SPECTRUM,
    SUBJECTS,
    WIDTH,
    T,
    bits,
    compared,
    groups,
    normal,
)

NAMED = math.log2(CLASSES)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("eps", [0.05, 0.5, 3.0])
def test_the_gaussian_is_the_coding_rate(rng: np.random.Generator, eps: float) -> None:
    tokens = normal(rng, 40, 5)
    Z = (tokens.reshape(-1, WIDTH) - tokens.mean(axis=(0, 1))).T
    gauss = fit_components(tokens.reshape(-1, WIDTH), np.zeros(200, np.int64), 1, Strength(0.0, 0.0))
    curve = code_given(tokens, np.zeros((40, 5), np.int64), gauss, np.array([eps**2 / WIDTH]))
    assert curve.rate.mean() == pytest.approx(float(coding_rate(Z, eps)), abs=1e-9)


def test_rate_and_distortion_are_those_of_the_channel(rng: np.random.Generator) -> None:
    """By sending tokens through it: -log q(y) + log p(y|x), and the squared error of E[x|y]."""
    x, s = normal(rng, 3), 0.3
    components = fit_components(normal(rng, 500) + 0.2, np.zeros(500, np.int64), 1, Strength(0.0, 0.0))
    covariance = (components.vectors[0] * components.values[0]) @ components.vectors[0].T
    mean, of_y = components.means[0], covariance + s * np.eye(WIDTH)
    noise = np.sqrt(s) * rng.standard_normal((20_000, WIDTH))
    rates, errors = components.code(x, 0, np.array([s]))
    for token, rate, error in zip(x, rates[:, 0], errors[:, 0], strict=True):
        y = token + noise
        far = np.einsum("nd,nd->n", y - mean, np.linalg.solve(of_y, (y - mean).T).T)
        q = 0.5 * (np.linalg.slogdet(of_y)[1] + far)
        p = 0.5 * (WIDTH * np.log(s) + (noise**2).sum(axis=1) / s)
        sent = q - p
        assert rate == pytest.approx(sent.mean(), abs=5 * sent.std() / math.sqrt(len(y)))
        squares = ((mean + (y - mean) @ np.linalg.solve(of_y, covariance) - token) ** 2).sum(axis=1)
        assert error == pytest.approx(squares.mean(), abs=5 * squares.std() / math.sqrt(len(y)))


def test_one_gaussian_is_coded_best_by_one_gaussian(rng: np.random.Generator) -> None:
    found = compared(normal(rng, IMAGES, T))
    gauss = bits(found, "gauss")
    # Reverse water-filling on the channel: the s at which Σ λs/(λ + s) is a tenth of Σ λ.
    s = found.eps**2 / WIDTH
    values = SPECTRUM * WIDTH / SPECTRUM.sum()
    assert (values * s / (values + s)).sum() == pytest.approx(0.1 * WIDTH, rel=0.02)
    assert gauss == pytest.approx(0.5 * np.log2(1 + values / s).sum(), abs=1.0)
    assert abs(gauss - found.R / math.log(2)) < 1
    for key in ("class", "permuted_class"):
        assert NAMED - 0.01 <= bits(found, key) - gauss <= NAMED + 2
    assert bits(found, "class") - bits(found, "class_per_image") == pytest.approx(
        NAMED * (1 - 1 / T), abs=0.01
    )
    assert 0 < bits(found, "subspaces_25") - gauss < math.log2(25) + 1
    assert 0 < bits(found, "subspaces_64") - gauss < math.log2(64) + 1
    assert abs(bits(found, "scales_8") - gauss) < 0.2
    assert judge(found).word == "gaussian"


def test_a_flat_gaussian_takes_what_theory_says(rng: np.random.Generator) -> None:
    """16 dimensions of equal variance: at a tenth, ½ log₂ 10 bits each."""
    basis = np.linalg.qr(rng.standard_normal((WIDTH, 16)))[0]
    found = compared(rng.standard_normal((IMAGES, T, 16)) @ basis.T)
    assert bits(found, "gauss") == pytest.approx(8 * math.log2(10), abs=1)
    assert NAMED - 0.01 <= bits(found, "permuted_class") - bits(found, "gauss") <= NAMED + 2
    assert judge(found).word == "gaussian"


def test_a_union_of_subspaces_is_seen_by_classes_and_by_subspaces(rng: np.random.Generator) -> None:
    bases = np.linalg.qr(rng.standard_normal((CLASSES, WIDTH, 8)))[0]
    own = bases[groups().classes]
    values = np.einsum("ndk,ntk->ntd", own, rng.standard_normal((IMAGES, T, 8)))
    found = compared(values, positions=rng.integers(0, 4, (IMAGES, T)))
    best = 4 * math.log2(10) + NAMED
    assert bits(found, "gauss") > 2 * best
    assert best - 1 <= bits(found, "class") <= best + 2
    assert best - 1 <= bits(found, "subspaces_25") <= best + 12
    assert found.class_excess is not None
    value, error = found.class_excess
    assert value - error > 10
    assert found.lenses["scales_8"].saved < 0.1 * found.lenses["class"].saved
    assert judge(found).word == "subspaces"
    over = {key: of for key, of in found.beyond["subspaces_25"].items() if key != "position_known"}
    without = replace(found, beyond={**found.beyond, "subspaces_25": over})
    # Nothing says that the edge is not that of positions.
    assert judge(without).words == "undecided: the position lens is missing"


def test_class_means_are_seen_by_classes(rng: np.random.Generator) -> None:
    means = normal(rng, CLASSES)[groups().classes]
    found = compared(means[:, None] + 0.6 * normal(rng, IMAGES, T))
    saved, error = found.lenses["class"].saved, found.lenses["class"].saved_error
    assert saved > 5 * error > 0
    assert found.lenses["class_per_image"].saved > saved
    assert found.lenses["permuted_class"].saved < 0


def test_heavy_norms_are_not_called_subspaces(rng: np.random.Generator) -> None:
    norms = np.exp(rng.standard_normal((IMAGES, T, 1)).clip(-2, 2))
    found = compared(norms * normal(rng, IMAGES, T), positions=rng.integers(0, 4, (IMAGES, T)))
    # The trap: subspaces save much, and eight sizes of one shape save as much or more.
    assert found.lenses["subspaces_25"].saved > 5
    assert found.lenses["scales_8"].saved > found.lenses["subspaces_25"].saved
    assert judge(found).words == "undecided: the edge of subspaces is within the 8-scales lens"


def test_positions_are_not_called_subspaces(rng: np.random.Generator) -> None:
    positions = rng.integers(0, 8, (IMAGES, T))
    values = 1.5 * normal(rng, 8)[positions] + 0.7 * normal(rng, IMAGES, T)
    found = compared(values, positions=positions)
    named = found.lenses["position_known"].saved - found.lenses["position"].saved
    assert named == pytest.approx(math.log(8), abs=0.05)
    assert found.lenses["position"].saved > 5
    assert found.lenses["subspaces_25"].saved > 5
    assert judge(found).words == "undecided: the edge of subspaces is within the position lens"


def test_many_positions_of_few_tokens_each_are_seen(rng: np.random.Generator) -> None:
    """Cells that differ in their means alone cost what is left of the tokens, and little more."""
    positions = rng.integers(0, 64, (IMAGES, T))
    noise = 0.5 * normal(rng, IMAGES, T)
    values = normal(rng, 64)[positions] + noise
    found = compared(values, positions=positions)
    # The same squared error, as a share of the noise's own variance.
    left = compared(noise, distortion=0.1 * values.var(axis=(0, 1)).sum() / noise.var(axis=(0, 1)).sum())
    assert bits(found, "gauss") > bits(left, "gauss") + 15
    assert bits(left, "gauss") - 0.5 < bits(found, "position_known") < bits(left, "gauss") + 4


def test_rates_fall_with_distortion_and_scale_does_not_matter(rng: np.random.Generator) -> None:
    values = normal(rng, IMAGES, T)
    found, other = compared(values), compared(1e4 * values + 7, distortion=0.3)
    for key, lens in found.lenses.items():
        assert np.all(np.diff(lens.distortions) > 0)
        assert np.all(np.diff(lens.rates) < 0)
        at = np.interp(math.log(0.3), np.log(lens.distortions), lens.rates)
        assert other.lenses[key].rate == pytest.approx(at, rel=0.05)
        assert other.lenses[key].rate < lens.rate
    assert found.lenses.keys() | found.missing.keys() == set(LENSES)


def test_the_error_is_that_of_a_mean_over_images(rng: np.random.Generator) -> None:
    """Where all images have one distortion, rates are means, and so are their differences."""
    log_distortion = np.linspace(-4, 0, 21)
    distortion = np.tile(np.exp(log_distortion), (12, 1))
    first, second = rng.standard_normal((2, 12, 1))
    slope = -3 * log_distortion
    rates = [Curve(slope + of, distortion).at(0.1) for of in (first, second)]
    for rate, of in ((rates[0], first), (rates[0] - rates[1], first - second)):
        value, error = rate.with_error()
        assert error == pytest.approx(2.200985 * of.std(ddof=1) / math.sqrt(12), rel=1e-5)
    assert rates[0].with_error()[0] == pytest.approx(first.mean() - 3 * math.log(0.1))
    assert value == pytest.approx((first - second).mean())


def test_a_lens_that_is_missing_says_why(rng: np.random.Generator) -> None:
    of = groups()
    each_its_class = Groups(of.seeds, of.subjects, of.subjects)
    found = compare_lenses(Tokens(normal(rng, IMAGES, T), split_images(each_its_class), "several sizes"))
    assert found.missing["position"] == "several sizes"
    assert "choose a coarser label scheme" in found.missing["class"]
    assert found.class_excess is None


def test_few_tokens_leave_it_undecided(rng: np.random.Generator) -> None:
    found = compared(normal(rng, IMAGES, 4))
    assert "training tokens a subspace, fewer than 40" in judge(found).words
    assert "too few for 64 subspaces" in compared(normal(rng, IMAGES, 1)).missing["subspaces_64"]


@pytest.mark.parametrize(
    ("values", "distortion", "said"),
    [
        (np.ones((IMAGES, T, WIDTH)), 0.1, "all training tokens are equal"),
        (np.full((IMAGES, T, WIDTH), np.nan), 0.1, "not finite"),
        (np.ones((IMAGES * T, WIDTH)), 0.1, "tokens without their images cannot be split"),
        (np.ones((IMAGES, T, WIDTH)), 1.5, "between 0 and 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(values: np.ndarray, distortion: float, said: str) -> None:
    with pytest.raises(SparseError, match=said):
        compared(values, distortion)


def test_planted_sizes_leave_a_ninth_or_so() -> None:
    split = split_images(groups())
    assert len(split.test) == (SEEDS // 3) * (CLASSES * 2) == 30
    assert len(split.train) == (SEEDS - SEEDS // 3) * (SUBJECTS - CLASSES * 2)
