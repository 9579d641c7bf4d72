"""Scatters d × d against Gram matrices N × N, on sessions that both can take."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.analysis import Analyzer, Settings, SettingsError
from subspacelens_tui.analysis.every_image import every_image_result
from subspacelens_tui.analysis.statistics import image_stream as stream
from subspacelens_tui.cli import main
from subspacelens_tui.geometry import VIEWS
from subspacelens_tui.sessions import Session, open_session
from tests.conftest import PlantedSessionFactory

METRICS = (
    *("R", "Rc", "delta_R", "ratio", "effective_rank", "eigenvalue_rank", "participation_ratio"),
    *("stable_rank", "overlap_mean", "explained_mean", "hoyer"),
)


@pytest.fixture(params=[8, 60])
def session(planted: PlantedSessionFactory, request: pytest.FixtureRequest) -> Session:
    """36 images of width 8, where N > d; and of width 60, where LAPACK works in place on large matrices."""
    return open_session(planted(layers=3, width=request.param, batch=7).start().record().path)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("labels", ["coarse", "fine"])
def test_scatters_give_what_gram_matrices_give(session: Session, view: str, labels: str) -> None:
    settings = Settings(
        labels=labels, features=view, branch="uncond", permutations=20, design="subjects", errors="subject"
    )
    by_gram = Analyzer(session).result(settings)
    by_scatter = every_image_result(session, settings)
    assert by_scatter.images == by_gram.images == 36
    assert (by_scatter.classes, by_scatter.class_sizes) == (by_gram.classes, by_gram.class_sizes)
    for one, other in zip(by_scatter.layers, by_gram.layers, strict=True):
        for metric in METRICS:
            assert getattr(one, metric) == pytest.approx(getattr(other, metric), rel=1e-9), metric
        if view in ("raw", "unit", "trace"):
            assert one.participation_ratio_unbiased == pytest.approx(other.participation_ratio_unbiased)
        for rate in ("delta_R", "Rc", "ratio"):
            if labels == "coarse":
                null, expected = one.nulls[rate], other.nulls[rate]
                assert (null.mean, null.std, null.p) == pytest.approx(
                    (expected.mean, expected.std, expected.p)
                )
            assert one.errors[rate].standard_error == pytest.approx(other.errors[rate].standard_error)
    np.testing.assert_allclose(by_scatter.overlap, by_gram.overlap, rtol=1e-8)
    np.testing.assert_allclose(by_scatter.explained, by_gram.explained, rtol=1e-8)
    # Beyond the smaller of N and d all eigenvalues are zero.
    m = min(by_scatter.spectra.shape[1], by_gram.spectra.shape[1])
    np.testing.assert_allclose(by_scatter.spectra[:, :m], by_gram.spectra[:, :m], rtol=1e-8, atol=1e-9)


def test_what_scatters_cannot_give_says_why(session: Session) -> None:
    settings = Settings(
        features="centred", permutations=4, design="within-seed", errors="image", thorough=True
    )
    missing = every_image_result(session, settings).layers[0].missing
    assert "permutes images" in missing["nulls"]
    assert "use --errors subject" in missing["errors"]
    assert "N × N" in missing["split_half_ceiling"]
    assert "N × N" in missing["participation_ratio_unbiased"]


def test_without_room_for_subjects_the_classes_are_added_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(permutations=4, errors="subject")
    whole = every_image_result(session, settings)
    monkeypatch.setattr(stream, "MEMORY", 3 * 8 * session.manifest.blocks[0].width ** 2)
    found = every_image_result(session, settings)
    assert found.curve("delta_R") == pytest.approx(whole.curve("delta_R"))
    assert "too many subjects" in found.layers[0].missing["nulls"]
    assert "too many subjects" in found.layers[0].missing["errors"]
    with pytest.raises(SettingsError, match="no room for 9 scatter matrices"):
        every_image_result(session, Settings(labels="fine"))


def test_images_that_are_not_finite_are_left_out_of_all_layers(session: Session) -> None:
    path = session.files[0].path
    tensors = load_file(path)
    tensors["blocks.02"][3, 0, 1, 2] = np.nan
    save_file(tensors, path)
    fresh = open_session(session.path)
    by_gram, by_scatter = Analyzer(fresh).result(Settings()), every_image_result(fresh, Settings())
    assert by_scatter.images == 35
    assert by_scatter.curve("delta_R") == pytest.approx(by_gram.curve("delta_R"))
    assert [note for note in by_scatter.notes if "left out" in note] == [
        note for note in by_gram.notes if "left out" in note
    ]


def test_an_image_of_zeros_has_no_unit_norm(session: Session) -> None:
    path = session.files[0].path
    tensors = load_file(path)
    tensors["blocks.01"][3] = 0
    save_file(tensors, path)
    fresh = open_session(session.path)
    assert "all-zero" in every_image_result(fresh, Settings()).layers[1].missing["hoyer"]
    with pytest.raises(SettingsError, match="unit view cannot be had"):
        every_image_result(fresh, Settings(features="unit"))


def test_the_command_says_what_it_is_of(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["analyze", str(session.path), "--every-image", "--permutations", "4", "--errors", "subject"]
    assert main(words) == 0
    assert "of all 36 images, exactly, from d × d second moments" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 36


def test_a_session_without_images_has_none(planted: PlantedSessionFactory) -> None:
    empty = open_session(planted().path)
    assert every_image_result(empty, Settings()).layers == ()
