"""The claims: their curves agree with brute force, their rules with what is planted."""

from collections.abc import Iterator

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims import CLAIMS, CannotTell, Evidence, Verdict
from subspacelens_tui.analysis.claims.curves import (
    Curve,
    Estimate,
    adjusted_p,
    difference,
)
from subspacelens_tui.analysis.claims.density import partial_correlation
from subspacelens_tui.analysis.claims.growth import dip_depths
from subspacelens_tui.analysis.claims.judge import finding, judged
from subspacelens_tui.analysis.claims.shape import own_part
from subspacelens_tui.analysis.claims.verdict_rules import verdict_of
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.analysis.statistics.base import PERMUTED_MEMBERS
from subspacelens_tui.analysis.uncertainty.moved_curves import moved_around
from subspacelens_tui.analysis.uncertainty.permutation import labelings_of
from subspacelens_tui.geometry import Cancelled, jackknife_error
from subspacelens_tui.sessions import Session, open_session
from tests.conftest import PlantedSessionFactory
from tools.report_page import PAGE, page
from validation.claims import CASES
from validation.claims import planted as planted_case

PERMUTATIONS = 19


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    return open_session(planted(layers=3, seeds=3, width=12).start().record().path)


def evidence_of(session: Session, **settings: object) -> Evidence:
    return Evidence(Analyzer(session), Settings(permutations=PERMUTATIONS, **settings), Watch())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "features", "logarithm"),
    [("delta_R", "raw", False), ("ratio", "trace", True), ("overlap_mean", "raw", False)],
)
def test_a_curve_is_what_recomputation_gives(
    session: Session, key: str, features: str, logarithm: bool
) -> None:
    evidence = evidence_of(session)
    curve = evidence.curve(key, logarithm=logarithm, features=features)
    layers, settings = evidence.layers_under(features=features)
    labelings = labelings_of(layers[0].sample.images, settings)
    assert labelings is not None
    assert not isinstance(labelings, str)
    scale, unscaled = (np.log, np.exp) if logarithm else (np.asarray, np.asarray)
    images = layers[0].sample.images

    def value(place: int, kept: np.ndarray, labels: np.ndarray) -> float:
        # From the features, not through Gram matrices or what permuted classes share.
        Z = layers[place].features()[:, kept]
        if features == "trace":
            Z = Z / np.sqrt((Z**2).sum() / Z.shape[1])
        if key == "overlap_mean":
            return overlap(Z, labels, layers[place].subspace_dim)
        R = rate(Z, settings.eps)
        Rc = sum(
            np.mean(labels == name) * rate(Z[:, labels == name], settings.eps) for name in np.unique(labels)
        )
        return float(scale(R - Rc if key == "delta_R" else Rc / R))

    every, labels = np.arange(len(images.labels)), np.asarray(images.labels)
    observed = [value(place, every, labels) for place in range(3)]
    assert curve.values == pytest.approx(observed, rel=1e-9)
    permuted = [[value(place, every, codes) for place in range(3)] for codes in labelings.codes[:2]]
    assert curve.permuted[:2] == pytest.approx(np.asarray(permuted), rel=1e-9)
    assert curve.permuted.shape == (PERMUTATIONS, 3)

    for kind, groups, found, excess in zip(
        ("seed", "subject"),
        (images.seeds, images.prompts),
        curve.left_out,
        curve.excess_left_out,
        strict=True,
    ):
        kept = np.flatnonzero(np.asarray(groups) != np.unique(groups)[1])
        without = value(2, kept, labels[kept])
        assert found[1, 2] == pytest.approx(without, rel=1e-9), kind
        few = labelings.codes[: PERMUTED_MEMBERS if key == "overlap_mean" else None]
        null = np.mean([unscaled(value(2, kept, codes[kept])) for codes in few])
        assert excess[1, 2] == pytest.approx(without - scale(null), rel=1e-9), kind


def rate(Z: np.ndarray, eps: float) -> float:
    d, count = Z.shape
    return 0.5 * float(np.linalg.slogdet(np.eye(d) + d / (count * eps**2) * Z @ Z.T)[1])


def overlap(Z: np.ndarray, labels: np.ndarray, rank: int) -> float:
    bases = [np.linalg.svd(Z[:, labels == name])[0][:, :rank] for name in np.unique(labels)]
    pairs = [(a, b) for i, a in enumerate(bases) for b in bases[:i]]
    return float(np.mean([np.sum((a.T @ b) ** 2) / rank for a, b in pairs]))


def test_a_contrast_takes_the_same_permutation_and_leaves_out_the_same_images_in_all_layers() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((40, 1))
    # Layers move together: what they share is in neither their difference nor its error.
    curve = Curve(
        np.array([5.0, 8.0]),
        (np.array([5.0, 8.0]) + 100 * noise,),
        np.array([1.0, 2.0]) + 100 * noise,
        (np.array([4.0, 6.0]) + 100 * noise + 0.01 * rng.standard_normal((40, 2)),),
    )
    last_less_first = difference(-1, 0)
    seen = curve.estimate(last_less_first)
    assert (seen.value, seen.standard_error) == pytest.approx((3.0, 0.0), abs=1e-9)
    assert curve.excess_estimate(last_less_first).value == pytest.approx(2.0)
    assert curve.p(last_less_first) == 1 / 41
    assert curve.p(difference(0, 1)) == 1.0
    errors, margin = jackknife_error(curve.excess_left_out[0] @ [-1, 1], 1 - 2 * 0.05 / 7)
    found = curve.excess_estimate(last_less_first, tests=7)
    assert (found.standard_error, found.low) == pytest.approx((errors, found.value - margin))


def test_p_of_the_maximum_over_layers() -> None:
    rng = np.random.default_rng(1)
    permuted = rng.standard_normal((199, 5)) * [1, 10, 0.1, 1, 0]
    permuted[:, 4] = 7.0  # the same under every permutation: no evidence
    p = adjusted_p(np.array([9.0, 0.0, 0.0, 1.0, 7.0]), permuted)
    assert p[0] == 1 / 200
    every = np.vstack([[9.0, 0.0, 0.0, 1.0], permuted[:, :4]])
    z = (every - every.mean(axis=0)) / every.std(axis=0)
    assert p[3] == pytest.approx(np.mean(np.maximum(z.max(axis=1), 0) >= z[0, 3] - 1e-9))
    assert p[4] > 0.5
    assert adjusted_p(-np.array([9.0, 0.0, 0.0, 1.0, 7.0]), -permuted, sign=-1) == pytest.approx(p)
    # Of independent noise it is at most 5 % in one data set of twenty.
    hits = [adjusted_p(x[0], x[1:]).min() <= 0.05 for x in rng.standard_normal((400, 100, 5))]
    assert 0.02 <= np.mean(hits) <= 0.085


@pytest.mark.parametrize(
    ("seen", "excess", "p", "verdict"),
    [
        (1.0, 1.0, 0.05, Verdict.SUPPORTED),
        (-1.0, 1.0, 0.01, Verdict.NOT_SUPPORTED),
        (0.0, 1.0, 0.01, Verdict.NOT_SUPPORTED),
        (1.0, 0.0, 0.01, Verdict.EXPLAINED),
        (1.0, 1.0, 0.06, Verdict.EXPLAINED),
    ],
)
def test_a_claim_needs_error_and_null(seen: float, excess: float, p: float, verdict: Verdict) -> None:
    assert verdict_of(Estimate(2, 1, seen, 4), Estimate(2, 1, excess, 4), p) is verdict


def test_shapes_over_the_depth() -> None:
    curve = np.array(
        [0.0, 3, 5, 4, 4, 1, 2, 3, 6, 7]
    )  # the dip at layer 5 is below 5 on the left, 7 on the right
    assert dip_depths(curve) == 4.0
    assert dip_depths(np.stack([curve, -curve])).tolist() == [4.0, dip_depths(-curve)]
    assert dip_depths(np.arange(10.0)) < 0
    trend = np.arange(10.0)
    assert abs(partial_correlation(curve + 0, curve)) == pytest.approx(1)
    assert partial_correlation(trend, curve) == 0.0  # a trend over the depth is no evidence
    moved = moved_around(curve)
    assert len(moved) == 20
    assert np.array_equal(moved[0], curve)


def test_what_is_an_images_own_is_without_the_means_of_its_subject_and_seed() -> None:
    prompts, seeds = np.repeat(range(4), 5).tolist(), np.tile(range(5), 4).tolist()
    own = own_part(Images(prompts, seeds, [str(p) for p in prompts], []))
    rng = np.random.default_rng(2)
    x = rng.standard_normal((3, 4, 5))
    expected = (
        x - x.mean(axis=1, keepdims=True) - x.mean(axis=2, keepdims=True) + x.mean(axis=(1, 2), keepdims=True)
    )
    assert (x.reshape(3, 20) @ own).reshape(x.shape) == pytest.approx(expected)
    alone = own_part(Images(prompts, list(range(20)), [str(p) for p in prompts], []))
    assert (x.reshape(3, 20) @ alone).reshape(x.shape) == pytest.approx(x - x.mean(axis=2, keepdims=True))


PLANTED = {
    "category effect 0 to 2, scale × 4": "growth",
    "scale × 4, nothing else": "growth",
    "scale ÷ 4": "growth",
    "spectrum flat in the middle": "rank",
    "subject effect 0 to 2": "ratio",
    "subjects differ, categories do not": "hierarchy",
    "dense where subjects differ": "density",
    "Gaussian, one subject far away": "non-gaussian",
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_verdict_on_what_is_planted(name: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    key = PLANTED[name]
    with planted_case(case, 0) as analyzer:
        found = finding(CLAIMS[key], Evidence(analyzer, Settings(permutations=99), Watch()))
    assert found.verdict in case.right[key], found.says


def test_a_session_that_lacks_something_says_what(planted: PlantedSessionFactory) -> None:
    one_seed = open_session(planted("one", layers=3, seeds=1, guidance=(1.0,)).start().record().path)
    found = {of.claim.key: of.finding for of in judged(evidence_of(one_seed))}
    assert list(found) == list(CLAIMS)
    assert "3 layers have no middle" in found["dip"].says
    assert found["branches"].words == "cannot be told: there is no unconditional branch at guidance 1"
    assert "nothing is left of the images" in found["non-gaussian"].says
    assert found["growth"].verdict is not Verdict.CANNOT_TELL  # its errors are over images
    assert {of.verdict for key, of in found.items() if key in ("dip", "density", "branches")} == {
        Verdict.CANNOT_TELL
    }
    evidence = evidence_of(one_seed)
    assert evidence.kinds == ["image"]
    with pytest.raises(CannotTell, match="step 7 was not captured"):
        evidence.result(step=7)


def test_few_permutations_are_refused_and_cancelling_ends_it(session: Session) -> None:
    with pytest.raises(SettingsError, match="18 permutations give no p of 5 %: use 19 or more"):
        Evidence(Analyzer(session), Settings(permutations=18), Watch())
    calls: Iterator[bool] = iter([False] * 40)
    watch = Watch(cancelled=lambda: next(calls, True))
    evidence = Evidence(Analyzer(session), Settings(permutations=PERMUTATIONS), watch)
    with pytest.raises(Cancelled):
        list(judged(evidence))


def test_the_page_has_the_rules_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tools.report_page"
    assert all(claim.rule and claim.measured and claim.quote for claim in CLAIMS.values())
