"""Every metric is declared once: what is declared comes out everywhere, and the page says the same."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.compare import compare
from subspacelens_tui.analysis.every_image import every_image_result
from subspacelens_tui.analysis.metrics import METRICS, Cost, Need, Shape
from subspacelens_tui.analysis.metrics.registry import Registry, metric
from subspacelens_tui.analysis.output import curve_plot, export, print_result
from subspacelens_tui.analysis.quantities import glossary, names, quantity
from subspacelens_tui.analysis.statistics.base import LayerStatistics
from subspacelens_tui.analysis.sweep import sweep
from subspacelens_tui.analysis.token_results import token_result
from subspacelens_tui.geometry import VIEWS, View
from subspacelens_tui.geometry.from_features import view_of_features
from subspacelens_tui.sessions import Session, open_session
from tests.analysis.token_sessions import IMAGES, plant
from tests.conftest import PlantedSessionFactory
from tools.metrics_page import PAGE, page


@pytest.fixture
def session(planted: PlantedSessionFactory) -> Session:
    return open_session(planted(seeds=3, layers=3, width=12).start().record().path)


def test_the_page_is_what_the_metrics_declare() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tools.metrics_page"


def test_short_names_are_of_one_metric_each() -> None:
    shorts = [metric.short for metric in METRICS.of_shape(Shape.SCALAR, Shape.RECORD)]
    assert len(set(shorts)) == len(shorts)
    assert METRICS["participation_ratio_unbiased"].short == "PR"
    assert set(shorts) <= set(glossary())


def test_a_declaration_is_whole_and_of_a_new_key() -> None:
    registry, known = Registry(), METRICS["R"]
    registry.add(known)
    with pytest.raises(ValueError, match="declared twice"):
        registry.add(known)
    with pytest.raises(ValueError, match="why it has no null"):
        registry.add(replace(known, key="other", no_null=""))
    with pytest.raises(ValueError, match="why it has no null"):
        registry.add(replace(known, key="other", error=None))


@pytest.fixture
def declared() -> Iterator[str]:
    """A metric of the simplest kind: the share of the trace that lies in the two largest eigenvalues."""
    family = METRICS["R"].family
    before = dict(METRICS._metrics)

    @metric(
        family,
        key="two_share",
        label="share of two eigenvalues",
        short="two",
        unit="",
        formula="(λ₁ + λ₂)/Σλ",
        source="",
        about="Made up.",
        needs=(Need.IMAGES, Need.SPECTRUM),
        null="greater",
        error=Cost.FIRST,
    )
    def two_share(statistics: LayerStatistics) -> float:
        found = statistics.eigenvalues()
        return float(found[-2:].sum() / found.sum())

    try:
        yield "two_share"
    finally:
        METRICS._metrics = before


def test_one_declaration_is_in_every_output(
    declared: str, session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(permutations=4, errors="seed", features="class-centred", design="free")
    analyzer = Analyzer(session)
    found = analyzer.result(settings)
    for index, layer in enumerate(found.layers):
        Z = view_of_features(session.features(index), "class-centred", session.labels("coarse"))
        spectrum = np.linalg.eigvalsh(Z.T @ Z)
        assert layer.values[declared] == pytest.approx(spectrum[-2:].sum() / spectrum.sum())
        # By the generic path: other labels leave other class means.
        assert layer.nulls[declared].std > 0
        assert layer.errors[declared].standard_error > 0
        assert layer.to_json()[declared] == layer.values[declared]
    print_result(session, found, as_json=False)
    heading = capsys.readouterr().out.splitlines()[1].split()
    assert "two" in heading
    assert sweep(analyzer, settings, declared).values.shape == (2, 3)
    assert np.isfinite(sweep(analyzer, settings, f"{declared}.z").values).all()
    other = analyzer.result(replace(settings, step=5))
    assert compare(found, found).layers[0]["R"].difference == 0
    assert {declared, f"{declared}.excess"} <= set(names())
    assert quantity(f"{declared}.excess").value(other.layers[0]) == other.layers[0].nulls[declared].excess
    assert declared in curve_plot("curve", [found], f"{declared}.excess").rows[0]
    export(session, tmp_path / "out", replace(settings, design=None), ["csv", "json"])
    with (tmp_path / "out" / "figures.csv").open() as file:
        columns = set(next(csv.DictReader(file)))
    assert {declared, f"{declared}_se", f"{declared}_null_mean", f"{declared}_null_z"} <= columns
    assert declared in json.loads((tmp_path / "out" / "figures.json").read_text())[0]["layers"][0]
    assert glossary()["two"] == "share of two eigenvalues"
    assert "### share of two eigenvalues" in page()


@pytest.mark.parametrize("features", VIEWS)
def test_norms_and_largest_coordinates_are_those_of_the_features(session: Session, features: View) -> None:
    settings = Settings(features=features, thorough=True, subspace_dim=2, errors="subject")
    of_grams, of_scatters = Analyzer(session).result(settings), every_image_result(session, settings)
    for index, (layer, scatter) in enumerate(zip(of_grams.layers, of_scatters.layers, strict=True)):
        Z = session.features(index)
        assert layer.feature_norm == pytest.approx(np.linalg.norm(Z, axis=0).mean())
        squares = (view_of_features(Z, features, session.labels("coarse")) ** 2).sum(axis=1)
        assert layer.largest_coordinate_share == pytest.approx(squares.max() / squares.sum())
        for key in ("feature_norm", "largest_coordinate_share"):
            assert scatter.values[key] == pytest.approx(layer.values[key], rel=1e-6)
        one, other = (of.errors["feature_norm"].standard_error for of in (layer, scatter))
        assert one == pytest.approx(other, rel=1e-6)
        assert one > 0


def test_the_norm_of_tokens_is_that_of_all_of_them(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).standard_normal((IMAGES, 4, 12))
    session = plant(tmp_path / "s", [tokens], kept=4)
    layer = token_result(session, Settings()).result.layers[0]
    assert layer.feature_norm == pytest.approx(np.linalg.norm(tokens, axis=2).mean(), rel=1e-6)


def test_of_features_that_are_all_zero_there_is_no_largest_coordinate(planted: PlantedSessionFactory) -> None:
    written = planted(layers=1, alter=lambda layer, features, images: 0 * features).start().record()
    layer = Analyzer(open_session(written.path)).result(Settings(thorough=True)).layers[0]
    assert layer.feature_norm == 0
    assert "all features are zero" in layer.missing["largest_coordinate_share"]
