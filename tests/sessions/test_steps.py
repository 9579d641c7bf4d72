"""Steps with their timesteps, and older sessions in which steps are not what they are called."""

import json
import os
from pathlib import Path

import pytest

from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.catalog import list_sessions
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.steps import same_timesteps, step_name
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted

PROVEN = (
    "steps are mislabelled: its scheduler ran more than the 20 counted here (the log has step 21), "
    "so 19 is not the last; record it again"
)
INFERRED = (
    "steps are mislabelled: the HeunDiscreteScheduler of its model runs more than the 20 counted here, "
    "so 19 is not the last; record it again"
)


def heartbeats(session: PlantedSession, *steps: int | None) -> None:
    log = EventWriter(session.path)
    for step in steps:
        log.write("heartbeat", step=step, images=[0], device=None)


def of_model(session: PlantedSession, **model: object) -> PlantedSession:
    content = json.loads((session.path / MANIFEST).read_text())
    (session.path / MANIFEST).write_text(json.dumps(content | {"model": content["model"] | model}))
    return session


def scheduler_file(folder: Path, text: str) -> Path:
    (folder / "scheduler").mkdir(parents=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("timestep", "name"),
    [
        (50.0, "19 (t 50)"),
        (0.0, "19 (t 0)"),
        (775.1342, "19 (t 775.1)"),
        (-1.5543, "19 (t -1.554)"),
        (None, "19"),
    ],
)
def test_a_step_is_named_with_its_timestep(timestep: float | None, name: str) -> None:
    assert step_name(19, timestep) == name


def test_timesteps_are_the_same_but_for_rounding() -> None:
    assert same_timesteps([999.0, 0.0, -1.5], [999.0001, 0.0, -1.5])
    assert not same_timesteps([999.0, 500.0], [999.0, 499.0])
    assert not same_timesteps([999.0], [999.0, 0.0])


def test_a_session_knows_its_timesteps(planted: Planted) -> None:
    session = open_session(planted(timesteps=[950.0 - 50 * step for step in range(20)]).start().record().path)
    assert session.timesteps[19] == 0.0
    assert session.manifest.timestep(5) == 700.0
    assert session.manifest.timestep(20) is None
    assert open_session(planted("older").path).timesteps == ()


def test_a_log_with_a_step_beyond_the_counted_ones_proves_it(planted: Planted) -> None:
    writer = planted().start()
    heartbeats(writer, 3, 20, 20)
    session = open_session(writer.path)
    assert session.problems == []  # at 20 of 20 pictures are decoded
    # It grows, and of a run of heartbeats it is not the last that tells.
    heartbeats(writer, 21, 2)
    session.refresh()
    assert session.problems == [PROVEN]
    writer.record()
    reopened = open_session(writer.path)
    assert (reopened.problems, reopened.steps_problem) == ([PROVEN], PROVEN)
    (listing,) = list_sessions(writer.path.parent)
    assert listing.problems == (PROVEN,)


def test_the_log_of_any_rank_proves_it(planted: Planted) -> None:
    writer = planted().start().record()
    EventWriter(writer.path, rank=3).write("heartbeat", step=21, images=[0], device=None)
    assert open_session(writer.path).problems == [PROVEN]


def test_it_stands_before_damaged_files(planted: Planted) -> None:
    writer = planted().start().record()
    heartbeats(writer, 21)
    (writer.path / "features" / "zz.safetensors").write_bytes(b"")
    steps, damaged = open_session(writer.path).problems
    assert steps == PROVEN
    assert "zz.safetensors" in damaged


def test_a_session_with_timesteps_has_the_steps_it_says(planted: Planted, tmp_path: Path) -> None:
    model = scheduler_file(tmp_path / "model", '{"_class_name": "HeunDiscreteScheduler"}')
    writer = of_model(planted(timesteps=[1.0] * 20), id=str(model))
    heartbeats(writer, 25)  # of whatever wrote that
    assert open_session(writer.path).problems == []


def test_the_scheduler_of_a_model_that_is_at_hand_says_it(planted: Planted, tmp_path: Path) -> None:
    model = scheduler_file(tmp_path / "model", '{"_class_name": "HeunDiscreteScheduler"}')
    writer = of_model(planted().start().record(), id=str(model))
    assert open_session(writer.path).problems == [INFERRED]
    heartbeats(writer, 21)
    (both,) = open_session(writer.path).problems
    assert "HeunDiscreteScheduler ran more than the 20 counted here (the log has step 21)" in both


def test_the_scheduler_is_that_of_the_other_parts(planted: Planted, tmp_path: Path) -> None:
    euler = scheduler_file(tmp_path / "euler", '{"_class_name": "EulerDiscreteScheduler"}')
    heun = scheduler_file(tmp_path / "heun", '{"_class_name": "HeunDiscreteScheduler"}')
    one = of_model(planted("one"), id=str(euler), components_from=str(heun))
    other = of_model(planted("other"), id=str(heun), components_from=str(euler))
    assert (open_session(one.path).problems, open_session(other.path).problems) == ([INFERRED], [])


@pytest.mark.parametrize("pinned", [True, False])
def test_the_scheduler_is_found_in_the_cache_of_the_hub(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--some--pixart"
    for commit, name in (("a" * 40, "HeunDiscreteScheduler"), ("b" * 40, "EulerDiscreteScheduler")):
        scheduler_file(repository / "blobs" / commit, json.dumps({"_class_name": name}))
        (repository / "snapshots").mkdir(exist_ok=True)
        (repository / "snapshots" / commit).symlink_to(repository / "blobs" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("b" * 40 if pinned else "a" * 40)
    writer = of_model(planted(), id="some/pixart", commit="a" * 40 if pinned else None)
    assert open_session(writer.path).problems == [INFERRED]


@pytest.mark.parametrize(
    "content",
    ["", "[", "[1]", "{}", '{"_class_name": 3}', '{"_class_name": "\\u001b[2J"}', "[" * 30_000, "x" * 70_000],
)
def test_what_is_no_configuration_says_nothing(planted: Planted, tmp_path: Path, content: str) -> None:
    model = scheduler_file(tmp_path / "model", content)
    assert open_session(of_model(planted(), id=str(model)).path).problems == []


@pytest.mark.parametrize(
    "model",
    ["/", "/dev/zero", "../../..", "x" * 9000, "/" + "x" * 9000, "/a\0b", "a\0b", "a/b/c", "..", "demo", ""],
)
def test_a_session_cannot_have_anything_else_read(planted: Planted, model: str) -> None:
    writer = of_model(planted(), id=model, commit="../../../etc")
    assert open_session(writer.path).problems == []


def test_a_pipe_in_the_place_of_the_configuration_is_not_waited_for(planted: Planted, tmp_path: Path) -> None:
    (tmp_path / "model" / "scheduler").mkdir(parents=True)
    os.mkfifo(tmp_path / "model" / "scheduler" / "scheduler_config.json")
    assert open_session(of_model(planted(), id=str(tmp_path / "model")).path).problems == []
