"""Comparisons, sweeps and tables against the metrics they are made of."""

import json
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Result, Settings, SettingsError
from subspacelens_tui.analysis.compare import compare, side_settings, split_side
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.output.tables import tables_json
from subspacelens_tui.analysis.relative_depth import paired_layers
from subspacelens_tui.analysis.sweep import prominent_peak, sweep
from subspacelens_tui.analysis.tables import article_tables
from subspacelens_tui.geometry import rate_reduction
from subspacelens_tui.sessions import open_session
from tests.conftest import PlantedSessionFactory


def result(path: Path, **settings: object) -> Result:
    return Analyzer(open_session(path)).result(Settings(errors="image", **settings))  # type: ignore[arg-type]


def test_a_paired_difference_has_the_error_of_leaving_the_same_image_out_on_both_sides(
    planted: PlantedSessionFactory,
) -> None:
    session = open_session(planted().start().record().path)
    found = compare(result(session.path, step=5), result(session.path, step=19))
    assert found.paired
    Z, later, y = session.features(3, "cond", 5), session.features(3, "cond", 19), session.labels()
    n = len(y)
    without = []
    for i in range(n):
        keep = [j for j in range(n) if j != i]
        rest = [y[j] for j in keep]
        a, b = (rate_reduction(features[:, keep], rest, 0.5).delta_R for features in (Z, later))
        without.append(b - a)
    error = np.sqrt((n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2))
    difference = found.layers[3]["delta_R"]
    assert difference.standard_error == pytest.approx(error, rel=1e-6)
    assert difference.difference == pytest.approx(
        rate_reduction(later, y, 0.5).delta_R - rate_reduction(Z, y, 0.5).delta_R
    )
    assert found.layers[3]["effective_rank"].standard_error is None


def test_a_side_against_itself_differs_by_nothing(planted: PlantedSessionFactory) -> None:
    path = planted().start().record().path
    for layer in compare(result(path, permutations=5), result(path, permutations=5)).layers:
        assert {difference.difference for difference in layer.values()} == {0.0}
        assert layer["excess"].standard_error == pytest.approx(0, abs=1e-9)


def test_sides_of_other_images_are_taken_as_independent(planted: PlantedSessionFactory) -> None:
    a = result(planted("a").start().record().path)
    b = result(planted("b", seeds=3).start().record().path)
    found = compare(a, b)
    assert not found.paired
    errors = [side.layers[2].errors["R"].standard_error for side in (a, b)]
    assert found.layers[2]["R"].standard_error == pytest.approx(np.hypot(*errors))


def test_sides_that_cannot_be_compared_are_said(planted: PlantedSessionFactory) -> None:
    whole = result(planted("a").start().record().path)
    with pytest.raises(NoImagesError, match=r"on side B: no image was recorded yet \(waiting: no recorder"):
        compare(whole, result(planted("b").path))


def test_models_of_different_depths_are_compared_at_the_same_relative_depth(
    planted: PlantedSessionFactory,
) -> None:
    sessions = planted("a"), planted("b", layers=3, width=16)
    paths = [session.start().record().path for session in sessions]
    a, b = (result(path, permutations=5) for path in paths)
    found = compare(a, b)
    # 0, 0.5 and 1 of six layers; of 2 and 3, as near to the middle, the earlier.
    assert found.pairs == ((0, 0), (2, 1), (5, 2))
    assert [found.depth(pair) for pair in range(3)] == [0, 0.5, 1]
    difference = found.layers[1]["ratio"]
    assert (difference.a, difference.b) == (a.layers[2].ratio, b.layers[1].ratio)
    assert found.warnings[0] == "6 layers and 3: those at the nearest relative depth are compared"
    assert found.warnings[1].startswith("widths differ: 32 and 16; R, Rc and ΔR grow with the width: ")
    assert compare(b, a).pairs == ((0, 0), (1, 2), (2, 5))
    same_rate = [result(path, iso_rate=20.0) for path in paths]
    assert not any("widths" in line for line in compare(*same_rate).warnings)


@pytest.mark.parametrize(("a", "b"), [(1, 5), (5, 1), (12, 57), (57, 12), (10, 12), (7, 7), (1, 1)])
def test_pairs_of_layers_are_nearest_by_exact_arithmetic(a: int, b: int) -> None:
    fewer, more = min(a, b), max(a, b)
    for place, pair in enumerate(paired_layers(a, b)):
        shallow, deep = pair if a <= b else pair[::-1]
        assert shallow == place
        depth = Fraction(place, max(1, fewer - 1))
        # min takes the first of those that are as near.
        assert deep == min(range(more), key=lambda layer: abs(Fraction(layer, max(1, more - 1)) - depth))


def test_a_side_is_said_in_words() -> None:
    settings = Settings(eps=0.3)
    assert side_settings(settings, "") == settings
    assert side_settings(settings, "branch=uncond,step=5") == Settings(eps=0.3, branch="uncond", step=5)
    for words, message in (
        ("stp=5", "'stp=5' does not say a side"),
        ("step", "'step' does not say a side"),
        ("step=five", "'five' is no step"),
        ("eps=-1", "ε must be a positive number"),
    ):
        with pytest.raises(SettingsError, match=message):
            side_settings(settings, words)


def test_what_else_differs_is_said(planted: PlantedSessionFactory) -> None:
    analyzer = Analyzer(open_session(planted(layers=2, seeds=3).start().record().path))
    one = analyzer.result(Settings())
    assert compare(one, analyzer.result(Settings(labels="fine"))).warnings == ()
    few = analyzer.result(Settings(images=9, eps=0.25, step=5))
    assert compare(one, few).warnings == (
        "N differs: 27 images and 9; rates, ranks and overlaps depend on it",
        "the steps differ: 19 and 5",
        "ε differs: 0.5 and 0.25; rates depend on it",
    )
    first, second, _ = one.classes
    of_two = analyzer.result(Settings(classes=(first, second)))
    assert compare(one, of_two).warnings[-1] == (
        "the prompts differ: 6 are in both, 3 in A only, 0 in B only"
    )


def test_a_sweep_has_a_row_for_every_guidance_and_step(planted: PlantedSessionFactory) -> None:
    session = open_session(planted(guidance=(1.0, 3.0, 4.5), capture_steps=(0, 5, 19)).start().record().path)
    analyzer = Analyzer(session)
    found = sweep(analyzer, Settings(), "delta_R")
    assert [(row.guidance, row.step) for row in found.rows] == [
        (g, s) for g in (1, 3, 4.5) for s in (0, 5, 19)
    ]
    assert found.values[4].tolist() == analyzer.result(Settings(guidance=3.0, step=5)).curve("delta_R")
    assert len(sweep(analyzer, Settings(branch="uncond"), "R").rows) == 6
    with pytest.raises(SettingsError, match="needs permutations"):
        sweep(analyzer, Settings(), "excess")
    with pytest.raises(SettingsError, match="no metric 'beauty' to sweep"):
        sweep(analyzer, Settings(), "beauty")


def test_a_sweep_of_a_branch_that_was_not_recorded_is_said(planted: PlantedSessionFactory) -> None:
    analyzer = Analyzer(open_session(planted(guidance=(1.0,)).start().record().path))
    with pytest.raises(SettingsError, match="no uncond branch"):
        sweep(analyzer, Settings(branch="uncond"), "R")


@pytest.mark.parametrize(
    ("curve", "peak", "dip"),
    [
        ([1, 2, 3, 4], None, None),
        ([0, 5, 1, 2, 1.5, 9], 1, 2),
        ([0, 1, 0.9, 6, 2, 7], 3, 4),
        ([0, np.nan, 1], None, None),
    ],
)
def test_peak_and_dip_are_the_most_prominent_between_the_ends(
    curve: list[float], peak: int | None, dip: int | None
) -> None:
    assert prominent_peak(np.array(curve)) == peak
    assert prominent_peak(-np.array(curve)) == dip


def test_the_tables_are_made_of_the_metrics(planted: PlantedSessionFactory) -> None:
    session = open_session(planted(seeds=6, signal=2.0).start().record().path)
    analyzer = Analyzer(session)
    settings = Settings(permutations=19, subspace_dim=2)
    tables = article_tables(analyzer, settings)
    assert [(row.labels, row.layer) for row in tables.ratio] == [
        (labels, layer) for labels in ("coarse", "fine") for layer in (0, 3, 5)
    ]
    fine = analyzer.result(Settings(labels="fine", permutations=19, subspace_dim=2, errors="auto")).layers[3]
    row = tables.ratio[4]
    assert row.ratio == fine.ratio
    assert row.null == fine.nulls["ratio"]
    assert row.error is not None
    assert row.error.standard_error == fine.errors["ratio"].standard_error
    assert [row.layer for row in tables.branches] == [0, 3, 5]
    nested = analyzer.result(
        Settings(labels="fine", permutations=19, subspace_dim=2, design="fine-within-coarse")
    )
    null, expected = tables.equal_size[2].null, nested.layers[5].null
    assert null is not None
    assert expected is not None
    assert asdict(null) == pytest.approx(asdict(expected), rel=1e-9)
    assert tables.equal_size[2].null is not None
    assert tables.equal_size[2].null.p == 0.05  # the planted classes are the fine ones
    assert [row.step for row in tables.separation] == [5, 19]
    overlaps = analyzer.result(Settings(subspace_dim=2)).curve("overlap_mean")
    assert tables.separation[1].layer == int(np.argmin(overlaps))  # type: ignore[arg-type]
    json.dumps(tables_json(tables), allow_nan=False)


def test_a_table_the_session_cannot_give_says_why(planted: PlantedSessionFactory) -> None:
    analyzer = Analyzer(open_session(planted(guidance=(1.0,)).start().record().path))
    tables = article_tables(analyzer, Settings(permutations=5))
    assert tables.branches == ()
    assert "no uncond branch at guidance 1" in tables.missing["branches"]
    with pytest.raises(SettingsError, match="add --permutations 200"):
        article_tables(analyzer, Settings())


@pytest.mark.parametrize(
    ("side", "session", "words"),
    [
        ("run", "run", ""),
        ("run@branch=uncond,step=5", "run", "branch=uncond,step=5"),
        ("/a@b/run", "/a@b/run", ""),
        ("/a@b/run@branch=uncond", "/a@b/run", "branch=uncond"),
        ("/a@b=c/run", "/a@b=c/run", ""),
        ("/a@b=c/run@labels=fine", "/a@b=c/run", "labels=fine"),
        ("me@host", "me@host", ""),
        ("run@colour=red", "run", "colour=red"),
    ],
)
def test_a_side_is_split_where_its_words_begin(side: str, session: str, words: str) -> None:
    assert split_side(side) == (session, words)
