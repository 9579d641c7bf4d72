"""Every part of the validation at a small size: what docs/validation.md concludes from it holds."""

from typing import Any

import pytest

from validation import (
    agreement,
    coverage,
    demo_model,
    excess_coverage,
    false_positives,
    least_overlap,
    metric_coverage,
    planted,
)
from validation.false_positives import Scenario
from validation.planted_sessions import Effects


def test_orthogonal_subspaces() -> None:
    for row in planted.orthogonal_subspaces():
        assert row["delta_R"] == pytest.approx(row["closed_form"], rel=1e-6)
        assert row["overlap"] < 1e-12


def test_a_shared_mean_gives_an_overlap_that_centring_removes() -> None:
    for row in planted.shared_mean(layers=4):
        assert row["raw"] == pytest.approx(row["one_over_rank"] + row["random"], abs=0.02)
        assert row["centred"] == pytest.approx(row["random"], abs=0.01)


def test_scale_raises_delta_R_but_not_its_excess() -> None:
    rows = planted.scale_growth(layers=8)
    assert rows[-1]["delta_R"] > 3 * rows[0]["delta_R"]
    assert rows[-1]["ratio"] < rows[0]["ratio"]
    assert max(abs(row["excess"]) for row in rows) < 0.02 * rows[-1]["delta_R"]
    assert sum(row["p"] <= 0.05 for row in rows) <= 2


def test_only_the_right_tests_find_a_hierarchy() -> None:
    nothing, subjects, categories, both = planted.hierarchy(layers=12)
    assert nothing["fine_over_coarse"] > 1.4
    assert max(nothing[test] for test in planted.TESTS) <= 0.34
    assert subjects["free_coarse"] == subjects["within_coarse"] == 1
    assert subjects["subjects"] <= 0.34
    assert categories["subjects"] == 1
    assert categories["within_coarse"] <= 0.34
    assert both["subjects"] >= 0.5
    assert both["within_coarse"] == 1


def test_jarque_bera_rejects_shifts_and_norms_not_anisotropy() -> None:
    rows = {row["data"]: row["mean"] for row in planted.normality(data_sets=2)}
    assert rows["Gaussian, standard deviations k^-0.5"]["pooled"] < 0.05
    assert rows["Gaussian around five category means"]["pooled"] > 0.5
    assert rows["Gaussian around five category means"]["class_centred"] < 0.05
    assert rows["Gaussian with norms that vary by 50 %"]["class_centred"] > 0.9


def test_free_permutations_mistake_subjects_for_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = (false_positives.SUBJECTS, false_positives.FREE)
    monkeypatch.setattr(
        false_positives,
        "SCENARIOS",
        (
            Scenario("independent", Effects(), tests),
            Scenario("subjects", Effects(subject=0.5), tests[:1], tests[1:]),
        ),
    )
    result = false_positives.run(data_sets=12)
    rejected = {(row["data"], row["design"]): row["rejected"] for row in result["rows"]}
    for of in (("independent", "free"), ("independent", "subjects"), ("subjects", "subjects")):
        assert max(rejected[of].values()) <= 5
    assert rejected["subjects", "free"]["delta_R"] == 12


def test_only_the_right_jackknife_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "WIDTHS", (48,))
    monkeypatch.setattr(coverage, "TESTS", coverage.TESTS[:3])  # coarse
    data_sets = 50
    covered = {
        (row["data"], row["by"]): row["covered"]["R"] / data_sets
        for row in coverage.run(data_sets)["rows"]
        if row["labels"] == "coarse"
    }
    assert covered["independent images", "image"] > 0.85
    assert covered["seed effect 0.5", "seed"] > 0.85
    assert covered["subject effect 0.5", "subject"] > 0.85
    assert covered["both effects 0.5", "image"] < 0.85
    assert covered["both effects 0.5", "seed + subject"] > 0.85


def test_only_the_right_jackknife_covers_the_other_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    # Both effects vary; without single images it takes long and was too narrow.
    monkeypatch.setattr(metric_coverage, "SCENARIOS", coverage.SCENARIOS[3:])
    monkeypatch.setattr(metric_coverage, "TESTS", ("seed+subject",))
    monkeypatch.setattr(coverage, "SCENARIOS", coverage.SCENARIOS[3:])
    (row,) = metric_coverage.run(data_sets=50)["rows"]
    assert min(row["covered"].values()) >= 42


def test_the_layer_of_least_overlap_moves_only_where_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_overlap, "SCENARIOS", (least_overlap.SCENARIOS[0], least_overlap.SCENARIOS[-1]))
    nothing, moving = least_overlap.run(data_sets=2)["rows"]
    assert (nothing["moves"], moving["moves"]) == (0, 2)


def test_agreement_with_other_code() -> None:
    result = agreement.run(samples=2000)
    assert max(result["differences"].values()) < 1e-8
    for row in result["normality"]:
        assert 2 <= row["rejected"] <= 45
        assert row["rejected_asymptotic"] > row["rejected"]


def test_the_demo_model(monkeypatch: pytest.MonkeyPatch) -> None:
    # One of the two models: starting a recorder takes longest.
    monkeypatch.setattr(demo_model, "MODELS", {"trained": ()})
    result: dict[str, Any] = demo_model.run(seeds=2, steps=2)
    model = result["models"]["trained"]
    assert model["images"] == 50
    assert model["largest_unconditional_delta_R_over_R"] < 1e-8
    assert "effects" in demo_model.texts(result)


def test_the_error_of_an_excess_is_not_that_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds_vary = coverage.SCENARIOS[1:2]
    for part in (coverage, excess_coverage):
        monkeypatch.setattr(part, "SCENARIOS", seeds_vary)
    monkeypatch.setattr(excess_coverage, "WIDTHS", (48,))
    monkeypatch.setattr(excess_coverage, "TESTS", (("coarse", "seed+subject"),))
    seed, subject, both = excess_coverage.run(data_sets=50)["rows"]
    assert min(row["covered"] for row in (seed, subject, both)) / 50 > 0.85
    assert seed["error_over_spread"] == pytest.approx(1.25, abs=0.3)
    assert seed["error_of_rate_over_spread"] > 2 * seed["error_over_spread"]
    assert subject["error_over_spread"] == pytest.approx(1.5, abs=0.3)
    assert subject["error_without_strata_over_spread"] > 1.4 * subject["error_over_spread"]
    assert seed["error_without_strata_over_spread"] == seed["error_over_spread"]
