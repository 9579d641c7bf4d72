"""Several recorders of one session, as launchers start them: two real ranks on the CPU."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.planning.plan import plan
from subspacelens_tui.recording.distributed import Rank
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, Session, open_session
from subspacelens_tui.sessions.control import ask
from subspacelens_tui.sessions.writer import create_session
from tests.recording.conftest import PATIENCE, QUICK, Planned, wait_for

PROGRAM = [sys.executable, "-m", "subspacelens_tui"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "subspacelens_tui"]


def record(folder: Path, *, seeds: int = 1) -> list[str]:
    """What is typed after the program's name to record a session; quick as the fixtures' plans are."""
    options = ["--seeds", str(seeds), "--steps", str(QUICK.steps)]
    return ["record", "--sessions", str(folder.parent), "--name", folder.name, *options]


def environment(index: int, world: int = 2) -> dict[str, str]:
    """What `srun` tells each of its tasks."""
    slurm = {"SLURM_PROCID": str(index), "SLURM_STEP_NUM_TASKS": str(world), "SLURM_LOCALID": str(index)}
    return {**os.environ, "OMP_NUM_THREADS": "1", **slurm}


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a rank; none outlives the test."""
    started = []

    def begin(command: Sequence[str], index: int) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=environment(index), text=True, **pipes)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def one_rank(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Two seeds, recorded by one undisturbed recorder."""
    folder = tmp_path_factory.mktemp("sessions") / "one"
    create_session(folder, plan(replace(QUICK, seeds=2)))
    done = subprocess.run(
        [sys.executable, "-m", "subspacelens_tui.recording", str(folder)],
        env=environment(0),
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    return open_session(folder)


def assert_same_features(found: Session, expected: Session) -> None:
    assert found.images() == expected.images()
    for layer in range(12):
        for branch in ("cond", "uncond"):
            np.testing.assert_array_equal(
                found.features(layer, branch),  # type: ignore[arg-type]
                expected.features(layer, branch),  # type: ignore[arg-type]
            )


def test_two_ranks_of_torchrun_record_what_one_records(tmp_path: Path, one_rank: Session) -> None:
    folder = tmp_path / "two"
    done = subprocess.run(
        [*TORCHRUN, *record(folder, seeds=2)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}\n"
    session = open_session(folder)
    assert session.state.phase is Phase.FINISHED
    assert session.problems == []
    assert_same_features(session, one_rank)
    by_rank = {
        rank: [e["images"] for e in session.log if e["event"] == "batch" and e["rank"] == rank]
        for rank in (0, 1)
    }
    assert by_rank[0]
    assert by_rank[1]
    assert sorted(image for batches in by_rank.values() for batch in batches for image in batch) == list(
        range(50)
    )
    assert [rank.phase for rank in session.state.ranks] == [Phase.FINISHED] * 2
    again = subprocess.run(
        [*PROGRAM, *record(folder, seeds=2)], capture_output=True, text=True, env=environment(0)
    )
    assert again.returncode == 0, again.stderr
    assert "two is finished" in again.stderr


def both_held(folder: Path) -> Session:
    """The session once both ranks have loaded the model and wait, so that neither records it all alone."""
    deadline = time.monotonic() + PATIENCE
    while not (folder / "session.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    session = open_session(folder)
    wait_for(session, lambda s: [rank.rank for rank in s.state.ranks] == [0, 1])
    ask(folder, "pause")
    wait_for(session, lambda s: [rank.phase for rank in s.state.ranks] == [Phase.PAUSED] * 2)
    return session


def test_a_rank_that_is_killed_takes_nothing_with_it(tmp_path: Path, one_rank: Session, start: Start) -> None:
    folder = tmp_path / "killed"
    command = [*PROGRAM, *record(folder, seeds=2)]
    first, second = start(command, 0), start(command, 1)
    session = both_held(folder)
    ask(folder, "run")
    wait_for(session, lambda s: s.state.ranks[1].images != ())
    second.kill()
    ask(folder, "pause")
    wait_for(session, lambda s: s.state.phase is Phase.PAUSED)
    assert [rank.rank for rank in session.state.lost] == [1]
    assert session.state.detail == f"rank 1 failed: the recorder (process {second.pid}) ended without a word"
    listed = subprocess.run(
        [*PROGRAM, "list", "--json", "--sessions", str(tmp_path)], capture_output=True, text=True
    )
    assert [rank["state"] for rank in json.loads(listed.stdout)[0]["ranks"]] == ["paused", "failed"]
    ask(folder, "run")
    _, told = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, told
    session = open_session(folder)
    assert session.state.phase is Phase.FINISHED
    assert_same_features(session, one_rank)


def test_what_two_ranks_leave_one_goes_on_with(tmp_path: Path, one_rank: Session, start: Start) -> None:
    folder = tmp_path / "left"
    command = [*PROGRAM, *record(folder, seeds=2)]
    ranks = [start(command, 0), start(command, 1)]
    session = both_held(folder)
    ask(folder, "run")
    wait_for(session, lambda s: s.state.recorded > 0)
    ask(folder, "pause")
    stop = subprocess.run([*PROGRAM, "stop", str(folder)], capture_output=True, text=True)
    assert stop.returncode == 0, stop.stderr
    assert [rank.wait(PATIENCE) for rank in ranks] == [0, 0]
    session = open_session(folder)
    assert (session.state.phase, session.state.detail) == (Phase.STOPPED, "asked to stop")
    assert 0 < session.state.recorded < 50
    resume = [*PROGRAM, "record", "--headless", "--sessions", str(tmp_path), "--resume", "left"]
    done = subprocess.run(
        resume, capture_output=True, text=True, timeout=PATIENCE, env=environment(0, world=1)
    )
    assert done.returncode == 0, done.stderr
    session = open_session(folder)
    assert len(session.state.ranks) == 1
    assert_same_features(session, one_rank)


def test_a_rank_that_fails_lets_the_others_finish_before_it_ends(tmp_path: Path, start: Start) -> None:
    """As a launcher ends all ranks once one of them ends with a failure."""
    folder = tmp_path / "failed"
    first = start([*PROGRAM, *record(folder)], 0)
    second = start([sys.executable, "-c", BROKEN, *record(folder)], 1)
    session = both_held(folder)
    ask(folder, "run")
    _, told = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    log = "(recorder.1.log has the traceback)"
    assert told == f"subspacelens-tui: rank 1: RuntimeError: CUDA error: bad luck {log}\n"
    assert "Traceback" in (folder / "recorder.1.log").read_text()
    session.refresh()
    assert session.state.phase is Phase.FINISHED
    assert first.wait(PATIENCE) == 0


BROKEN = """
import sys
from subspacelens_tui.cli import main
from subspacelens_tui.recording.generation import Generation

def fail(self, batch):
    raise RuntimeError("CUDA error: bad luck\\nmore of it")

Generation.record = fail
sys.exit(main(sys.argv[1:]))
"""


def test_ranks_must_agree(tmp_path: Path, planned: Planned) -> None:
    def refused(index: int, *options: str) -> tuple[int, str]:
        command = [*PROGRAM, "record", "--sessions", str(tmp_path), "--steps", "3", *options]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(index))
        return done.returncode, done.stderr

    why = "SLURM_STEP_NUM_TASKS=2 is set, and 2 ranks must agree on a session: add --name NAME"
    assert refused(0) == (2, f"subspacelens-tui: {why}, or unset it to record alone\n")
    assert refused(1) == (2, "")
    status, told = refused(0, "--name", "a", "--device", "cuda:1")
    assert (status, told.count("\n")) == (2, 1)
    assert "say --device cuda" in told
    planned("taken", seeds=2)
    status, told = refused(1, "--sessions", str(tmp_path / "sessions"), "--name", "taken", "--seeds", "3")
    assert status == 1
    assert "of another plan: choose another --name" in told


def test_a_launch_of_another_size_is_refused_while_a_recorder_is_at_work(
    planned: Planned, start: Start
) -> None:
    folder = planned(seeds=40)
    start([sys.executable, "-m", "subspacelens_tui.recording", str(folder)], 0)
    wait_for(open_session(folder), lambda s: s.state.phase is not Phase.WAITING)
    with pytest.raises(RecordingError, match="another recorder of rank 0 is writing"):
        Recorder(folder, Rank(0, 2, 0)).run()
    with pytest.raises(RecordingError, match=r"another recorder is writing .*\(rank 0 of 1 on"):
        Recorder(folder, Rank(1, 2, 1)).run()
