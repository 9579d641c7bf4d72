"""Nulls and error bars of every metric, against the same metrics of fewer images and other labels."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Cancelled, Settings, SettingsError
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.geometry import VIEWS, View, gram, jackknife_error
from subspacelens_tui.sessions import Session, open_session
from tests.conftest import PlantedSessionFactory

RATES = ("R", "Rc", "delta_R", "ratio")
OF_UPDATES = {metric.key for metric in METRICS.scalars if metric.family.name == "update"}
RANKS = ("effective_rank", "eigenvalue_rank", "participation_ratio", "stable_rank")


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    return open_session(planted(seeds=5, layers=2).start().record().path)


@pytest.mark.parametrize("view", VIEWS)
def test_every_metric_has_the_error_of_leaving_out_seeds_and_subjects(session: Session, view: View) -> None:
    settings = Settings(features=view, subspace_dim=2, thorough=True)
    whole, by_seed, by_subject, by_both = (
        Analyzer(session).result(replace(settings, errors=by)).layers[1]
        for by in (None, "seed", "subject", "seed+subject")  # type: ignore[arg-type]
    )
    expected = {*RATES, *RANKS, "participation_ratio_unbiased", "overlap_mean", "explained_mean"}
    expected |= {metric.key for metric in METRICS.means} | {*OF_UPDATES, "knn_accuracy"}
    if view == "class-centred":
        expected.remove("participation_ratio_unbiased")
    assert set(by_both.errors) == expected
    for metric, bar in by_both.errors.items():
        one, other = by_seed.errors[metric], by_subject.errors[metric]
        assert bar.standard_error == pytest.approx(np.hypot(one.standard_error, other.standard_error))
        assert (bar.low + bar.high) / 2 == pytest.approx(getattr(whole, metric))
        assert bar.high - bar.low == pytest.approx(np.hypot(one.high - one.low, other.high - other.low))
        assert [len(values) for values in bar.left_out] == [5, 9]


def test_values_without_a_seed_are_those_of_a_session_without_it(planted: PlantedSessionFactory) -> None:
    writer = planted(seeds=5, layers=2).start().record()
    settings = Settings(subspace_dim=2, thorough=True, errors="seed")
    bars = Analyzer(open_session(writer.path)).result(settings).layers[1].errors
    # The last seed is recorded last.
    fewer = Analyzer(open_session(writer.path)).result(replace(settings, images=36)).layers[1]
    for metric, bar in bars.items():
        assert bar.left_out[0][-1] == pytest.approx(getattr(fewer, metric), rel=1e-9)
        error, margin = jackknife_error(bar.left_out[0])
        assert bar.standard_error == pytest.approx(float(error))
        assert bar.high - bar.low == pytest.approx(2 * float(margin))


def test_single_images_are_left_out_of_all_metrics_as_well(session: Session) -> None:
    layer = Analyzer(session).result(Settings(subspace_dim=2, thorough=True, errors="image")).layers[0]
    assert {len(bar.left_out[0]) for bar in layer.errors.values()} == {45}
    spectrum = np.linalg.eigvalsh(gram(session.features(0)[:, 1:]))
    assert layer.errors["stable_rank"].left_out[0][0] == pytest.approx(spectrum.sum() / spectrum.max())


def test_both_overlaps_have_nulls(session: Session) -> None:
    layer = Analyzer(session).result(Settings(permutations=6)).layers[1]
    of_labels = {key for key in layer.nulls if METRICS[key].own_null is None}
    assert of_labels == {"delta_R", "Rc", "ratio", "overlap_mean", "explained_mean"}


def test_the_null_of_the_rates_is_the_same_with_and_without_that_of_the_overlap(session: Session) -> None:
    for eps in (0.5, 2.0):
        with_overlap, without = (
            Analyzer(session).result(Settings(eps=eps, permutations=6, overlap_permutations=count)).layers[1]
            for count in (6, 0)
        )
        assert without.null is not None
        assert with_overlap.null is not None
        assert with_overlap.null.mean == pytest.approx(without.null.mean, rel=1e-9)
        assert without.null.standard_error == pytest.approx(without.null.std / np.sqrt(6))


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (Settings(permutations=40), {"permutations"}),
        (Settings(permutations=40, overlap_permutations=0), {"permutations"}),
        (Settings(permutations=40, overlap_permutations=0, features="class-centred"), {"permutations"}),
        (Settings(errors="image"), {"error bars"}),
        (Settings(errors="seed"), {"error bars"}),
        (Settings(errors="image", thorough=True, subspace_dim=2), {"error bars"}),
    ],
    ids=["nulls", "rates", "class-centred", "images", "seeds", "thorough"],
)
def test_a_long_computation_says_how_far_it_is_and_ends_when_asked(
    session: Session, settings: Settings, parts: set[str]
) -> None:
    said: list[tuple[str, int, int]] = []
    Analyzer(session).result(settings, progress=lambda *at: said.append(at))
    assert {at[0] for at in said} == parts | {"layers"}
    for (_, total), part in itertools.groupby(said, key=lambda at: (at[0], at[2])):
        done = [at[1] for at in part]
        assert done == sorted(done)
        assert 0 <= done[0]
        assert done[-1] <= total
    # Wherever it is when it is no longer wanted, nothing more is said (after the last words all is done).
    for stop in range(0, len(said) - 1, max(1, len(said) // 5)):
        heard: list[tuple[str, int, int]] = []
        with pytest.raises(Cancelled):
            Analyzer(session).result(
                settings,
                cancelled=lambda heard=heard, stop=stop: len(heard) > stop,  # type: ignore[misc]
                progress=lambda *at, heard=heard: heard.append(at),  # type: ignore[misc]
            )
        assert len(heard) == stop + 1


@pytest.mark.parametrize("view", ["raw", "class-centred"])
def test_a_sweep_over_eps_is_the_metrics_at_each(session: Session, view: View) -> None:
    analyzer, eps = Analyzer(session), np.geomspace(0.05, 5, 4)
    R, Rc = analyzer.rates_at(Settings(features=view, labels="fine"), eps)
    for row, value in enumerate(eps):
        layers = analyzer.result(Settings(features=view, labels="fine", eps=float(value))).layers
        assert R[row] == pytest.approx([layer.R for layer in layers])
        assert Rc[row] == pytest.approx([layer.Rc for layer in layers])
    with pytest.raises(SettingsError, match="eps must be finite and above 0"):
        analyzer.rates_at(Settings(), [0.5, 0.0])
