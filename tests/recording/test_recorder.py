"""The recorder as a user starts it: real processes, the bundled model, a session on disk."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
import psutil
import pytest

from subspacelens_tui import demo
from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.recording.distributed import Rank
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder, _sole_recorder
from subspacelens_tui.recording.spawn import start_recorder
from subspacelens_tui.sessions import Phase, open_session
from subspacelens_tui.sessions.control import ask
from tests.recording.conftest import PATIENCE, Planned, wait_for


@contextmanager
def recording(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A detached recorder, which does not outlive the test."""
    process = start_recorder(folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_detached_recorder_writes_a_whole_session(planned: Planned) -> None:
    folder = planned(guidance=[3.0, 1.0])
    with recording(folder) as process:
        assert os.getsid(process.pid) == process.pid  # a session of its own, so no terminal can take it down
        session = open_session(folder)
        wait_for(session, lambda s: s.state.phase is Phase.FINISHED)
        assert process.wait(PATIENCE) == 0
    session.refresh()  # it is finished once the last image is there, the last line of the log comes after
    assert session.images(3.0) == list(range(25))
    assert session.images(1.0) == list(range(25, 50))
    assert [block.width for block in session.manifest.blocks] == [96] * 12
    assert session.manifest.model.pipeline == "PixArtAlphaPipeline"
    assert session.manifest.versions["torch"] == metadata.version("torch")
    assert len(list((folder / "images").glob("*.webp"))) == 50
    events = [event["event"] for event in session.log]
    assert events[0] == "started"
    assert events[-1] == "finished"
    assert events.count("batch") == 10
    assert session.problems == []
    assert [path.name for path in (folder / "features").iterdir() if path.suffix != ".safetensors"] == []
    # Shared seeds and no text: the unconditional branch cannot know the classes before guidance acts.
    uncond = Analyzer(session).result(Settings(branch="uncond", step=0, guidance=3.0))
    assert max(abs(layer.delta_R or 0) for layer in uncond.layers) < 1e-6
    cond = Analyzer(session).result(Settings(branch="cond", step=0, guidance=3.0))
    assert min(layer.delta_R or 0 for layer in cond.layers) > 1e-2


def test_what_is_recorded_twice_is_the_same_bit_for_bit(planned: Planned) -> None:
    sessions = []
    for name in ("one", "two"):
        folder = planned(name)
        with recording(folder) as process:
            assert process.wait(PATIENCE) == 0
        sessions.append(open_session(folder))
    for layer in (0, 11):
        one, two = (session.features(layer) for session in sessions)
        np.testing.assert_array_equal(one, two)


def test_pause_go_on_and_stop_from_a_viewer(planned: Planned) -> None:
    folder = planned(seeds=40)
    with recording(folder) as process:
        session = open_session(folder)
        wait_for(session, lambda s: s.state.recorded > 0)
        ask(folder, "pause")
        wait_for(session, lambda s: s.state.phase is Phase.PAUSED)
        held = session.state.recorded
        time.sleep(1)
        session.refresh()
        assert session.state.recorded == held
        ask(folder, "run")
        wait_for(session, lambda s: s.state.recorded > held)
        ask(folder, "stop")
        assert process.wait(PATIENCE) == 0
    session.refresh()
    assert session.state.phase is Phase.STOPPED
    assert session.state.detail == "asked to stop"
    assert 0 < session.state.recorded < 1000


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU]
)
def test_a_signal_stops_the_recorder_in_good_order(planned: Planned, number: signal.Signals) -> None:
    folder = planned(seeds=40)
    with recording(folder) as process:
        session = open_session(folder)
        wait_for(session, lambda s: s.state.recorded > 0)
        process.send_signal(signal.SIGHUP)  # a lost connection: ignored
        process.send_signal(number)
        assert process.wait(PATIENCE) == 130
    session.refresh()
    assert (session.state.phase, session.state.detail) == (Phase.STOPPED, f"signal {number.name}")


def test_a_damaged_model_fails_with_its_reason_and_the_session_opens(
    planned: Planned, tmp_path: Path
) -> None:
    model = shutil.copytree(demo.MODEL_PATH, tmp_path / "model")
    folder = planned(model=str(model), prompts="demo")
    # After the plan, which looks at the model as well.
    next(model.glob("transformer/*.safetensors")).write_bytes(b"damaged")
    with recording(folder) as process:
        assert process.wait(PATIENCE) == 1
    state = open_session(folder).state
    assert state.phase is Phase.FAILED
    assert "is damaged" in state.detail
    assert "\n" not in state.detail


def test_a_model_that_is_nowhere_fails_with_what_to_do(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = planned(model="nobody/nothing", prompts="demo")
    with recording(folder) as process:
        assert process.wait(PATIENCE) == 1
    detail = open_session(folder).state.detail
    assert "'nobody/nothing' is neither a folder nor in the hub's cache" in detail


@pytest.mark.usefixtures("cold_start")
def test_the_recorder_says_it_started_before_anything_slow(planned: Planned) -> None:
    folder = planned()
    with recording(folder) as process:
        session = open_session(folder)
        wait_for(session, lambda s: s.state.phase is not Phase.WAITING)
        assert session.state.phase is Phase.LOADING
        assert session.log[0]["pid"] == process.pid == psutil.Process(process.pid).pid


def test_headless_records_here_and_prints_the_session(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "subspacelens_tui",
        "record",
        "--headless",
        "--seeds",
        "1",
        "--steps",
        "2",
    ]
    done = subprocess.run(
        [*command, "--sessions", str(tmp_path), "--name", "here"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'here'}\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("25 images, features 488 KiB, ")
    assert [line.split()[1] for line in lines if line.startswith("recording ")] == [
        f"{n}/25" for n in (5, 10, 15, 20, 25)
    ]
    assert open_session(tmp_path / "here").state.phase is Phase.FINISHED
    again = [*command[:5], "--sessions", str(tmp_path), "--resume", "here"]
    refused = subprocess.run(again, capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 1
    assert "here is finished: `subspacelens-tui replay here` opens it" in refused.stderr


def test_each_rank_has_one_recorder_at_a_time(tmp_path: Path) -> None:
    with contextlib.ExitStack() as held:
        for index in range(3):
            held.enter_context(_sole_recorder(tmp_path, Rank(index, 3)))
        with pytest.raises(RecordingError, match="another recorder of rank 2 is writing"):
            held.enter_context(_sole_recorder(tmp_path, Rank(2, 3)))


def test_a_session_has_one_recorder_at_a_time(planned: Planned) -> None:
    folder = planned(seeds=40)
    with recording(folder):
        session = open_session(folder)
        wait_for(session, lambda s: s.state.phase is not Phase.WAITING)
        with pytest.raises(RecordingError, match="another recorder is writing"):
            Recorder(folder).run()
        stop = [sys.executable, "-m", "subspacelens_tui", "stop", str(folder)]
        assert subprocess.run(stop, capture_output=True, timeout=PATIENCE).returncode == 0
        wait_for(session, lambda s: s.state.phase is Phase.STOPPED)
    done = subprocess.run(stop, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert "is not being recorded: it is stopped" in done.stderr
