"""The error of an excess: of what, how large, and where it is written."""

from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.compare import compare
from subspacelens_tui.analysis.deferred import deferred_errors
from subspacelens_tui.analysis.output.rows import curve_rows, layer_columns
from subspacelens_tui.analysis.settings import ErrorsBy, fitting_errors
from subspacelens_tui.analysis.uncertainty.jackknife import error_bar
from subspacelens_tui.geometry import permuted_labels, rate_reduction
from subspacelens_tui.sessions import open_session
from tests.conftest import PlantedSession

PERMUTATIONS = 6
BY: tuple[ErrorsBy, ...] = ("seed", "subject")


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    path = tmp_path_factory.mktemp("excess") / "s"
    return Analyzer(open_session(PlantedSession(path, seeds=5, layers=2, width=16).start().record().path))


@pytest.mark.parametrize("by", ["seed", "subject", "seed+subject"])
def test_it_is_the_jackknife_of_value_less_null_mean_with_fixed_permutations(
    analyzer: Analyzer, by: str
) -> None:
    settings = Settings(errors=by, permutations=PERMUTATIONS)  # type: ignore[arg-type]
    result = analyzer.result(settings)
    sample = analyzer.layers_of(result)[1].sample
    prompts, seeds = np.asarray(sample.images.prompts), np.asarray(sample.images.seeds)
    labels, Z = np.asarray(sample.labels), analyzer.layers_of(result)[1].features()
    codes = permuted_labels(labels, "subjects", PERMUTATIONS, 0, groups=prompts)
    variance = 0.0
    for kind in by.split("+"):
        groups = {"seed": seeds, "subject": prompts}[kind]
        values = []
        for name in np.unique(groups):
            kept = groups != name
            own = rate_reduction(Z[:, kept], labels[kept], 0.5).delta_R
            permuted = [rate_reduction(Z[:, kept], row[kept], 0.5).delta_R for row in codes]
            values.append(own - np.mean(permuted))
        # Subjects are drawn within their categories, and these stay; a seed has images of all of them.
        strata = [{"seed": "", "subject": labels[groups == name][0]}[kind] for name in np.unique(groups)]
        for stratum in set(strata):
            of = [value for value, other in zip(values, strata, strict=True) if other == stratum]
            variance += (len(of) - 1) / len(of) * float(np.sum((of - np.mean(of)) ** 2))
    bar, null = result.layers[1].errors["excess"], result.layers[1].null
    assert null is not None
    assert bar.standard_error == pytest.approx(variance**0.5, rel=1e-8)
    assert (bar.low + bar.high) / 2 == pytest.approx(null.excess)


def test_where_it_is_written(analyzer: Analyzer) -> None:
    result = analyzer.result(Settings(errors="seed", permutations=PERMUTATIONS))
    layer = result.layers[0]
    bar = layer.errors["excess"]
    record = layer.to_json()
    assert record["errors"]["excess"] == {
        "standard_error": bar.standard_error,
        "low": bar.low,
        "high": bar.high,
    }
    assert {"R", "Rc", "delta_R", "ratio", "Rc.excess", "ratio.excess"} <= set(record["errors"])
    row = layer_columns(layer)
    assert (row["excess_se"], row["ratio_excess_low"]) == (
        bar.standard_error,
        layer.errors["ratio.excess"].low,
    )
    first = next(iter(curve_rows(result, "excess")))
    assert (first["low"], first["high"]) == (bar.low, bar.high)


def test_a_comparison_has_the_error_of_the_difference_of_two_excesses(analyzer: Analyzer) -> None:
    one = analyzer.result(Settings(errors="seed", permutations=PERMUTATIONS))
    other = analyzer.result(Settings(errors="seed", permutations=PERMUTATIONS, labels="fine"))
    found = compare(one, other)
    assert found.paired
    differences = other.layers[1].errors["excess"].left_out[0] - one.layers[1].errors["excess"].left_out[0]
    m = len(differences)
    expected = np.sqrt((m - 1) / m * np.sum((differences - differences.mean()) ** 2))
    assert found.layers[1]["excess"].standard_error == pytest.approx(expected)


def test_categories_that_differ_are_no_error_of_the_excess_and_stay_one_of_the_rates(
    analyzer: Analyzer,
) -> None:
    bars = {by: analyzer.result(Settings(errors=by, permutations=PERMUTATIONS)).layers[1].errors for by in BY}
    for by, shifted in (("subject", True), ("seed", False)):
        excess, rate = bars[by]["excess"], bars[by]["delta_R"]
        assert (excess.strata[0] is not None) == shifted
        assert error_bar(0.0, rate.left_out).standard_error == rate.standard_error
        pooled = error_bar(0.0, excess.left_out)
        assert (excess.standard_error < pooled.standard_error) == shifted
    fine = analyzer.result(Settings(errors="subject", permutations=PERMUTATIONS, labels="fine")).layers[1]
    assert fine.errors["excess"].strata == [None], "a subject is the only one of its class"


def test_that_of_the_overlap_comes_with_the_closer_look(analyzer: Analyzer) -> None:
    result = analyzer.result(Settings(errors="seed", permutations=PERMUTATIONS, subspace_dim=2))
    assert "overlap_mean.excess" not in result.layers[0].errors
    closer = deferred_errors(analyzer, result, 0)
    bar = closer.errors["overlap_mean.excess"]
    assert 0 < bar.standard_error < np.inf
    assert (bar.low + bar.high) / 2 == pytest.approx(result.layers[0].nulls["overlap_mean"].excess)


def test_without_a_null_or_errors_there_is_none(analyzer: Analyzer, tmp_path: Path) -> None:
    for settings in (Settings(errors="seed"), Settings(permutations=PERMUTATIONS)):
        layer = analyzer.result(settings).layers[0]
        assert not any("excess" in key for key in layer.errors)


@pytest.mark.parametrize(
    ("prompts", "seeds", "by"),
    [
        ([0, 1, 0, 1], [5, 5, 6, 6], "seed+subject"),
        ([0, 0, 1, 1], [1, 2, 3, 4], "subject"),
        ([0, 1, 2, 3], [1, 1, 2, 2], "seed"),
        ([0, 1, 2], [1, 1, 1], "image"),
        ([0, 1, 2], [1, 2, 3], "image"),
    ],
    ids=["both shared", "seeds of their own", "prompts of their own", "one seed", "nothing shared"],
)
def test_by_default_what_the_images_share_is_left_out(prompts: list[int], seeds: list[int], by: str) -> None:
    assert fitting_errors(prompts, seeds) == by


def test_the_default_is_said_with_the_result(analyzer: Analyzer) -> None:
    result = analyzer.result(Settings(errors="auto"))
    assert result.settings.errors == "seed+subject"
    of_both = analyzer.result(Settings(errors="seed+subject"))
    assert result.layers[0].errors["delta_R"] == of_both.layers[0].errors["delta_R"]
