"""What is said before a recording starts."""

from pathlib import Path

import pytest

from subspacelens_tui.planning import Request, estimate, memory_estimate
from subspacelens_tui.planning.device import Device
from subspacelens_tui.sessions.format import ModelInfo
from subspacelens_tui.sessions.manifest_reader import read_manifest
from subspacelens_tui.sessions.writer import replace_manifest
from tests.conftest import PlantedSession, PlantedSessionFactory


def recorded(planted: PlantedSessionFactory, name: str, **model: object) -> PlantedSession:
    """A finished session of the demo model."""
    session = planted(name)
    info = ModelInfo(id="demo", dtype="float32", device="cpu", device_name="cpu")
    replace_manifest(
        session.path, session.manifest.model_copy(update={"model": info.model_copy(update=model)})
    )
    session.start().record()
    return session


def test_what_a_recording_of_the_demo_takes(tmp_path: Path) -> None:
    found = estimate(Request(seeds=2, tokens=5), tmp_path / "not" / "there" / "yet")
    assert found.images == 50
    assert found.features > found.features_without_tokens
    assert found.disk_free
    assert found.seconds is None
    assert found.warnings == ()
    assert not found.memory.assumed
    text = "\n".join(found.lines)
    for words in ("50 images, features ", "without tokens", "5 images at a time need", "on cpu in float32"):
        assert words in text
    assert "how long it takes is not known" in text
    assert "text encoder 332 KiB (to encode the prompts, then freed)" in text
    assert "not on this machine" not in text


def test_the_time_is_that_of_the_newest_session_that_is_alike(planted: PlantedSessionFactory) -> None:
    one = recorded(planted, "alike")
    recorded(planted, "halved", dtype="bfloat16")
    recorded(planted, "compiled", compiled=True)
    recorded(planted, "offloaded", offload="group")
    planted("unfinished").start().record(batches=1)
    sessions = one.path.parent
    found = estimate(Request(seeds=2), sessions)
    assert found.rate is not None
    assert found.rate.session == "alike"
    # Batches of 9 in 0.5 s.
    assert found.seconds == pytest.approx(50 / 18)
    assert "about 3 s, at the rate of alike" in found.lines
    assert estimate(Request(seeds=2, steps=19), sessions).seconds is None
    assert estimate(Request(seeds=2, guidance=[1]), sessions).seconds is None
    assert estimate(Request(seeds=2, size=(128, 128)), sessions).seconds is None
    (sessions / "alike" / "session.json").write_text("{")
    assert estimate(Request(seeds=2), sessions).seconds is None


def test_features_may_be_more_where_the_scheduler_may_run_more_steps(tmp_path: Path) -> None:
    few = estimate(Request(model="nobody/pixart", prompts="demo", seeds=1, steps=3), tmp_path)
    more = estimate(Request(model="nobody/pixart", prompts="demo", seeds=1, steps=8), tmp_path)
    assert few.features == more.features  # five steps are kept of 3 too, if 5 are run
    assert "features up to " in few.lines[0]
    assert "up to" not in more.lines[0]
    asked = estimate(Request(model="nobody/pixart", prompts="demo", seeds=1, steps=3, capture=[1]), tmp_path)
    assert asked.features * 5 == few.features
    assert "up to" not in asked.lines[0]
    bundled = estimate(Request(seeds=1, steps=3), tmp_path)
    assert "up to" not in bundled.lines[0]


def test_the_time_is_that_of_a_session_for_which_as_many_steps_were_asked(
    planted: PlantedSessionFactory,
) -> None:
    session = recorded(planted, "heun")
    ran = {"inference_steps": 11, "timesteps": [1.0] * 20}
    manifest = read_manifest(session.path).model_copy(update=ran)
    replace_manifest(session.path, manifest)
    assert estimate(Request(steps=11), session.path.parent).rate is not None
    assert estimate(Request(steps=20), session.path.parent).rate is None


def test_what_will_not_fit_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device("cuda:0", "NVIDIA Small", 2**31, 2**31, True)
    monkeypatch.setattr(memory_estimate, "find_device", lambda asked: device)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 2**20}))
    memory = type("Memory", (), {"available": 2**30, "total": 2**30})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    found = estimate(Request(model="nobody/pixart"), tmp_path)
    disk, device_line, host = found.warnings
    assert disk.startswith("the disk will be full")
    assert device_line.startswith("1.7 GiB do not fit on cuda:0, where 0.8 GiB can be planned with: ")
    assert host.startswith("loading needs 10.2 GiB of memory, and 1.0 GiB are free")
    text = "\n".join(found.lines)
    assert "on cuda:0 (NVIDIA Small) in bfloat16; 2.0 GiB are free" in text
    assert "text encoder 8.9 GiB (to encode the prompts, on the CPU, because it does not fit)" in text
    assert "files do not tell all sizes (not on this machine yet, pickled, or" in text


def test_tokens_of_some_blocks_are_no_session_to_steer_by(tmp_path: Path) -> None:
    for layers, said in ((None, False), ([2, 3], True)):
        found = estimate(Request(seeds=1, tokens=4, layers=layers), tmp_path)
        assert ("steering needs the tokens of all blocks" in "\n".join(found.lines)) == said
