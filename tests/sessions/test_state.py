import os
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


def test_all_images_there_means_finished_whatever_the_log_says() -> None:
    assert tracked(event("failed", reason="x")).now(10, 10).phase is Phase.FINISHED


def test_a_recorder_that_died_without_a_word_is_seen() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tracker = tracked(started_here(process.pid), event("recording"))
    assert tracker.now(0, 10).phase is Phase.RECORDING
    process.kill()
    deadline = time.monotonic() + 10
    # Not waited for first: the parent may not have reaped it, and a zombie is dead as well.
    while tracker.now(0, 10).phase is not Phase.FAILED:
        assert time.monotonic() < deadline
    assert f"process {process.pid}" in tracker.now(0, 10).detail
    process.communicate()
    assert tracker.now(0, 10).phase is Phase.FAILED


def test_a_process_number_given_to_another_program_is_not_taken_for_the_recorder() -> None:
    reused = started_here(os.getpid()) | {"process_started": 1000.0}
    assert tracked(reused, event("recording")).now(0, 10).phase is Phase.FAILED


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
    here = started_here(os.getpid())
    tracker = tracked(
        here,
        event("recording"),
        event("batch", images=[0, 1], seconds=1.0),
        here | {"rank": 1},
        event("failed", reason="out of memory") | {"rank": 1},
    )
    found = tracker.now(2, 10)
    assert (found.phase, found.ranks, found.rate) == (Phase.RECORDING, 2, 2.0)
    assert found.eta == 4.0
