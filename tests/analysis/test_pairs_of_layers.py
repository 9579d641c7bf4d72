"""Metrics between two layers: from a session to JSON and tables, each against features read directly."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.analysis import Analyzer, Cancelled, Settings, SettingsError
from subspacelens_tui.analysis.compare import compare, with_cka
from subspacelens_tui.analysis.deferred import cka_of_layers, deferred_metrics
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.output import export, gains_plot, layers_plot, result_json, write_plot
from subspacelens_tui.analysis.sweep import sweep
from subspacelens_tui.geometry.cka import cka_null_std, unbiased_cka
from subspacelens_tui.geometry.contraction import fit_contraction
from subspacelens_tui.geometry.label_part import LabelPart
from subspacelens_tui.geometry.updates import BlockGrams, Update
from subspacelens_tui.sessions import Session, open_session
from tests.conftest import PlantedSession

CHEAP = ("update_size", "radial_share", "spectral_share", "expansion_alignment", "expansion_z")
WIDTH, LAYERS, SEEDS = 16, 3, 4


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("pairs") / "s"
    return open_session(
        PlantedSession(path, seeds=SEEDS, layers=LAYERS, width=WIDTH, signal=3.0).start().record().path
    )


def inputs(session: Session, branch: int = 0, step: int = 1) -> np.ndarray:
    """What the first block receives (d, N), in the order of the images."""
    rows: dict[int, np.ndarray] = {}
    for file in (session.path / "features").glob("*.safetensors"):
        tensors = load_file(file)
        rows |= dict(zip(tensors["images"].tolist(), tensors["input"][:, branch, step], strict=True))
    return np.stack([rows[image] for image in session.images()], axis=1).astype(np.float64)


@pytest.mark.parametrize("features", ["raw", "unit"])
def test_updates_are_those_of_centred_features_whatever_the_transform(
    session: Session, features: str
) -> None:
    found = Analyzer(session).result(Settings(features=features))  # type: ignore[arg-type]
    before = [inputs(session), *(session.features(layer) for layer in range(LAYERS - 1))]
    for layer, Z in zip(found.layers, before, strict=True):
        update = Update.of(BlockGrams.of(Z, session.features(layer.layer)))
        expected = [update.size, update.radial_share, update.spectral_share]
        expected += [update.expansion(0.5).value, update.expansion(0.5).z]
        assert [layer.values[key] for key in CHEAP] == pytest.approx(expected, rel=1e-9)
        fit = fit_contraction(update.gains)
        assert (layer.contraction, layer.contraction_r2) == pytest.approx((fit.slope, fit.r2))
        assert layer.contraction_fit.low < layer.contraction < layer.contraction_fit.high
        np.testing.assert_allclose(layer.arrays["gains"], update.gains)
        assert layer.nulls["expansion_alignment"].z == pytest.approx(layer.expansion_z)
        own = {key for key, metric in METRICS.items() if metric.own_null and key in layer.values}
        assert set(layer.nulls) == own


def test_the_first_block_has_no_update_where_its_input_was_not_kept(session: Session, tmp_path: Path) -> None:
    path = PlantedSession(tmp_path / "s", layers=2, width=WIDTH).start().record().path
    for number, file in enumerate((path / "features").glob("*.safetensors")):
        tensors = load_file(file)
        if number:
            del tensors["input"]
        save_file(tensors, file)
    first, second = Analyzer(open_session(path)).result(Settings()).layers
    assert "does not hold what the first block receives" in first.missing["update_size"]
    assert "update_size" not in first.nulls
    assert second.update_size > 0


def test_blocks_that_change_the_width_have_no_update(tmp_path: Path) -> None:
    path = PlantedSession(tmp_path / "s", layers=2, width=WIDTH).start().record().path
    for file in (path / "features").glob("*.safetensors"):
        tensors = load_file(file)
        tensors["input"] = tensors["input"][..., :8].copy()
        save_file(tensors, file)
    first = Analyzer(open_session(path)).result(Settings()).layers[0]
    assert "features of one shape" in first.missing["update_size"]


def test_the_label_part_has_both_of_its_nulls(session: Session) -> None:
    keys = ("label_alignment", "label_claim", "label_rotation_z", "label_excess_alignment")
    settings = Settings(metrics=keys, permutations=30)
    layer = Analyzer(session).result(settings).layers[1]
    part = LabelPart(BlockGrams.of(session.features(0), session.features(1)), 0.5)
    labels = np.asarray(session.labels())
    assert layer.label_part == pytest.approx(part.value(labels))
    assert layer.label_alignment == pytest.approx(part.value(labels) / part.scale(labels))
    null, aligned = layer.nulls["label_part"], layer.nulls["label_alignment"]
    assert (null.z, null.p) == pytest.approx((aligned.z, aligned.p))
    assert layer.label_claim == float(null.p <= 0.05 and layer.label_rotation_z > 1.645)
    without = Analyzer(session).result(replace(settings, permutations=0)).layers[1]
    assert "it needs permutations" in without.missing["label_claim"]
    assert without.label_alignment == pytest.approx(layer.label_alignment)
    closer = Analyzer(session)
    found = closer.result(Settings(permutations=30))
    looked = deferred_metrics(closer, found, 1)
    assert looked.nulls["label_part"] == null
    assert looked.knn_accuracy is not None


def test_neighbours_of_classes_of_one_subject_are_refused(session: Session) -> None:
    asked = Settings(metrics=("knn_accuracy",), permutations=20)
    coarse, fine = (Analyzer(session).result(replace(asked, labels=of)) for of in ("coarse", "fine"))
    assert coarse.layers[2].nulls["knn_accuracy"].permutations == 20
    assert "each class is one subject" in fine.layers[2].missing["knn_accuracy"]


def test_cka_is_of_layers_branches_and_steps_in_json_and_tables(session: Session, tmp_path: Path) -> None:
    settings = Settings(metrics=("cka", "cka_branches", "cka_steps", "gains"), permutations=20)
    result = Analyzer(session).result(settings)
    whole = result_json(session, result)
    json.dumps(whole, allow_nan=False)

    def of(layer: int, branch: str = "cond", step: int = 19) -> np.ndarray:
        Z = session.features(layer, branch, step)  # type: ignore[arg-type]
        return Z.astype(np.float64).T @ Z

    n = result.images
    # As the app asks for it, of a result that has its permutations.
    closer = Analyzer(session)
    looked = cka_of_layers(closer, closer.result(Settings(permutations=20, overlap_permutations=4)))
    np.testing.assert_allclose(looked.matrices["cka"], result.matrices["cka"])
    assert whole["cka"][0][2] == pytest.approx(unbiased_cka(of(0), of(2)), rel=1e-6)
    assert whole["nulls"]["cka"]["std"] == cka_null_std(n)
    assert whole["nulls"]["cka"]["p"][1][1] == 1 / 21
    assert whole["layers"][1]["cka_branches"] == pytest.approx(unbiased_cka(of(1), of(1, "uncond")), rel=1e-6)
    assert whole["cka_steps"][1][0][1] == pytest.approx(unbiased_cka(of(1, step=5), of(1)), rel=1e-6)
    assert whole["gains"][1].keys() == {"eigenvalue", "gain", "standard_error"}
    export(session, tmp_path / "out", replace(settings, permutations=0), ["csv"])
    with (tmp_path / "out" / "cka.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * LAYERS**2  # branches, steps
    assert {"layer", "other_layer", "cka", "null_std", "z", "p"} < rows[0].keys()
    assert {path.name for path in (tmp_path / "out").glob("*.csv")} >= {"gains.csv", "cka_steps.csv"}
    for plot in (layers_plot("cka", result, "cka"), gains_plot("gains", result, 1)):
        image, table = write_plot(plot, tmp_path, ["svg"])
        assert "<svg" in image.read_text(encoding="utf-8")
        assert len(table.read_text(encoding="utf-8").splitlines()) == 1 + len(plot.rows) > 9


def test_two_sessions_are_compared_by_cka_where_they_are_of_the_same_images(
    session: Session, tmp_path: Path
) -> None:
    other = PlantedSession(tmp_path / "b", seeds=SEEDS, layers=LAYERS, width=8).start().record().path
    fewer = PlantedSession(tmp_path / "c", seeds=2, layers=LAYERS, width=WIDTH).start().record().path
    analyzers = [Analyzer(session), Analyzer(open_session(other)), Analyzer(open_session(fewer))]
    first, second, third = (analyzer.result(Settings()) for analyzer in analyzers)
    found = with_cka(compare(first, second), analyzers[0], analyzers[1])
    assert found.cka is not None
    Z, X = session.features(0).astype(np.float64), analyzers[1].session.features(2).astype(np.float64)
    assert found.cka[0, 2] == pytest.approx(unbiased_cka(Z.T @ Z, X.T @ X))
    assert "same images" in with_cka(compare(first, third), analyzers[0], analyzers[2]).missing


def test_they_are_swept_and_have_errors_and_end_when_asked(session: Session) -> None:
    analyzer = Analyzer(session)
    found = analyzer.result(Settings(metrics=("expansion_z", "contraction"), errors="seed+subject"))
    bar = found.layers[1].errors["expansion_z"]
    assert [len(values) for values in bar.left_out] == [SEEDS, 9]
    swept = sweep(analyzer, Settings(), "expansion_z")
    assert swept.values[-1, 1] == pytest.approx(found.layers[1].expansion_z)
    swept = sweep(analyzer, Settings(), "expansion_alignment.z")
    assert swept.values[-1, 1] == pytest.approx(found.layers[1].expansion_z)
    with pytest.raises(SettingsError, match="label_claim needs permutations"):
        sweep(analyzer, Settings(), "label_claim")
    with pytest.raises(SettingsError, match="there is no metric 'cake'"):
        analyzer.result(Settings(metrics=("cake",)))
    calls = iter(range(10**6))
    with pytest.raises(Cancelled):
        Analyzer(session).result(
            Settings(metrics=("label_claim",), permutations=400, overlap_permutations=0),
            lambda: next(calls) > 8,
        )


def test_the_exponent_of_a_power_law_is_found_and_says_where_it_cannot_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    roots = np.arange(1, 65) ** -0.75

    def alter(layer: int, features: np.ndarray, images: list[int]) -> np.ndarray:
        return rng.standard_normal(features.shape) * roots

    path = PlantedSession(tmp_path / "s", seeds=100, layers=1, width=64, capture_steps=(19,), alter=alter)
    settings = Settings(metrics=("alpha_req",), between_layers=False)
    wide = Analyzer(open_session(path.start().record().path)).result(settings).layers[0]
    assert wide.alpha_req == pytest.approx(1.5, abs=0.15)
    narrow = PlantedSession(tmp_path / "n", layers=1, width=16).start().record().path
    assert (
        "no more than half of 16"
        in Analyzer(open_session(narrow)).result(settings).layers[0].missing["alpha_req"]
    )
