"""Features of very different sizes: right to a millionth, or with a note that says how far from right."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.every_image import every_image_result
from subspacelens_tui.analysis.output.export_session import export
from subspacelens_tui.analysis.statistics.by_features import ByFeatures
from subspacelens_tui.cli import main
from subspacelens_tui.geometry import permuted_labels
from subspacelens_tui.sessions import Session, open_session
from tests import reference
from tests.conftest import PlantedSession, PlantedSessionFactory

Alter = Callable[[np.ndarray, list[int]], np.ndarray]
WIDTH, RANK, EPS = 20, 3, 0.5


def dimension(size: float, varies: float = 0.0) -> Alter:
    """One dimension of this size, the same in all images or not."""

    def alter(features: np.ndarray, images: list[int]) -> np.ndarray:
        if size:
            features[..., 5] = size * (1 + varies * features[..., 5])
        return features

    return alter


def stored_as(dtype: torch.dtype, *sizes: float) -> Alter:
    """As models of half precision have them: a few dimensions that are massive in all images."""

    def alter(features: np.ndarray, images: list[int]) -> np.ndarray:
        for place, size in enumerate(sizes):
            features[..., 3 + place] = size * (1 + 0.05 * features[..., 3 + place])
        return torch.from_numpy(features).to(dtype).to(torch.float64).numpy()

    return alter


def one_image(size: float, dimension: int | slice = slice(None)) -> Alter:
    def alter(features: np.ndarray, images: list[int]) -> np.ndarray:
        for place, image in enumerate(images):
            if image == 7:
                features[place][..., dimension] *= size
        return features

    return alter


def offset(size: float) -> Alter:
    signs = np.where(np.random.default_rng(5).random(WIDTH) < 0.5, -1.0, 1.0)
    return lambda features, images: features + size * signs


CASES: dict[str, Alter] = {
    "plain": dimension(0),
    "1e5": dimension(1e5),
    "1e7": dimension(1e7),
    "1e12": dimension(1e12),
    "1e7, varying": dimension(1e7, 0.3),
    "1e12, varying": dimension(1e12, 0.3),
    "bfloat16": stored_as(torch.bfloat16, 3e4, -2e3, 900),
    "float16": stored_as(torch.float16, 6e4, -5e4),
    "one image": one_image(1e7),
    "one entry": one_image(1e9, 5),
    "offset": offset(1e6),
    "large": lambda features, images: 1e7 * features,
    "tiny": lambda features, images: 1e-20 * features,
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """18 images of width 20, each case a layer."""
    return open_session(planted_cases(tmp_path_factory.mktemp("cases") / "s"))


def planted_cases(path: Path) -> Path:
    cases = list(CASES.values())
    return (
        PlantedSession(
            path,
            seeds=2,
            layers=len(cases),
            width=WIDTH,
            capture_steps=[1],
            alter=lambda layer, features, images: cases[layer](features / (1 + layer), images),
        )
        .start()
        .record()
        .path
    )


def codes_of(session: Session) -> np.ndarray:
    return np.unique(session.labels("coarse"), return_inverse=True)[1]


@pytest.mark.parametrize("view", ["raw", "centred", "class-centred", "unit"])
def test_every_metric_is_right_whatever_is_massive(session: Session, view: str) -> None:
    settings = Settings(features=view, subspace_dim=RANK, errors="image", permutations=3, design="free")  # type: ignore[arg-type]
    result = Analyzer(session).result(settings)
    codes = codes_of(session)
    for layer, case in zip(result.layers, CASES, strict=True):
        Z = session.features(layer.layer)
        G = reference.gram(reference.view_of(Z, view, codes))
        R, Rc = reference.rate(G, WIDTH, EPS), reference.class_rate(G, codes, WIDTH, EPS)
        assert not layer.rounding.keys() - {"participation_ratio_unbiased"}, case
        assert layer.R == pytest.approx(float(R), rel=1e-9), case
        assert layer.Rc == pytest.approx(float(Rc), rel=1e-9), case
        assert layer.delta_R == pytest.approx(float(R - Rc), rel=1e-6, abs=1e-10 * float(R)), case
        assert layer.effective_rank == pytest.approx(float(reference.effective_rank(G)), rel=1e-6), case
        assert layer.overlap_mean == pytest.approx(float(reference.overlap(G, codes, RANK)), abs=1e-6), case
        if float(R - Rc) > 1e-6 * float(R):
            without = [rates_without(Z, view, codes, image) for image in range(len(codes))]
            error = float(reference.standard_error(without))
            assert layer.errors["delta_R"].standard_error == pytest.approx(error, rel=1e-5), case


def rates_without(Z: np.ndarray, view: str, codes: np.ndarray, image: int) -> object:
    """ΔR without an image."""
    kept = np.delete(np.arange(len(codes)), image)
    G = reference.gram(reference.view_of(Z[:, kept], view, codes[kept]))
    return reference.rate(G, WIDTH, EPS) - reference.class_rate(G, codes[kept], WIDTH, EPS)


@pytest.mark.parametrize("view", ["raw", "centred", "class-centred"])
def test_permuted_labels_are_right_as_well(session: Session, view: str) -> None:
    settings = Settings(features=view, subspace_dim=RANK, permutations=2, design="free")  # type: ignore[arg-type]
    codes = codes_of(session)
    for layer, case in zip(Analyzer(session).result(settings).layers, CASES, strict=True):
        if case == "tiny":
            continue
        Z = session.features(layer.layer)
        expected = []
        for labels in permuted_labels(codes, "free", 2, 0):
            G = reference.gram(reference.view_of(Z, view, labels))
            expected.append(reference.rate(G, WIDTH, EPS) - reference.class_rate(G, labels, WIDTH, EPS))
        assert layer.null is not None
        assert layer.null.mean == pytest.approx(float(sum(expected) / 2), rel=1e-8), case


def test_a_rate_asked_for_is_reached_beside_what_is_massive(session: Session) -> None:
    result = Analyzer(session).result(Settings(iso_rate=30.0, subspace_dim=RANK))
    codes = codes_of(session)
    for layer, case in zip(result.layers, CASES, strict=True):
        G = reference.gram(reference.view_of(session.features(layer.layer), "raw", codes))
        assert float(reference.rate(G, WIDTH, layer.eps)) == pytest.approx(30.0, rel=1e-9), case


@pytest.mark.parametrize("view", ["raw", "centred"])
def test_every_image_is_right_or_says_how_far_from_right(session: Session, view: str) -> None:
    settings = Settings(features=view, subspace_dim=RANK)  # type: ignore[arg-type]
    result = every_image_result(session, settings)
    codes = codes_of(session)
    for layer, case in zip(result.layers, CASES, strict=True):
        G = reference.gram(reference.view_of(session.features(layer.layer), view, codes))
        R, Rc = float(reference.rate(G, WIDTH, EPS)), float(reference.class_rate(G, codes, WIDTH, EPS))
        if layer.R is None:
            assert "too large for this eps" in layer.missing["R"], case
            assert case in ("one image", "large"), case
            continue
        for metric, value in (("R", R), ("Rc", Rc), ("delta_R", R - Rc)):
            within = max(layer.rounding.get(metric, 0.0), 1e-6 * abs(value), 1e-10 * R)
            assert abs(getattr(layer, metric) - value) <= within, (case, metric)
        rank = float(reference.effective_rank(G))
        within = max(layer.rounding.get("effective_rank", 0.0), 1e-6 * rank)
        assert abs((layer.effective_rank or 0) - rank) <= within, case
        if layer.overlap_mean is not None:
            overlap = float(reference.overlap(G, codes, RANK))
            assert abs(layer.overlap_mean - overlap) <= max(layer.rounding.get("overlap_mean", 0.0), 1e-6), (
                case
            )
    massive = [layer for layer, case in zip(result.layers, CASES, strict=True) if case[0] in "1bf"]
    assert not any(layer.rounding or layer.missing.keys() & {"R", "overlap_mean"} for layer in massive)


def test_ordinary_features_never_wait_for_singular_values(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the Gram matrix was good enough")

    for name in ("spectrum", "class_spectra", "subspaces", "permuted_classes", "jackknife", "part"):
        monkeypatch.setattr(ByFeatures, name, refused)
    session = open_session(planted().start().record().path)
    for view in ("raw", "centred", "class-centred", "unit", "trace"):
        settings = Settings(features=view, permutations=4, errors="image", thorough=True)  # type: ignore[arg-type]
        assert not any(layer.rounding for layer in Analyzer(session).result(settings).layers)
        quick = Analyzer(session).result(Settings(features=view, quick=True))  # type: ignore[arg-type]
        assert quick.layers[3].R is not None


def test_a_first_look_is_right_too(session: Session) -> None:
    """The quick rates come from Cholesky factors, whose pivots say whether they will do."""
    quick = Analyzer(session).result(Settings(quick=True))
    full = Analyzer(session).result(Settings(subspace_dim=RANK))
    assert quick.curve("R") == pytest.approx(full.curve("R"), rel=1e-8)
    assert quick.curve("Rc") == pytest.approx(full.curve("Rc"), rel=1e-8)


def both_massive(features: np.ndarray, images: list[int]) -> np.ndarray:
    """A massive dimension beside a massive image: what no scaling of rows or columns takes apart."""
    features[..., 5] *= 1e12
    features[..., 9] *= 1e9
    return one_image(1e12)(features, images)


@pytest.fixture
def lost(planted: PlantedSessionFactory) -> Session:
    """Two layers, the second of them beyond float64."""

    def alter(layer: int, features: np.ndarray, images: list[int]) -> np.ndarray:
        return both_massive(features, images) if layer else features

    return open_session(
        planted(seeds=2, layers=2, width=WIDTH, capture_steps=[1], alter=alter).start().record().path
    )


def test_what_is_not_right_says_how_far_from_right(lost: Session) -> None:
    result = Analyzer(lost).result(Settings(subspace_dim=RANK))
    plain, layer = result.layers
    assert not plain.rounding
    codes = codes_of(lost)
    G = reference.gram(reference.view_of(lost.features(1), "raw", codes))
    R, Rc = reference.rate(G, WIDTH, EPS), reference.class_rate(G, codes, WIDTH, EPS)
    assert layer.R is not None
    assert layer.delta_R is not None
    assert abs(layer.R - float(R)) < layer.rounding["R"]
    assert abs(layer.delta_R - float(R - Rc)) < layer.rounding["delta_R"] < 0.1
    (note,) = [line for line in result.notes if "rounding" in line]
    assert f"R by up to {layer.rounding['R']:.2g} nats" in note
    assert "(layer 1): in layer 1 dimension 5 is 1e12 times the median one" in note


def test_the_note_reaches_text_json_comparison_sweep_tables_and_export(
    lost: Session, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(lost.path)
    assert main(["analyze", path]) == 0
    assert "rounding may change R by up to" in capsys.readouterr().out
    assert main(["analyze", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "rounding" not in found["layers"][0]
    assert found["layers"][1]["rounding"]["R"] > 0
    assert any("rounding may change R" in note for note in found["notes"])
    assert main(["compare", path, f"{path}@branch=uncond", "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)
    assert "rounding" not in compared["layers"][0]["delta_R"]
    assert compared["layers"][1]["delta_R"]["rounding"] > 0
    assert any("rounding may change R" in note for note in compared["a"]["notes"])
    assert main(["analyze", path, "--sweep", "delta_R"]) == 0
    assert "rounding may change R" in capsys.readouterr().out
    export(lost, tmp_path / "out", Settings(), ("csv", "json"))
    header, plain, moved = (tmp_path / "out" / "figures.csv").read_text().splitlines()[:3]
    column = header.split(",").index("delta_R_rounding")
    assert plain.split(",")[column] == ""
    assert float(moved.split(",")[column]) > 0
    capsys.readouterr()


def test_beyond_a_scatter_rates_are_refused_and_not_made_up(lost: Session) -> None:
    layer = every_image_result(lost, Settings(subspace_dim=RANK)).layers[1]
    assert layer.R is None or layer.rounding["R"] > 0


def test_metrics_without_an_image_that_is_nearly_all_there_is(session: Session) -> None:
    place = list(CASES).index("one image")
    result = Analyzer(session).result(
        Settings(subspace_dim=RANK, errors="image", thorough=True, features="centred")
    )
    layer = result.layers[place]
    assert layer.errors["effective_rank"].standard_error > 1
    codes = codes_of(session)
    Z = session.features(place)
    kept = np.delete(np.arange(len(codes)), 7)
    G = reference.gram(reference.view_of(Z[:, kept], "centred", codes[kept]))
    without = layer.errors["effective_rank"].left_out[0][7]
    assert without == pytest.approx(float(reference.effective_rank(G)), rel=1e-6)
