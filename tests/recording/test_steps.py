"""The steps of a session are those that its scheduler runs, whoever records it and however often."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subspacelens_tui.cli import main
from subspacelens_tui.recording.distributed import Rank
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import MANIFEST
from tests.recording.conftest import PATIENCE, Planned, prompt_file, with_scheduler

pytestmark = pytest.mark.usefixtures("own_signals")
HEUN = [999.0, 666.0, 666.0, 333.0, 333.0, 0.0, 0.0]


@pytest.fixture
def few(tmp_path: Path) -> dict[str, Any]:
    """Two images of a model whose scheduler runs 7 steps for 4."""
    model = with_scheduler(tmp_path / "heun", "HeunDiscreteScheduler")
    return {"model": str(model), "prompts": prompt_file(tmp_path, "lion", "car"), "steps": 4, "batch_size": 1}


def rewrite(folder: Path, **changes: Any) -> None:
    """Change session.json; None takes a key out."""
    content = json.loads((folder / MANIFEST).read_text()) | changes
    kept = {key: value for key, value in content.items() if value is not None}
    (folder / MANIFEST).write_text(json.dumps(kept))


def make_older(folder: Path) -> None:
    """As a recorder left it that took the steps that ran for those that were asked for."""
    content = json.loads((folder / MANIFEST).read_text())
    new = dict.fromkeys(("timesteps", "inference_steps", "scheduler", "default_capture"))
    rewrite(folder, steps=content["inference_steps"], **new)


def heartbeat_steps(session: Session) -> list[int]:
    lines = (session.path / "events.jsonl").read_text().splitlines()
    return [event["step"] or 0 for event in map(json.loads, lines) if event["event"] == "heartbeat"]


def test_all_steps_that_run_are_counted_each_with_its_timestep(
    planned: Planned, few: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subspacelens_tui.sessions.heartbeats.HEARTBEAT_SECONDS", 0.01)
    folder = planned(**few)
    before = open_session(folder).manifest
    assert (before.steps, before.inference_steps, before.capture_steps) == (4, 4, [0, 1, 2, 3])
    assert Recorder(folder).run() == 0
    session = open_session(folder)
    manifest = session.manifest
    assert (manifest.steps, manifest.inference_steps) == (7, 4)
    assert session.timesteps == tuple(HEUN)
    assert manifest.scheduler == "HeunDiscreteScheduler"
    assert manifest.capture_steps == [0, 1, 3, 5, 6]
    assert session.problems == []
    assert session.features(11).shape == (96, 2)  # the last step: 6
    assert 0 < max(heartbeat_steps(session)) <= 7
    (recording,) = [event for event in session.log if event["event"] == "recording"]
    assert (recording["steps"], recording["scheduler"]) == (7, "HeunDiscreteScheduler")


def test_steps_are_captured_beyond_those_that_are_asked_for(planned: Planned, few: dict[str, Any]) -> None:
    whole, some = planned("whole", **few), planned("some", **few, capture=[6, 2])
    assert open_session(some).manifest.capture_steps == [2, 6]
    assert Recorder(whole).run() == Recorder(some).run() == 0
    session = open_session(some)
    assert (session.manifest.capture_steps, session.manifest.steps) == ([2, 6], 7)
    np.testing.assert_array_equal(session.features(5), open_session(whole).features(5, step=6))


def test_a_step_that_does_not_run_is_refused_with_the_number_that_do(
    planned: Planned, few: dict[str, Any]
) -> None:
    folder = planned(**few, capture=[0, 7])
    with pytest.raises(RecordingError) as raised:
        Recorder(folder).run()
    assert str(raised.value) == (
        "step 7 cannot be captured: HeunDiscreteScheduler runs 7 steps for --steps 4, which are 0 to 6"
    )
    session = open_session(folder)
    assert session.state.detail == str(raised.value)
    assert session.manifest.timesteps == []


def test_a_recording_that_is_resumed_has_the_same_steps(planned: Planned, few: dict[str, Any]) -> None:
    whole, part = planned("whole", **few), planned("part", **few)
    assert Recorder(whole).run() == Recorder(part).run() == 0
    before = (part / MANIFEST).read_text()
    (part / "features" / "000001-001.safetensors").unlink()
    assert Recorder(part).run() == 0
    assert (part / MANIFEST).read_text() == before
    for step in open_session(whole).manifest.capture_steps:
        one, other = (open_session(folder).features(11, step=step) for folder in (whole, part))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (
            "EulerDiscreteScheduler",
            {},
            "recorded with HeunDiscreteScheduler, and the model has a EulerDiscrete",
        ),
        (
            "HeunDiscreteScheduler",
            {"timestep_spacing": "trailing"},
            r"recorded in 7 steps from timestep 999, and HeunDiscreteScheduler now runs 7 from 999",
        ),
    ],
)
def test_a_recording_is_not_resumed_with_another_scheduler(
    planned: Planned, few: dict[str, Any], tmp_path: Path, kind: str, changes: dict[str, Any], message: str
) -> None:
    folder = planned(**few)
    assert Recorder(folder).run() == 0
    (folder / "features" / "000001-001.safetensors").unlink()
    other = with_scheduler(tmp_path / "other", kind, **changes)
    (tmp_path / "heun").rename(tmp_path / "kept")
    other.rename(tmp_path / "heun")
    with pytest.raises(RecordingError, match=message):
        Recorder(folder).run()
    assert open_session(folder).images() == [0]


def test_a_session_of_an_older_version_with_other_steps_is_not_resumed(
    planned: Planned, few: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(**few, capture=[0, 3])
    assert Recorder(folder).run() == 0
    (folder / "features" / "000001-001.safetensors").unlink()
    make_older(folder)
    (folder / "events.jsonl").write_text("")
    before = (folder / MANIFEST).read_text()
    assert main(["record", "--headless", "--resume", str(folder)]) == 1
    assert "cannot be resumed: steps are mislabelled: the HeunDiscreteScheduler" in capsys.readouterr().err
    # Where nothing says so beforehand, what is loaded does.
    with pytest.raises(
        RecordingError, match="an older version counted 4 steps, and HeunDiscreteScheduler runs 7"
    ):
        Recorder(folder).run()
    assert (folder / MANIFEST).read_text() == before
    assert open_session(folder).images() == [0]


def test_a_session_of_an_older_version_with_the_same_steps_is_resumed(
    planned: Planned, tmp_path: Path
) -> None:
    prompts = prompt_file(tmp_path, "lion", "penguin", "car")
    whole, older = (planned(name, prompts=prompts, batch_size=2) for name in ("whole", "older"))
    assert Recorder(whole).run() == Recorder(older).run() == 0
    make_older(older)
    (older / "features" / "000002-001.safetensors").unlink()
    assert Recorder(older).run() == 0
    session = open_session(older)
    assert (session.problems, session.timesteps) == ([], ())
    np.testing.assert_array_equal(session.features(11), open_session(whole).features(11))


def test_a_plan_of_an_older_version_gets_its_steps_when_its_model_is_loaded(
    planned: Planned, few: dict[str, Any]
) -> None:
    folder = planned(**few, capture=[0, 3])
    make_older(folder)
    assert Recorder(folder).run() == 0
    manifest = open_session(folder).manifest
    assert (manifest.steps, manifest.capture_steps, manifest.timesteps) == (7, [0, 3], HEUN)


def test_ranks_agree_on_the_steps(planned: Planned, few: dict[str, Any], tmp_path: Path) -> None:
    """One comes when another has found the steps; both are started as torchrun does."""
    alone = planned("alone", **few)
    assert Recorder(alone).run() == 0
    words = [sys.executable, "-m", "subspacelens_tui", "record", "--model", few["model"], "--prompts"]
    words += [few["prompts"], "--seeds", "1", "--steps", "4", "--batch-size", "1", "--name", "ranks"]
    words += ["--sessions", str(alone.parent)]
    for index in (0, 1):
        environment = {**os.environ, "RANK": str(index), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
    ranks = open_session(alone.parent / "ranks")
    assert ranks.manifest.capture_steps == [0, 1, 3, 5, 6]
    np.testing.assert_array_equal(ranks.features(11), open_session(alone).features(11))


def test_a_rank_with_other_timesteps_is_refused(planned: Planned, few: dict[str, Any]) -> None:
    """A version of diffusers may have changed them; the manifest came in between."""
    folder = planned(**few)
    recorder = Recorder(folder, Rank(1, 2))
    other = planned("other", **few)
    assert Recorder(other).run() == 0
    manifest = json.loads((other / MANIFEST).read_text())
    manifest["timesteps"][1] = 700.0
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RecordingError, match="features of both cannot be mixed"):
        recorder.run()


def test_the_log_of_an_older_recorder_says_that_more_steps_ran(
    planned: Planned, few: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine there would be more heartbeats than the one below.
    monkeypatch.setattr("subspacelens_tui.sessions.heartbeats.HEARTBEAT_SECONDS", 3600.0)
    folder = planned(**few, capture=[0, 3])
    assert Recorder(folder).run() == 0
    make_older(folder)
    rewrite(folder, model={**json.loads((folder / MANIFEST).read_text())["model"], "id": "/nowhere"})
    assert open_session(folder).problems == []
    EventWriter(folder).write("heartbeat", step=5, images=[0], device=None)
    (problem,) = open_session(folder).problems
    assert problem == (
        "steps are mislabelled: its scheduler ran more than the 4 counted here (the log has step 5), "
        "so 3 is not the last; record it again"
    )
