"""The metrics of tokens against the Gram path of the geometry, and against what was planted."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui import geometry
from subspacelens_tui.analysis import Settings, SettingsError
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.layer_evaluation import Measured
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.analysis.output import print_tokens
from subspacelens_tui.analysis.progress import Watch
from subspacelens_tui.analysis.settings import ErrorsBy
from subspacelens_tui.analysis.statistics.token_columns import TokenColumns
from subspacelens_tui.analysis.statistics.token_parts import split
from subspacelens_tui.analysis.statistics.tokens import TokenLayer
from subspacelens_tui.analysis.token_results import TokenResult, token_result
from subspacelens_tui.analysis.uncertainty.jackknife import add_errors
from subspacelens_tui.geometry import VIEWS, View
from subspacelens_tui.sessions import Session, open_session
from tests.analysis.token_sessions import CLASSES, IMAGES, SUBJECTS, codes, plant
from tests.conftest import PlantedSessionFactory

T = 4
# With 72 tokens the first width takes the d × d path, the second the Gram matrix.
NARROW, WIDE = 20, 90
RATES = ("R", "Rc", "delta_R", "ratio")


def tokens_of(width: int, rng: np.random.Generator) -> np.ndarray:
    """Class means, image means, tokens about them, and a mean that all share: (IMAGES, 12, width)."""
    of_class = rng.standard_normal((CLASSES, 1, width))[codes()]
    of_image = rng.standard_normal((IMAGES, 1, width))
    return 0.7 + of_class + of_image + 1.5 * rng.standard_normal((IMAGES, 12, width))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    rng = np.random.default_rng(0)
    return plant(tmp_path / "s", [tokens_of(NARROW, rng)], T)


def analyzed(session: Session, **settings: object) -> TokenResult:
    return token_result(session, Settings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("view", VIEWS)
def test_every_metric_is_that_of_the_gram_matrix_of_all_tokens(
    tmp_path: Path, width: int, view: View
) -> None:
    session = plant(tmp_path / "s", [tokens_of(width, np.random.default_rng(1))], T)
    settings = Settings(features=view, permutations=3, design="free", subspace_dim=3)
    found = token_result(session, settings)
    layer = found.result.layers[0]
    Z = session.tokens(0).reshape(-1, width).T
    labels = np.repeat(codes(), T)
    raw = geometry.gram(Z)
    G = geometry.feature_view(raw, view, labels)
    spectrum = geometry.gram_spectrum(G)
    R = float(geometry.coding_rate_from_spectrum(spectrum, width, len(labels), 0.5))
    Rc = float(
        geometry.class_rate_from_spectra(
            geometry.class_spectra(G, labels), np.bincount(labels).tolist(), width, 0.5
        )
    )
    of_classes = geometry.class_subspaces(G, labels, 3)
    assert (layer.R, layer.Rc) == (pytest.approx(R, rel=1e-10), pytest.approx(Rc, rel=1e-10))
    assert layer.effective_rank == pytest.approx(float(geometry.effective_rank_from_spectrum(spectrum)))
    assert layer.rank_ceiling == min(len(labels), width)
    assert found.result.overlap is not None
    assert found.result.explained is not None
    np.testing.assert_allclose(found.result.overlap[0], of_classes.overlap, atol=1e-8)
    np.testing.assert_allclose(found.result.explained[0], of_classes.variance_explained, atol=1e-8)
    assert layer.hoyer == pytest.approx(geometry.hoyer_sparsity(Z))
    labelings = np.repeat(geometry.permuted_labels(codes(), "free", 3, 0), T, axis=1)
    if view == "class-centred":
        null_R = geometry.null_class_centred_rate(raw, labelings, width, 0.5)
        null_Rc = geometry.null_class_rate(raw, labelings, width, 0.5, class_centred=True)
    else:
        null_R, null_Rc = R, geometry.null_class_rate(G, labelings, width, 0.5)
    assert layer.nulls["Rc"].mean == pytest.approx(float(null_Rc.mean()), rel=1e-10)
    assert layer.nulls["delta_R"].mean == pytest.approx(float((null_R - null_Rc).mean()), rel=1e-8)
    of_overlap = geometry.null_overlap(
        raw if view == "class-centred" else G, labelings, 3, class_centred=view == "class-centred"
    )
    assert layer.nulls["overlap_mean"].mean == pytest.approx(float(of_overlap.mean()), rel=1e-8)


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("by", ["image", "seed", "subject"])
def test_error_bars_leave_out_whole_images_seeds_and_subjects(width: int, view: View, by: ErrorsBy) -> None:
    tokens = tokens_of(width, np.random.default_rng(2))[:, :T].astype(np.float32)
    images = np.arange(IMAGES)
    groups = {"image": images, "seed": images // (CLASSES * SUBJECTS), "subject": images % 6}[by]
    described = Images(
        (images % 6).tolist(), (images // (CLASSES * SUBJECTS)).tolist(), [f"c{code}" for code in codes()], []
    )
    layer = TokenLayer(
        0,
        TokenColumns(tokens.astype(np.float64)),
        codes(),
        described,
        ("c0", "c1", "c2"),
        Settings(features=view, subspace_dim=2),
    )
    found = Measured(layer, {rate: METRICS[rate].value(layer) for rate in RATES})
    add_errors(found, by, False, Watch())
    if view == "trace" and by == "image":
        assert "leave out seeds or subjects" in found.missing["errors"]
        return
    assert set(found.errors) == set(RATES)
    expected = geometry.group_jackknife(
        geometry.gram(tokens.reshape(-1, width).T),
        np.repeat(codes(), T),
        np.repeat(groups, T),
        width,
        0.5,
        view,
    )
    for rate, bar in found.errors.items():
        estimate = getattr(expected, rate)
        np.testing.assert_allclose(bar.left_out[0], estimate.left_out, rtol=1e-9)
        np.testing.assert_allclose(
            [bar.standard_error, bar.low, bar.high],
            [estimate.standard_error, estimate.low, estimate.high],
            rtol=1e-6,
        )


def test_the_parts_are_those_of_all_tokens_on_average(tmp_path: Path) -> None:
    tokens = tokens_of(NARROW, np.random.default_rng(3))
    means = tokens.mean(axis=1)
    within = float(np.sum((tokens - means[:, None]) ** 2)) / IMAGES / 12
    between = float(np.sum(means**2)) / IMAGES
    naive, traces = [], []
    for draw in range(40):
        # Which positions are kept depends on the image alone: so other tokens are put there.
        shuffled = tokens[:, np.random.default_rng(draw).permutation(12)]
        session = plant(tmp_path / str(draw), [shuffled], T)
        parts = analyzed(session).layers[0].parts
        assert parts.between.trace == pytest.approx(between)
        traces.append((parts.within.trace, parts.between_trace_sampled))
        naive.append(np.sum(session.tokens(0).mean(axis=1) ** 2) / IMAGES)
    spread = np.std(traces, axis=0) / np.sqrt(40)
    assert np.all(np.abs(np.mean(traces, axis=0) - [within, between]) < 4 * spread)
    # Without the correction the noise of the sampled means would pass for variation between images.
    assert np.mean(naive) - between > 20 * np.std(naive) / np.sqrt(40)


def test_with_every_token_kept_the_parts_are_exact(tmp_path: Path) -> None:
    tokens = tokens_of(NARROW, np.random.default_rng(4))
    found = analyzed(plant(tmp_path / "all", [tokens], 12), features="centred").layers[0]
    parts = found.parts
    assert parts.between_trace_sampled == pytest.approx(parts.between.trace, rel=1e-5)
    assert (parts.within.share or 0) + (parts.between.share or 0) == pytest.approx(1)
    deviations = (tokens - tokens.mean(axis=1, keepdims=True)).reshape(-1, NARROW).T
    assert parts.within.R == pytest.approx(geometry.coding_rate(deviations, 0.5), rel=1e-5)
    assert parts.within.effective_rank == pytest.approx(geometry.effective_rank(deviations), rel=1e-5)
    Z = tokens.mean(axis=1).T
    Z = Z - Z.mean(axis=1, keepdims=True)
    expected = geometry.rate_reduction(Z, codes(), 0.5)
    assert parts.between.R == pytest.approx(expected.R, rel=1e-5)
    assert parts.between.effective_rank == pytest.approx(geometry.effective_rank(Z), rel=1e-5)
    assert found.image_means.delta_R == pytest.approx(expected.delta_R, rel=1e-5)


def test_planted_dimensions_are_found_in_their_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    tokens = np.zeros((IMAGES, 12, NARROW))
    tokens[:, :, :3] = rng.standard_normal((IMAGES, 1, 3))
    tokens[:, :, 3:10] = rng.standard_normal((IMAGES, 12, 7))
    tokens[:, :, 3:10] -= tokens[:, :, 3:10].mean(axis=1, keepdims=True)
    parts = analyzed(plant(tmp_path / "s", [tokens], T), features="centred").layers[0].parts
    assert 2.5 < (parts.between.effective_rank or 0) < 3.5
    assert 6.5 < (parts.within.effective_rank or 0) <= 7.01


@pytest.mark.parametrize("design", ["free", "within-seed", "fine-within-coarse"])
def test_the_null_keeps_its_level_where_images_differ_and_classes_do_not(tmp_path: Path, design: str) -> None:
    ps = []
    for draw in range(60):
        rng = np.random.default_rng(draw)
        # Tokens of an image are far more alike than those of two: permuted singly, nearly all would reject.
        tokens = 2 * rng.standard_normal((IMAGES, 1, 6)) + 0.5 * rng.standard_normal((IMAGES, T, 6))
        session = plant(tmp_path / str(draw), [tokens], T)
        labels = "fine" if design == "fine-within-coarse" else "coarse"
        found = analyzed(session, permutations=39, overlap_permutations=0, design=design, labels=labels)
        null = found.result.layers[0].null
        assert null is not None
        ps.append(null.p)
    # 60 draws at 5 %: 3 expected, more than 8 has a probability of 0.3 %.
    assert np.sum(np.asarray(ps) <= 0.05) <= 8
    assert 0.35 < np.mean(ps) < 0.65


def test_a_planted_class_is_found(session: Session) -> None:
    found = analyzed(session, permutations=39, design="free", errors="image")
    layer = found.result.layers[0]
    assert layer.null is not None
    assert layer.null.p == pytest.approx(1 / 40)
    excesses = {"Rc.excess", "excess", "ratio.excess"}
    rates = {"R", "Rc", "delta_R", "ratio"}
    assert layer.errors.keys() == {*rates, *excesses, *(metric.key for metric in METRICS.means)}
    assert found.layers[0].image_means.nulls["delta_R"].excess > 0


def test_the_json_has_the_shape_of_analyze(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    found = analyzed(session, permutations=3, errors="seed", iso_rate=30.0)
    print_tokens(session, found, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert (printed["of"], printed["tokens"], printed["images"]) == ("tokens", T, IMAGES)
    layer = printed["layers"][0]
    names = "R Rc delta_R ratio effective_rank overlap_mean hoyer null_mean excess z p errors"
    assert set(names.split()) <= layer.keys()
    assert layer["R"] == pytest.approx(30)
    assert layer["within"].keys() == {"trace", "share", "R", "effective_rank"}
    assert layer["between"].keys() == layer["within"].keys() | {"trace_sampled"}
    assert layer["image_means"].keys() == {"R", "Rc", "delta_R", "ratio", "nulls"}
    assert np.shape(printed["overlap"]) == (1, CLASSES, CLASSES)


def test_the_text_has_a_row_for_every_layer_in_both_tables(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    print_tokens(session, analyzed(session, features="unit"), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{IMAGES * T} tokens, {T} of each image")
    assert sum(line.split()[:1] == ["0"] for line in lines) == 2
    assert lines[-1].startswith("the means of unit-norm tokens are not in the session")


def test_what_cannot_be_had_is_said(session: Session, planted: PlantedSessionFactory, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="planted has no tokens: record with --tokens"):
        analyzed(open_session(planted().start().record().path))
    loading = plant(tmp_path / "loading", [tokens_of(8, np.random.default_rng(0))], 1)
    loading.manifest.blocks.clear()
    with pytest.raises(NoImagesError, match=r"loading: no image was recorded"):
        analyzed(loading)
    with pytest.raises(SettingsError, match="thorough metrics are of token means only"):
        analyzed(session, thorough=True)
    with pytest.raises(SettingsError, match="no label scheme 'weather'"):
        analyzed(session, labels="weather")
    single = analyzed(session, images=1, permutations=3, errors="image")
    assert single.result.layers[0].missing["R"] == "one image has no geometry yet"
    assert "one class only" in analyzed(session, images=2).result.layers[0].missing["Rc"]
    ranks = analyzed(session, subspace_dim=21, permutations=3).result
    assert "a class spans fewer than 21 dimensions" in ranks.layers[0].missing["overlap_mean"]
    assert ranks.overlap is None
    zero = analyzed(plant(tmp_path / "zero", [np.zeros((IMAGES, T, 5))], T), permutations=3, errors="image")
    assert zero.result.layers[0].missing.keys() >= {"ratio", "effective_rank", "hoyer", "overlap_mean"}
    one = analyzed(plant(tmp_path / "one", [tokens_of(8, np.random.default_rng(0))], 1))
    assert one.layers[0].parts.within.trace is None
    assert one.result.layers[0].R is not None


def test_images_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    session = plant(tmp_path / "two", [tokens_of(NARROW, rng), tokens_of(NARROW, rng)], T)
    path = sorted((session.path / "features").glob("*.safetensors"))[0]
    tensors = load_file(path)
    tensors["blocks.00"][1, 0, 0, 3] = np.nan
    tensors["tokens.00"][1, 0, 0, 0, 3] = np.nan
    save_file(tensors, path)
    session.refresh()
    found = analyzed(session)
    assert found.result.images == IMAGES - 1
    assert f"1 of {IMAGES} images is left out" in found.result.notes[0]
    # A token alone, in another layer: its image goes from all layers.
    tensors["tokens.01"][2, 0, 0, 0, 3] = np.inf
    save_file(tensors, path)
    session.refresh()
    found = analyzed(session)
    assert found.result.images == IMAGES - 2
    assert [layer.result.R is not None for layer in found.layers] == [True, True]
    assert found.result.left_out is not None
    assert found.result.left_out.images == (1, 2)
    assert f"2 of {IMAGES} images are left out" in found.result.losses[0]


def test_so_many_tokens_that_an_integer_overflows() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 3, 8))
    few, many = (split(TokenColumns(rows), None, np.full(4, P), 0.5) for P in (10**9, 2**62))
    assert many.within.R == pytest.approx(few.within.R, rel=1e-6)
