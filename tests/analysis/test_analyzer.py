"""The analyzer against direct computation on the session's features, live and finished."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui import geometry
from subspacelens_tui.analysis import Analyzer, Cancelled, Result, Settings, SettingsError
from subspacelens_tui.analysis.analyzer import default_subspace_dim
from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.labels import add_labels
from tests.conftest import PlantedSessionFactory


def analyze(path: Path, settings: Settings | None = None) -> Result:
    return Analyzer(open_session(path)).result(settings or Settings())


@pytest.mark.parametrize("labels", ["coarse", "fine"])
@pytest.mark.parametrize(("branch", "step"), [("cond", 5), ("uncond", 19)])
def test_metrics_agree_with_the_public_functions(
    planted: PlantedSessionFactory, labels: str, branch: str, step: int
) -> None:
    session = open_session(planted(batch=7).start().record().path)
    settings = Settings(labels=labels, branch=branch, step=step, eps=0.3, subspace_dim=2)  # type: ignore[arg-type]
    result = Analyzer(session).result(settings)
    assert len(result.layers) == 6
    for layer in result.layers:
        Z = session.features(layer.layer, branch, step)  # type: ignore[arg-type]
        y = session.labels(labels)
        rates = geometry.rate_reduction(Z, y, 0.3)
        assert layer.R == pytest.approx(rates.R, rel=1e-9)
        assert layer.Rc == pytest.approx(rates.Rc, rel=1e-9)
        assert layer.delta_R == pytest.approx(rates.delta_R, rel=1e-8)
        assert layer.ratio == pytest.approx(rates.ratio, rel=1e-9)
        assert layer.effective_rank == pytest.approx(geometry.effective_rank(Z), rel=1e-7)
        assert layer.hoyer == pytest.approx(geometry.hoyer_sparsity(Z), rel=1e-9)
        order = [sorted(set(y)).index(name) for name in result.classes]
        overlap = geometry.subspace_overlap(Z, y, 2)[np.ix_(order, order)]
        assert result.overlap is not None
        np.testing.assert_allclose(result.overlap[layer.layer], overlap, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("view", geometry.VIEWS)
def test_every_view_agrees_with_features_transformed_directly(
    planted: PlantedSessionFactory, view: str
) -> None:
    session = open_session(planted().start().record().path)
    Z = session.features(3).astype(np.float64)
    y = np.array(session.labels("coarse"))
    transformed = {
        "raw": lambda: Z,
        "centred": lambda: Z - Z.mean(axis=1, keepdims=True),
        "class-centred": lambda: Z - sum(np.outer(Z[:, y == k].mean(axis=1), y == k) for k in set(y)),
        "unit": lambda: Z / np.linalg.norm(Z, axis=0),
        "trace": lambda: Z / np.sqrt((Z**2).sum(axis=0).mean()),
    }[view]()
    result = Analyzer(session).result(Settings(features=view))  # type: ignore[arg-type]
    assert result.layers[3].delta_R == pytest.approx(
        geometry.rate_reduction(transformed, y, 0.5).delta_R, rel=1e-8
    )


def test_a_session_followed_live_ends_with_the_metrics_of_replay(planted: PlantedSessionFactory) -> None:
    writer = planted(seeds=4, batch=5).start()
    live = Analyzer(open_session(writer.path))
    settings = Settings(permutations=10, eps=0.2)
    seen = []
    while live.session.state.recorded < 36:
        writer.record(1)
        assert live.refresh()
        seen.append(live.result(settings).images)
    assert seen == [5, 10, 15, 20, 25, 30, 35, 36]
    replayed = analyze(writer.path, settings)
    for now, then in zip(live.result(settings).layers, replayed.layers, strict=True):
        assert now.delta_R == pytest.approx(then.delta_R, rel=1e-12)
        assert now.null is not None
        assert then.null is not None
        assert now.null.excess == pytest.approx(then.null.excess, rel=1e-9)


def test_a_session_opened_while_its_model_loads_is_followed_too(planted: PlantedSessionFactory) -> None:
    writer = planted()
    early = writer.manifest.model_copy(update={"blocks": [], "input_width": None})
    (writer.path / MANIFEST).write_text(early.to_json())
    live = Analyzer(open_session(writer.path))
    assert live.result(Settings(permutations=4)).layers == ()
    (writer.path / MANIFEST).write_text(writer.manifest.to_json())
    writer.start().record(2)
    assert live.refresh()
    assert len(live.result(Settings(permutations=4)).layers) == 6


def test_the_first_images_alone_are_what_live_showed_then(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record(2)
    then = analyze(writer.path)
    writer.record()
    again = analyze(writer.path, Settings(images=18))
    assert again.images == then.images == 18
    assert [layer.delta_R for layer in again.layers] == pytest.approx(
        [layer.delta_R for layer in then.layers]
    )


def test_planted_classes_show_in_the_excess_and_permuted_ones_do_not(planted: PlantedSessionFactory) -> None:
    result = analyze(
        planted(seeds=12, signal=3.0).start().record().path,
        Settings(labels="fine", features="centred", permutations=99),
    )
    z = result.curve("z")
    assert z[0] is not None
    assert z[-1] is not None
    assert abs(z[0]) < 4  # layer 0 has no classes in it
    assert z[-1] > 10
    assert result.curve("p")[-1] == pytest.approx(1 / 100)


def test_the_null_fits_the_labels_unless_asked(planted: PlantedSessionFactory) -> None:
    path = planted().start().record().path
    assert analyze(path, Settings(labels="coarse")).settings.design == "subjects"
    assert analyze(path, Settings(labels="fine")).settings.design == "within-seed"
    assert analyze(path, Settings(labels="coarse", design="free")).settings.design == "free"


def test_a_layer_that_cannot_have_a_null_leaves_the_others_theirs(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    for file in (writer.path / "features").glob("*.safetensors"):
        tensors = load_file(file)
        tensors["blocks.01"][:] = 0
        save_file(tensors, file)
    result = analyze(writer.path, Settings(permutations=6, errors="image"))
    reference = analyze(planted("whole").start().record().path, Settings(permutations=6, errors="image"))
    assert result.layers[1].errors.keys() == {"feature_norm"}  # which is 0 for certain
    for index in (0, 2, 5):
        nulls, expected = (
            {key: null for key, null in of.layers[index].nulls.items() if METRICS[key].own_null is None}
            for of in (result, reference)
        )
        assert list(nulls) == list(expected)
        for metric, null in nulls.items():
            # Rates come of spectra here and of Cholesky factors there.
            assert asdict(null) == pytest.approx(asdict(expected[metric]), rel=1e-9)
        assert result.layers[index].errors["ratio"].standard_error == pytest.approx(
            reference.layers[index].errors["ratio"].standard_error
        )


def test_the_null_is_seeded(planted: PlantedSessionFactory) -> None:
    path = planted().start().record().path
    first, again = (analyze(path, Settings(permutations=8)).curve("null_mean") for _ in range(2))
    assert first == again
    assert analyze(path, Settings(permutations=8, seed=1)).curve("null_mean") != first


def test_images_that_are_not_finite_are_left_out_and_counted(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    file = min((writer.path / "features").glob("*.safetensors"))
    tensors = load_file(file)
    tensors["blocks.02"][4, 0, 1, 7] = np.nan
    save_file(tensors, file)
    result = analyze(writer.path)
    assert result.images == 35
    why = "its features are not finite (step 19, cond, first in layer 2, transformer_blocks.2)"
    assert result.losses == (f"1 of 36 images is left out: {why}",)
    assert result.losses[0] in result.notes
    assert result.left_out is not None
    assert result.left_out.images == (4,)
    assert result.absent == ""
    assert analyze(writer.path, Settings(step=5)).images == 36


def test_what_cannot_be_computed_has_a_reason(planted: PlantedSessionFactory) -> None:
    writer = planted(batch=1).start()
    assert analyze(writer.path).layers == ()
    writer.record(1)
    one = analyze(writer.path)
    assert one.layers[0].R is None
    assert "one image" in one.layers[0].missing["R"]
    assert one.layers[0].hoyer is not None
    writer.record(1)
    two = analyze(writer.path)  # lion and penguin: one coarse class
    assert two.layers[0].R is not None
    assert two.layers[0].delta_R is None
    assert two.layers[0].missing["delta_R"] == "there is one class only (animals)"
    assert two.overlap is None
    assert analyze(writer.path, Settings(labels="fine")).layers[0].delta_R is not None


def test_a_rank_that_a_class_cannot_span_leaves_the_overlap_out(planted: PlantedSessionFactory) -> None:
    result = analyze(planted(seeds=4).start().record().path, Settings(labels="fine", subspace_dim=5))
    assert result.overlap is None
    assert "rank" in result.layers[0].missing["overlap_mean"]
    assert result.layers[0].delta_R is not None


def test_equal_features_have_no_geometry_and_no_traceback(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    for file in (writer.path / "features").glob("*.safetensors"):
        tensors = load_file(file)
        save_file({k: v if k == "images" else np.zeros_like(v) for k, v in tensors.items()}, file)
    result = analyze(writer.path, Settings(permutations=5))
    assert {"ratio", "effective_rank", "hoyer", "overlap_mean"} <= result.layers[0].missing.keys()
    with pytest.raises(SettingsError, match="unit view cannot be had"):
        analyze(writer.path, Settings(features="unit"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps": 0.0}, "ε must be a positive number, not 0"),
        ({"eps": float("nan")}, "ε must be a positive number, not nan"),
        ({"features": "whitened"}, "no feature transform 'whitened'"),
        ({"branch": "both"}, "no branch 'both'"),
        ({"subspace_dim": 0}, "the subspace dimension must be at least 1"),
        ({"eps": 1e300}, "ε must be from 1e-100 to 1e\\+100, not 1e\\+300"),
        ({"permutations": 3, "seed": -1}, "seed must be 0 or more"),
        ({"permutations": 1}, "permutations must be 0 for no null, or at least 2"),
        ({"permutations": 10**20}, "at least 2 and at most 100000, not 1000"),
        ({"design": "bootstrap"}, "no permutation design 'bootstrap'"),
        ({"images": 0}, "images must be at least 1"),
        ({"labels": "weather"}, "no label scheme 'weather'"),
        ({"step": 6}, "step 6 was not captured"),
        ({"guidance": 9.0}, "guidance 9 was not recorded"),
    ],
)
def test_mistakes_in_asking_are_said_in_one_line(
    planted: PlantedSessionFactory, settings: dict[str, object], message: str
) -> None:
    path = planted().start().record(1).path
    with pytest.raises(SettingsError, match=message):
        analyze(path, Settings(**settings))  # type: ignore[arg-type]


def test_a_result_no_longer_wanted_is_given_up(planted: PlantedSessionFactory) -> None:
    analyzer = Analyzer(open_session(planted().start().record().path))
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        analyzer.result(Settings(), cancelled=lambda: next(asked))


def test_schemes_that_leave_out_different_prompts_do_not_share_their_spectra(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    session = open_session(planted().start().record().path)
    subjects = [prompt.text for prompt in session.manifest.prompts]
    with (tmp_path / "labels.toml").open("w") as file:
        for scheme, without in (("first", 0), ("second", 5)):
            names = {of: f"{place % 2} of two" for place, of in enumerate(subjects) if place != without}
            print(f"[{scheme}]", *(f'"{of}" = "{name}"' for of, name in names.items()), sep="\n", file=file)
    add_labels(session, tmp_path / "labels.toml")
    analyzer = Analyzer(session)
    first, second = (analyzer.result(Settings(labels=scheme)) for scheme in ("first", "second"))
    assert first.images == second.images
    alone = Analyzer(session).result(Settings(labels="second"))
    for key in ("R", "effective_rank", "update_size"):
        assert second.curve(key) == alone.curve(key) != first.curve(key)


def test_the_rank_fits_the_smallest_class() -> None:
    assert [default_subspace_dim(sizes) for sizes in ([1, 9], [7, 8], [100, 100])] == [1, 3, 10]


@pytest.mark.parametrize("view", geometry.VIEWS)
def test_a_quick_look_has_the_same_rates_and_no_eigenvalues(
    planted: PlantedSessionFactory, view: str
) -> None:
    session = open_session(planted().start().record().path)
    settings = Settings(labels="fine", features=view, eps=0.3)  # type: ignore[arg-type]
    quick = Analyzer(session).result(replace(settings, quick=True))
    full = Analyzer(session).result(settings)
    assert quick.spectra is None
    assert quick.overlap is None
    for look, result in zip(quick.layers, full.layers, strict=True):
        assert look.R == pytest.approx(result.R, rel=1e-10)
        assert look.delta_R == pytest.approx(result.delta_R, rel=1e-8)
        assert look.hoyer == result.hoyer
        assert look.effective_rank is None


def test_features_too_large_for_factors_still_get_their_rates(planted: PlantedSessionFactory) -> None:
    session = open_session(planted().start().record().path)
    settings = Settings(eps=1e-9)
    quick = Analyzer(session).result(replace(settings, quick=True))
    assert quick.curve("R") == pytest.approx(Analyzer(session).result(settings).curve("R"), rel=1e-9)
