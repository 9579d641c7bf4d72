import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.sessions import NotFiniteWarning, Phase, SessionError, open_session
from subspacelens_tui.sessions.format import MANIFEST
from tests.conftest import PlantedSessionFactory


def test_a_growing_session_is_followed(planted: PlantedSessionFactory) -> None:
    writer = planted(seeds=3)
    session = open_session(writer.path)
    assert session.state.phase is Phase.WAITING
    writer.start()
    assert not session.refresh()
    assert session.state.phase is Phase.RECORDING
    writer.record(1)
    assert session.refresh()
    assert not session.refresh()
    assert (session.state.recorded, session.state.planned) == (9, 27)
    assert session.state.rate == pytest.approx(18)
    assert session.state.eta == pytest.approx(1)
    writer.record()
    assert session.refresh()
    assert session.state.phase is Phase.FINISHED
    assert session.images() == list(range(27))


def test_features_are_what_was_written_a_column_an_image(planted: PlantedSessionFactory) -> None:
    writer = planted(batch=4, guidance=(3.0, 1.0)).start().record()
    session = open_session(writer.path)
    Z = session.features(layer=2, branch="uncond", step=5, guidance=3.0)
    assert Z.shape == (32, 36)
    column = 0
    for file in sorted((writer.path / "features").glob("*.safetensors")):
        written = load_file(file)
        if written["blocks.02"].shape[1] == 1:  # guidance 1
            continue
        for row in range(len(written["images"])):
            np.testing.assert_array_equal(Z[:, column], written["blocks.02"][row, 1, 0])
            column += 1
    assert column == 36
    assert len(session.labels("fine", guidance=3.0)) == 36
    assert session.labels("fine", guidance=3.0)[:3] == ["lion", "penguin", "octopus"]


def test_what_the_first_block_receives_is_read_where_a_file_holds_it(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record(1)
    path = next((writer.path / "features").glob("*.safetensors"))
    written = load_file(path)
    (file,) = (session := open_session(writer.path)).files_of()
    found = session.read_input(file, "uncond", 19, [2, 5])
    np.testing.assert_array_equal(found, written["input"][[2, 5], 1, 1])
    for damaged in (written["input"][:, 0], written["input"][1:]):
        save_file(written | {"input": np.ascontiguousarray(damaged)}, path)
        (file,) = (session := open_session(writer.path)).files_of()
        with pytest.raises(SessionError, match="does not hold what the first block receives"):
            session.read_input(file, "cond", 5, [0])


def test_what_the_session_lacks_is_said(planted: PlantedSessionFactory) -> None:
    session = open_session(planted(guidance=(1.0,)).start().record(1).path)
    for call, message in (
        (lambda: session.features(0, "uncond"), "no uncond branch at guidance 1"),
        (lambda: session.features(0, step=7), "step 7 was not captured: planted has 5, 19"),
        (lambda: session.features(9), "no layer 9: planted has 6 layers"),
        (lambda: session.features(0, guidance=2.0), "guidance 2 was not recorded: planted has 1"),
        (lambda: session.labels("weather"), "no label scheme 'weather': planted has coarse, fine"),
    ):
        with pytest.raises(SessionError, match=message):
            call()


def test_damaged_feature_files_are_left_out_and_named(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    files = sorted((writer.path / "features").glob("*.safetensors"))
    files[0].write_bytes(files[0].read_bytes()[:-100])
    tensors = load_file(files[1])
    save_file(tensors | {"blocks.01": tensors["blocks.01"][:, :, :1]}, files[1])
    save_file(load_file(files[2]) | {"images": np.array([0, 1, 99_999])}, files[2])
    session = open_session(writer.path)
    assert session.state.recorded == 9
    assert len(session.problems) == 3
    for problem, file in zip(session.problems, files, strict=False):
        assert str(file) in problem
        assert "\n" not in problem
    assert session.features(0).shape == (32, 9)
    # Its recorder finished it all the same: that alone would be half of the truth.
    assert session.state.words == "finished, 27 of 36 images left out"
    assert session.state.detail == "27 images are not there, or cannot be read"
    assert not session.state.complete


def test_features_that_are_not_finite_come_with_a_warning(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    path = min((writer.path / "features").glob("*.safetensors"))
    tensors = load_file(path)
    tensors["blocks.02"][4, 1, 0, 3] = np.inf
    save_file(tensors, path)
    session = open_session(writer.path)
    assert session.state.words == "finished"  # a listing reads no features
    session.features(2)
    session.features(1, "uncond", 5)
    says = r"planted: the features of 1 of 36 images are not finite at layer 2 \(image 4 is the first\)"
    with pytest.warns(NotFiniteWarning, match=says) as warned:
        Z = session.features(2, "uncond", 5)
    assert warned[0].filename == __file__
    assert np.isinf(Z[3, 4])
    assert session.not_finite == {4}
    assert session.state.words == "finished, 1 of 36 images left out"


def test_a_file_that_is_not_ours_is_never_followed(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record()
    target = sorted((writer.path / "features").glob("*.safetensors"))[-1]
    elsewhere = writer.path.parent / "elsewhere.safetensors"
    shutil.move(target, elsewhere)
    target.symlink_to(elsewhere)
    session = open_session(writer.path)
    assert session.state.recorded == 27
    assert "not a plain file" in session.problems[0]


def test_an_image_that_two_files_hold_counts_once(planted: PlantedSessionFactory) -> None:
    writer = planted().start().record(1)
    first = next((writer.path / "features").glob("*.safetensors"))
    tensors = load_file(first)
    images = tensors["images"].copy()
    images[0] = 9
    save_file(tensors | {"images": images}, writer.path / "features" / "000009-009.safetensors")
    session = open_session(writer.path)
    assert session.images() == list(range(10))
    assert session.features(0).shape == (32, 10)


def test_a_session_whose_model_is_still_loading_has_no_layers(planted: PlantedSessionFactory) -> None:
    writer = planted()
    early = writer.manifest.model_copy(update={"blocks": [], "input_width": None})
    (writer.path / MANIFEST).write_text(early.to_json())
    session = open_session(writer.path)
    assert session.manifest.blocks == []
    (writer.path / MANIFEST).write_text(writer.manifest.to_json())
    writer.start().record(1)
    assert session.refresh()
    assert len(session.manifest.blocks) == 6
