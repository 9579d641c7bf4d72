"""The command `steer`, from a recorded session to its table; few steps and images of the bundled model."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from subspacelens_tui import capture, fit_intervention, record, steer
from subspacelens_tui.analysis.steering_results import runs_of, steering_result
from subspacelens_tui.cli import main
from subspacelens_tui.cli.commands.steer import record_sessions
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.planning.steering import SteeringRequest, plan_steering
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.control import ask
from subspacelens_tui.sessions.steering_file import open_steering
from subspacelens_tui.sessions.writer import create_session, image_path
from subspacelens_tui.sparse import Autoencoder
from subspacelens_tui.sparse.layouts import write_autoencoder
from subspacelens_tui.sparse.recipe import Recipe
from subspacelens_tui.steering import CONTROLS, Intervention
from subspacelens_tui.steering.intervention_arrays import to_arrays
from tests.recording.conftest import Loaded, prompt_file

WORDS = ("a lion", "a car, a lion")
# Of transport itself there is none beside it.
KEYS = ["target", "s0", "s1", *(control.key for control in CONTROLS if control.key != "transport")]
RECIPE = Recipe(atoms=192, k=8, steps=1)
STEER = [
    "--from",
    "lion",
    "--to",
    "panda",
    "--layer",
    "8",
    "--strengths",
    "1",
    "--seeds",
    "2",
    "--name",
    "run",
]


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory, loaded: Loaded) -> Path:
    """A folder with a session of three classes, and a run that is fitted to it."""
    folder = tmp_path_factory.mktemp("steered")
    prompts = prompt_file(folder, "lion", "panda", "car")
    request = Request(prompts=prompts, seeds=4, steps=4, tokens=32, capture=[0, 3], batch_size=12)
    create_session(folder / "natural", plan(request))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_take_signals", lambda self: None)
        assert Recorder(folder / "natural").run() == 0
        assert main(["steer", "natural", *STEER, "--sessions", str(folder)]) == 0
    return folder


def test_each_strength_and_control_is_a_session_that_says_what_it_is(sessions: Path) -> None:
    assert runs_of(sessions) == ["run"]
    for key in KEYS:
        session = open_session(sessions / f"run~{key}")
        assert session.state.complete
        assert session.problems == []
        assert {image.seed for image in session.manifest.images} == {
            1000,
            1001,
        }  # not those of the statistics
        of = session.manifest.steering
        assert json.loads((session.path / "session.json").read_text())["format_version"] == 3
        if key in ("target", "s0"):
            assert of is None
            continue
        assert of is not None
        assert (of.source, of.target, of.layers, of.strength) == ("lion", "panda", [8], 1.0)
        assert of.control == (None if key == "s1" else key)
        assert session.files[0].read_more("steering").shape == (2, 1, 4, 3)
        assert session.files[0].read_more("latents").shape == (2, 8, 16, 16)
    # What is not steered has the features of the image that it is.
    before, after = (open_session(sessions / f"run~{key}") for key in ("s0", "s1"))
    np.testing.assert_array_equal(before.features(7, "cond", 0), after.features(7, "cond", 0))
    np.testing.assert_array_equal(before.features(8, "uncond", 0), after.features(8, "uncond", 0))
    assert np.abs(before.features(8, "cond", 0) - after.features(8, "cond", 0)).max() > 0.01


def test_the_result_has_every_session_its_judges_and_a_verdict(sessions: Path) -> None:
    found = steering_result(sessions, "run")
    assert [row.key for row in found.rows] == KEYS
    rows = {row.key: row for row in found.rows}
    assert (found.layer, found.step) == (6, 3)
    assert found.judge.images == 12
    assert found.second is not None
    assert found.classifier is not None
    assert (found.classifier.images, found.classifier.new_images) == (12, 4)
    # Few steps make no pictures that it would name right; what it names is a class of the session, or none.
    assert {name for row in found.rows for name in row.classified} <= {"lion", "panda", "car", ""}
    for key in ("rotation", "noise", "pattern", "class", "mixture"):
        assert rows[key].energy == pytest.approx(rows["s1"].energy, rel=0.25)
    assert rows["s0"].energy is rows["target"].energy is None
    assert rows["class"].toward == "car"
    assert "panda (95 % CI " in found.verdict
    assert "rotation of equal energy" in found.verdict


def test_the_same_line_again_prints_the_same_and_records_nothing(
    sessions: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "run", None)
    assert main(["steer", "natural", *STEER, "--sessions", str(sessions), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in found["sessions"]] == KEYS
    assert found["steering"]["method"] == "transport"
    assert main(["steer", "natural", *STEER, "--sessions", str(sessions)]) == 0
    text = capsys.readouterr().out
    assert "run: lion → panda, transport at layer 8, steps 0-3, fitted to natural" in text
    assert (
        main(["steer", "natural", *STEER[:-1], "run", "--method", "mean", "--sessions", str(sessions)]) == 1
    )
    assert "run~s1 already, of another plan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--to", "lion"], "--from and --to are both 'lion': name two classes"),
        (["--to", "cat"], "there is no image of 'cat' under 'fine': natural has"),
        (["--layer", "12"], "there is no layer 12: natural has 0 to 11"),
        (["--layer", "all", "--strengths", "0.5,1"], "--layer all takes one strength, of all layers"),
        (["--strengths", "nan"], "a strength must be a number from -100 to 100, not nan"),
        (["--steps", "2-9"], "there is no step 9: the session has 0 to 3"),
        (["--method", "magic"], "there is no method 'magic': use "),
        (["--atom", "3"], "--atom, --value and --sae are of --method atom"),
        (["--method", "atom", "--atom", "3", "--layer", "auto"], "atoms are of one layer's autoencoder"),
        (["--method", "atom", "--value", "inf"], "an atom can be set to a finite number, not to inf"),
        (["--method", "atom"], "no autoencoder of layer 8 was trained on natural: `subspacelens-tui sparse"),
        (["--method", "atom", "--sae", "/nowhere"], "there is no /nowhere: --sae is the folder of an"),
        (["--seeds", "1"], "--seeds 1: a single image tells nothing of other seeds"),
        (["--labels", "colour"], "there is no label scheme 'colour'"),
        (["--name", "../run"], "is no name for a session"),
    ],
)
def test_what_cannot_be_steered_is_one_line(
    typed: list[str], words: str, sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["steer", "natural", *STEER, "--sessions", str(sessions), *typed]) == 1
    err = capsys.readouterr().err
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_session_that_lacks_something_is_refused_with_what_records_it(
    sessions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sessions / "natural", tmp_path / "few")
    for change, words in (
        (
            {"tokens": None},
            "few has no tokens, and steering is fitted to them: `subspacelens-tui record --model",
        ),
        ({"origin": "loop"}, "few has no model that can be run again"),
        ({"guidance_branches": [["cond"]]}, "few has no unconditional pass"),
    ):
        content = json.loads((sessions / "natural" / "session.json").read_text())
        (tmp_path / "few" / "session.json").write_text(json.dumps(content | change))
        assert main(["steer", "few", *STEER, "--sessions", str(tmp_path)]) == 1
        assert words in capsys.readouterr().err
    assert main(["steer", "run~s1", *STEER, "--sessions", str(sessions)]) == 1
    assert "run~s1 has steered images, and natural ones are needed" in capsys.readouterr().err


def test_at_each_layer_in_turn_is_what_it_is_at_that_layer_alone(sessions: Path) -> None:
    request = SteeringRequest("lion", "panda", layers="all", seeds=2, name="layers")
    planned = {one.name: one for one in plan_steering(open_session(sessions / "natural"), request).sessions}
    of_layers = [f"layers~L{layer}{of}" for layer in range(12) for of in ("", "-rotation")]
    assert list(planned) == ["layers~target", "layers~s0", *of_layers]
    alone = planned["layers~L8"]
    assert alone.manifest.steering is not None
    assert (alone.manifest.steering.layers, alone.manifest.steering.control) == ([8], None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_take_signals", lambda self: None)
        assert record_sessions(sessions, [alone]) is None
    before, after = (open_session(sessions / name) for name in ("run~s1", "layers~L8"))
    for branch in ("cond", "uncond"):
        np.testing.assert_array_equal(before.features(11, branch, 3), after.features(11, branch, 3))
    rotated = planned["layers~L8-rotation"].intervention
    assert rotated is not None
    with open_steering(sessions / "run~rotation") as (names, read):
        arrays = to_arrays(rotated.changes)
        assert sorted(names) == sorted(arrays)
        for name in names:
            np.testing.assert_array_equal(read(name), arrays[name])
    shutil.rmtree(sessions / "layers~L8")


def test_atoms_of_an_autoencoder_are_a_run_like_others_with_transport_beside_them(
    sessions: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    E = rng.standard_normal((192, 96))
    write_autoencoder(
        tmp_path, Autoencoder(E, np.zeros(192), np.zeros(96), E / 10, np.zeros(96), 8), RECIPE, None, {}
    )
    request = SteeringRequest(
        "lion", "panda", layers=[8], method="atom", sae=str(tmp_path), strengths=[2], seeds=2
    )
    plan = plan_steering(open_session(sessions / "natural"), request)
    assert plan.name == "natural-lion-panda-atom"
    planned = {one.name.rpartition("~")[2]: one for one in plan.sessions}
    assert list(planned) == ["target", "s0", "s2", *(control.key for control in CONTROLS)]
    steering = planned["s2"].manifest.steering
    assert steering is not None
    [[atom]] = steering.atoms
    assert steering.words == f"lion → panda: atom {atom} at layer 8, strength 2"
    assert any(note.startswith(f"layer 8: atoms set at strength 1: {atom} to ") for note in plan.notes)
    of = {key: one.intervention for key, one in planned.items() if one.intervention is not None}
    # Of the step that the autoencoder is of; transport, which is no control of the atom's size, of all.
    assert list(of["s2"].changes[8]) == list(of["noise"].changes[8]) == [3]
    assert list(of["transport"].changes[8]) == [0, 3]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "_take_signals", lambda self: None)
        assert record_sessions(sessions, [planned[key] for key in ("s0", "s2", "noise", "transport")]) is None
    found = steering_result(sessions, plan.name)
    rows = {row.key: row for row in found.rows}
    assert list(rows) == ["s0", "s2", "noise", "transport"]
    assert rows["noise"].energy is not None
    np.testing.assert_allclose(2 * rows["noise"].energy, rows["s2"].energy, rtol=0.3)
    assert "transport of equal energy" not in found.verdict
    with open_steering(sessions / "run~s1") as (names, read):
        arrays = to_arrays(of["transport"].changes)
        assert {name: read(name).tolist() for name in names} == {n: a.tolist() for n, a in arrays.items()}
    for key in ("s0", "s2", "noise", "transport"):
        shutil.rmtree(sessions / f"{plan.name}~{key}")


def test_a_run_that_is_stopped_between_two_sessions_begins_no_other(
    sessions: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command goes on, and records what is missing."""
    monkeypatch.setattr(Recorder, "_take_signals", lambda self: None)
    words = ["steer", "natural", *STEER[:-1], "halves", "--method", "mean", "--sessions", str(sessions)]
    asked = Recorder.run

    def run_and_ask(self: Recorder) -> int:
        status = asked(self)
        assert main(["stop", "halves", "--sessions", str(sessions)]) == 1  # nothing is being recorded now
        for path in sessions.glob("halves~*"):
            ask(path, "stop")
        return status

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "run", run_and_ask)
        assert main(words) == 0
    assert [path.name for path in sessions.glob("halves~*")] == ["halves~target"]
    assert "stopped: the same command records what is missing" in capsys.readouterr().err
    folders = {*sessions.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "run", lambda self: 130)
        assert main(words) == 130
    assert {*sessions.iterdir()} - folders == {sessions / "halves~s0"}, "what is complete is not asked again"
    for path in sessions.glob("halves~*"):
        shutil.rmtree(path)


@pytest.fixture(scope="module")
def fitted(sessions: Path) -> Intervention:
    return fit_intervention(open_session(sessions / "natural"), "lion", "panda", layers=[8])


@pytest.mark.parametrize("layers", ["auto", 8])
def test_layers_that_are_no_list_are_refused(sessions: Path, layers: Any) -> None:
    with pytest.raises(PlanningError, match=f"layers cannot be {layers!r}: give numbers in a list"):
        fit_intervention(open_session(sessions / "natural"), "lion", "panda", layers=layers)


def test_a_users_own_call_is_steered_as_the_recorder_steers(
    sessions: Path, loaded: Loaded, fitted: Intervention
) -> None:
    before = np.asarray(loaded.generate(["a lion"], [1000], 3.0, steps=4)[0]).astype(int)
    with steer(loaded.pipeline, fitted, guidance=3.0, steps=4, prompts=WORDS):
        steered = np.asarray(loaded.generate(["a lion"], [1000], 3.0, steps=4)[0]).astype(int)
    assert np.abs(steered - before).mean() > 5
    # What is another call than the one that was tried would be steered otherwise, or not at all.
    for guidance, steps, says in ((1.0, 4, "guidance_scale is 1 in"), (3.0, 5, "num_inference_steps is 5")):
        with (
            pytest.raises(RecordingError, match=f"{says}.* the call, and . in `steer`"),
            steer(loaded.pipeline, fitted, guidance=3.0, steps=4, prompts=WORDS),
        ):
            loaded.generate(["a lion"], [1000], guidance, steps=steps)
    recorded = np.asarray(Image.open(image_path(sessions / "run~s1", 0))).astype(int)
    assert np.abs(steered - recorded).mean() < 6  # kept as WebP
    patch = fit_intervention(open_session(sessions / "natural"), "lion", "panda", layers=[8], method="patch")
    with (
        pytest.raises(RecordingError, match="needs another prompt's tokens"),
        steer(loaded.pipeline, patch, guidance=3.0, prompts=WORDS),
    ):
        pass


def test_a_users_own_loop_records_what_is_steered_and_says_so(
    sessions: Path, loaded: Loaded, fitted: Intervention, tmp_path: Path
) -> None:
    how = {"seeds": [1000], "steps": 4, "captured": [0, 3], "guidance": 3.0, "sessions": tmp_path}
    session = record(loaded.pipeline, {"a lion": "lion"}, steer=fitted, name="mine", **how)
    assert session.manifest.steering is not None
    assert session.manifest.steering.words == "lion → panda: transport at layer 8, strength 1"
    assert session.manifest.steering.statistics == "natural"
    of_recorder = open_session(sessions / "run~s1")
    for step in (0, 3):
        one, two = (of.features(11, "cond", step)[:, 0] for of in (session, of_recorder))
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)
    plain = record(loaded.pipeline, {"a lion": "lion"}, steer=fitted.with_strength(0), name="plain", **how)
    assert plain.manifest.steering is None
    # Nested, neither would see what the other does.
    message = (
        r"being recorded already: to record what is steered, give the intervention to `capture\(…, steer="
    )
    with capture(loaded.pipeline, {"a lion": "lion"}, name="two", **how) as recording:
        for batch in recording.batches():
            with pytest.raises(RecordingError, match=message), steer(loaded.pipeline, fitted, guidance=3.0):
                pass
            batch.keep(loaded.generate(batch.prompts, batch.seeds, 3.0, steps=4))


def test_steered_images_are_nowhere_shown_as_the_models_own(
    sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "lion → panda: transport at layer 8, strength 1"
    assert main(["analyze", "run~s1", "--permutations", "0", "--sessions", str(sessions)]) == 0
    assert f"steered, not the model's own images: {words}" in capsys.readouterr().out
    assert main(["list", "--json", "--sessions", str(sessions)]) == 0
    listed = {one["name"]: one["steering"] for one in json.loads(capsys.readouterr().out)}
    assert listed["run~s1"] == words
    assert listed["run~rotation"] == "lion → panda: rotation, a control of transport, at layer 8, strength 1"
    assert listed["run~s0"] is listed["natural"] is None
    assert main(["show", "run~s1", "--sessions", str(sessions)]) == 0
    assert "demo, steered › run~s1" in capsys.readouterr().out
