import os
import shutil
import socket
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from subspacelens_tui.sessions import Phase, state
from subspacelens_tui.sessions.state import StateTracker


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"event": name, "time": time.time(), "rank": 0, **fields}


def started_here(pid: int) -> dict[str, Any]:
    began = psutil.Process(pid).create_time()
    return event("started", host=socket.gethostname(), pid=pid, process_started=began)


def tracked(*events: dict[str, Any]) -> StateTracker:
    tracker = StateTracker()
    tracker.take(list(events))
    return tracker


@pytest.mark.parametrize(
    ("events", "phase", "detail"),
    [
        ([], Phase.WAITING, "no recorder has started yet"),
        ([event("loading", what="weights")], Phase.LOADING, "weights"),
        ([event("recording")], Phase.RECORDING, ""),
        ([event("recording"), event("paused")], Phase.PAUSED, ""),
        ([event("recording"), event("paused"), event("resumed")], Phase.RECORDING, ""),
        ([event("recording"), event("stopped", reason="asked to stop")], Phase.STOPPED, "asked to stop"),
        ([event("failed", reason="no space left")], Phase.FAILED, "no space left"),
    ],
)
def test_phases_follow_from_events(events: list[dict[str, Any]], phase: Phase, detail: str) -> None:
    first = started_here(os.getpid())
    found = tracked(*([first, *events] if events else [])).now(3, 10)
    assert (found.phase, found.detail) == (phase, detail)


@pytest.mark.parametrize(
    ("counts", "words", "detail"),
    [
        ((10, 10), "finished", ""),
        ((10, 10, 3), "finished, 3 of 10 images left out", "3 images have features that are not finite"),
        ((9, 10), "finished, 1 of 10 images left out", "1 image is not there, or cannot be read"),
        (
            (8, 10, 1),
            "finished, 3 of 10 images left out",
            "1 image has features that are not finite; 2 images are not there, or cannot be read",
        ),
        ((10, 10, 0, 4), "finished, 4 of 10 pictures missing", "4 pictures came out not finite"),
        ((10, 10, 4, 4), "finished, 4 of 10 images left out", "4 images have features that are not finite"),
    ],
)
def test_a_finished_session_says_what_is_missing(counts: tuple[int, ...], words: str, detail: str) -> None:
    found = tracked(event("recording"), event("finished")).now(*counts)
    assert (found.words, found.detail) == (words, detail)


def test_while_it_is_recorded_it_says_so_of_what_is_there() -> None:
    found = tracked(started_here(os.getpid()), event("recording")).now(5, 10, 2)
    assert found.words == "recording, 2 of 5 images left out"
    assert tracked(event("failed", reason="x")).now(5, 10, 2).detail == "x"


def test_images_that_are_recorded_again_are_judged_again() -> None:
    tracker = tracked(
        event("batch", images=[0, 1, 2], seconds=1, not_finite=[0, 1], without_picture=[1]),
        event("started", host="elsewhere", pid=1),
        event("batch", images=[1], seconds=1),
        event("batch", images=[3], seconds=1, not_finite="all", without_picture=[True, "4", 2.5, None]),
    )
    assert (tracker.not_finite, tracker.without_picture) == ({0}, set())


def test_all_images_there_means_finished_whatever_the_log_says() -> None:
    assert tracked(event("failed", reason="x")).now(10, 10).phase is Phase.FINISHED


def test_a_recorder_that_died_without_a_word_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tracker = tracked(started_here(process.pid), event("recording"))
    assert tracker.now(0, 10).phase is Phase.RECORDING
    process.kill()
    deadline = time.monotonic() + 180
    # Not waited for first: the parent may not have reaped it, and a zombie is dead as well.
    while tracker.now(0, 10).phase is not Phase.FAILED:
        assert time.monotonic() < deadline
    assert f"process {process.pid}" in tracker.now(0, 10).detail
    process.communicate()
    assert tracker.now(0, 10).phase is Phase.FAILED


def test_a_process_number_given_to_another_program_is_not_taken_for_the_recorder() -> None:
    reused = started_here(os.getpid()) | {"process_started": 1000.0}
    assert tracked(reused, event("recording")).now(0, 10).phase is Phase.FAILED


def test_a_process_of_another_container_of_this_machine_is_judged_by_its_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a one may have our host's name, and its process number means nothing here."""
    unseen = started_here(os.getpid()) | {"process_started": 1000.0, "process_space": "boot pid:[1]"}
    tracker = tracked(unseen, event("recording"))
    assert tracker.now(0, 10).phase is Phase.RECORDING
    later = time.monotonic() + 60
    monkeypatch.setattr(state.time, "monotonic", lambda: later)
    assert tracker.now(0, 10).phase is Phase.STALE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "60 s"), (119, "119 s"), (121, "2 min"), (7199, "120 min"), (7201, "2 h"), (172_801, "2 d")],
)
def test_how_long_a_recorder_is_silent_is_said_in_few_digits(
    monkeypatch: pytest.MonkeyPatch, seconds: int, words: str
) -> None:
    tracker = tracked(event("started", host="elsewhere", pid=1), event("recording"))
    later = time.monotonic() + seconds
    monkeypatch.setattr(state.time, "monotonic", lambda: later)
    assert tracker.now(0, 10).detail == f"no sign of life for {words}"


def test_a_process_that_the_system_hides_is_judged_by_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hidepid=2 there is no /proc/PID of another user, but signals to it are refused, not lost."""

    def hidden(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    def refused(pid: int, number: int) -> None:
        raise PermissionError

    tracker = tracked(started_here(os.getpid()), event("recording"))
    monkeypatch.setattr(psutil, "Process", hidden)
    monkeypatch.setattr(os, "kill", refused)
    assert tracker.now(0, 10).phase is Phase.RECORDING
    later = time.monotonic() + 60
    monkeypatch.setattr(state.time, "monotonic", lambda: later)
    assert tracker.now(0, 10).phase is Phase.STALE


def test_process_numbers_mean_something_else_in_another_pid_namespace() -> None:
    print_it = "from subspacelens_tui.sessions.processes import process_space; print(process_space())"
    inside = ["unshare", "--pid", "--fork", sys.executable, "-c", print_it]
    if shutil.which("unshare") is None or subprocess.run([*inside[:3], "true"], check=False).returncode:
        pytest.skip("a PID namespace needs root")
    told = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for command in (inside, inside[3:], inside[3:])
    ]
    assert told[0] != told[1] == told[2]


def test_a_silent_recorder_of_another_machine_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracked(event("started", host="elsewhere", pid=1), event("recording"))
    assert tracker.now(0, 10).phase is Phase.RECORDING
    later = time.monotonic() + 60, time.time() + 60
    monkeypatch.setattr(state.time, "monotonic", lambda: later[0])
    monkeypatch.setattr(state.time, "time", lambda: later[1])
    assert tracker.now(0, 10).phase is Phase.STALE
    tracker.take([event("heartbeat", step=3)])
    assert tracker.now(0, 10).phase is Phase.RECORDING
    assert tracker.now(0, 10).step == 3


def test_several_ranks_add_up() -> None:
    here = started_here(os.getpid()) | {"world": 3}
    tracker = tracked(
        here,
        event("recording"),
        event("batch", images=[0, 1], seconds=1.0),
        event("heartbeat", images=[2, 3], step=7, device={"name": "H100", "used": 3, "total": 8}),
        here | {"rank": 1},
        event("recording") | {"rank": 1},
        event("batch", images=[4, 5], seconds=0.5) | {"rank": 1},
        event("heartbeat", images=[6], step=1, device={"name": "H100", "used": 4, "total": 8}) | {"rank": 1},
        here | {"rank": 2},
        event("failed", reason="out of memory") | {"rank": 2},
    )
    found = tracker.now(2, 10)
    assert (found.phase, found.rate, found.eta) == (Phase.RECORDING, 6.0, 8 / 6)
    assert found.detail == "rank 2 failed: out of memory"
    assert found.device == {"name": "2× H100", "used": 7, "total": 16}
    assert found.step is None
    assert [(rank.rank, rank.phase, rank.images) for rank in found.ranks] == [
        (0, Phase.RECORDING, (2, 3)),
        (1, Phase.RECORDING, (6,)),
        (2, Phase.FAILED, ()),
    ]
    assert [rank.rank for rank in found.lost] == [2]


def test_the_ranks_of_an_earlier_launch_are_forgotten() -> None:
    here = started_here(os.getpid())
    tracker = tracked(
        here | {"world": 2, "time": 1000.0},
        event("failed", reason="x"),
        here | {"rank": 1, "world": 2, "time": 1001.0},
        event("failed", reason="y") | {"rank": 1},
    )
    found = tracker.now(2, 10)
    assert (found.phase, found.detail) == (Phase.FAILED, "rank 0 failed: x; rank 1 failed: y")
    tracker.take([here | {"world": 1}, event("recording")])
    found = tracker.now(2, 10)
    assert (found.phase, found.detail, len(found.ranks)) == (Phase.RECORDING, "", 1)


def test_a_clock_that_is_set_does_not_kill_a_recorder_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux the time a process started is the time of boot, by today's clock, and what was counted since."""
    me = psutil.Process()
    began, boot = me.create_time(), psutil.boot_time()
    started = event(
        "started", host=socket.gethostname(), pid=me.pid, process_started=began, since_boot=began - boot
    )
    tracker = tracked(started, event("recording"))
    for jump in (-86400.0, 86400.0):
        monkeypatch.setattr(psutil, "boot_time", lambda jump=jump: boot + jump)
        monkeypatch.setattr(psutil.Process, "create_time", lambda self, jump=jump: began + jump)
        monkeypatch.setattr(state.time, "time", lambda jump=jump: began + jump)
        for tracking in (tracker, tracked(started, event("recording"))):
            assert tracking.now(0, 10).phase is Phase.RECORDING


@pytest.mark.parametrize("written", [-86400.0, 86400.0])
def test_a_recorder_elsewhere_whose_clock_is_wrong_is_judged_by_ours(
    written: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"host": "elsewhere", "pid": 1, "time": time.time() + written}
    tracker = tracked(event("started") | elsewhere, event("recording") | elsewhere)
    # Found so on opening: what is old is no sign of life, what comes from the future may be.
    assert tracker.now(0, 10).phase is (Phase.STALE if written < 0 else Phase.RECORDING)
    tracker.take([event("heartbeat", step=3) | elsewhere])
    assert tracker.now(0, 10).phase is Phase.RECORDING
    later = time.monotonic() + 60
    monkeypatch.setattr(state.time, "monotonic", lambda: later)
    assert tracker.now(0, 10).phase is Phase.STALE
