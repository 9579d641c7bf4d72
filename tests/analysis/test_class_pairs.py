"""Two classes, or some of them: metrics of their images alone; and pairs in order."""

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings, SettingsError
from subspacelens_tui.analysis.class_pairs import pairs
from subspacelens_tui.analysis.output.class_pairs import pairs_json, print_pairs
from subspacelens_tui.geometry import rate_reduction, subspace_overlap
from subspacelens_tui.sessions import open_session
from tests.conftest import CATEGORIES, PlantedSession

FIRST, SECOND, THIRD = CATEGORIES
SETTINGS = Settings(permutations=6, errors="seed", subspace_dim=2)


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> Analyzer:
    path = tmp_path_factory.mktemp("pairs") / "s"
    return Analyzer(open_session(PlantedSession(path, seeds=5, layers=2, width=16).start().record().path))


def test_a_pair_is_the_metrics_of_its_images_alone(analyzer: Analyzer) -> None:
    session = analyzer.session
    found = analyzer.result(Settings(classes=(THIRD, FIRST), permutations=6, errors="seed", subspace_dim=2))
    labels = np.asarray(session.labels("coarse"))
    kept = np.isin(labels, [FIRST, THIRD])
    Z, y = session.features(1)[:, kept].astype(np.float64), labels[kept]
    assert found.images == kept.sum()
    assert found.classes == (FIRST, THIRD)
    assert found.settings.classes == (THIRD, FIRST)
    layer = found.layers[1]
    assert layer.delta_R == pytest.approx(rate_reduction(Z, y, 0.5).delta_R)
    assert layer.overlap_mean == pytest.approx(subspace_overlap(Z, y, 2)[0, 1])
    assert {layer.nulls["overlap_mean"].permutations, layer.nulls["delta_R"].permutations} == {6}
    assert layer.errors["excess"].standard_error > 0
    assert any("of these classes only" in note for note in found.notes)
    # What is asked for later is of the same images.
    assert [of.images for of in analyzer.layers_of(found)] == [found.images] * 2
    assert analyzer.result(SETTINGS).images == len(labels)


def test_all_pairs_by_their_overlap(analyzer: Analyzer, capsys: pytest.CaptureFixture[str]) -> None:
    found = pairs(analyzer, SETTINGS)
    assert found.layer == 1
    assert {frozenset((pair.first, pair.second)) for pair in found.pairs} == {
        frozenset(two) for two in ((FIRST, SECOND), (FIRST, THIRD), (SECOND, THIRD))
    }
    overlaps = [pair.layer.overlap_mean for pair in found.pairs]
    assert overlaps == sorted(overlaps, reverse=True)
    first = found.pairs[0]
    alone = analyzer.result(
        Settings(permutations=6, errors="seed", subspace_dim=2, classes=(first.first, first.second))
    )
    assert first.layer.overlap_mean == alone.layers[1].overlap_mean
    assert first.layer.null == alone.layers[1].null
    record = pairs_json(found)["pairs"][0]
    assert record["classes"] == [first.first, first.second]
    assert record["overlap_mean"]["error"]["standard_error"] > 0
    assert record["delta_R"]["excess_error"] == alone.layers[1].errors["excess"].to_json()
    print_pairs(found, as_json=False)
    text = capsys.readouterr().out
    assert text.index(first.first) < text.index("of 3 pairs, Benjamini–Hochberg")
    # The matrix says the same of two classes where the dimension is the same.
    matrix = analyzer.result(SETTINGS)
    assert matrix.overlap is not None
    places = [matrix.classes.index(name) for name in (first.first, first.second)]
    assert first.layer.overlap_mean == pytest.approx(matrix.overlap[1][places[0], places[1]])


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ((FIRST, "dragons"), "there is no class 'dragons' in 'coarse': it has"),
        ((FIRST, FIRST), "two different classes are needed"),
        ((FIRST,), "two different classes are needed"),
    ],
)
def test_what_is_no_pair_is_said(analyzer: Analyzer, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        analyzer.result(Settings(classes=classes))


def test_a_layer_that_is_not_there_is_said(analyzer: Analyzer) -> None:
    with pytest.raises(SettingsError, match="there is no layer 2: the session has 0 to 1"):
        pairs(analyzer, SETTINGS, layer=2)
