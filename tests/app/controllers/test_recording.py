"""Asking the recorder, and what is asked before, without a screen."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from subspacelens_tui.app.controllers.recording import RecordingController
from subspacelens_tui.app.dialogs.ask import Ask
from subspacelens_tui.sessions import Phase
from subspacelens_tui.sessions.control import requested
from tests.app.controllers.conftest import NotedState


class Asked:
    """Answers every question alike, and runs what is to be run."""

    def __init__(self, state: NotedState, answer: str | None) -> None:
        self.answer, self.questions, self.left = answer, 0, False
        self.tasks: list[asyncio.Task[None]] = []
        self.controller = RecordingController(state, self.question, self.run, self.leave)

    def question(self, dialog: Ask, answered: Callable[[str | None], None]) -> None:
        self.questions += 1
        answered(self.answer)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def leave(self) -> None:
        self.left = True

    async def done(self) -> None:
        await asyncio.gather(*self.tasks)


@pytest.fixture
def running(state: NotedState) -> NotedState:
    """A session that is being recorded."""
    state.path.mkdir()
    assert state.recording is not None
    state.recording = replace(state.recording, state=replace(state.recording.state, phase=Phase.RECORDING))
    return state


async def test_pause_and_resume(running: NotedState) -> None:
    asked = Asked(running, None)
    await asked.controller.action_pause_recording()
    assert requested(running.path) == "pause"
    assert running.noted.nudges == 1
    assert running.recording is not None
    running.recording = replace(running.recording, asked="pause")
    await asked.controller.action_pause_recording()
    assert requested(running.path) == "run"


@pytest.mark.parametrize(("answer", "request_"), [("stop", "stop"), ("cancel", "run"), (None, "run")])
async def test_a_recording_is_stopped_after_asking(
    running: NotedState, answer: str | None, request_: str
) -> None:
    asked = Asked(running, answer)
    asked.controller.action_stop_recording()
    await asked.done()
    assert (asked.questions, requested(running.path), asked.left) == (1, request_, False)


@pytest.mark.parametrize(
    ("answer", "request_", "left"), [("keep", "run", True), ("stop", "stop", True), ("cancel", "run", False)]
)
async def test_leaving_while_a_recording_runs_asks(
    running: NotedState, answer: str, request_: str, left: bool
) -> None:
    asked = Asked(running, answer)
    asked.controller.action_leave()
    await asked.done()
    assert (asked.questions, requested(running.path), asked.left) == (1, request_, left)


async def test_who_cannot_stop_it_stays_and_hears_why(running: NotedState) -> None:
    running.path.rmdir()
    asked = Asked(running, "stop")
    asked.controller.action_leave()
    await asked.done()
    assert running.complaint
    assert not asked.left


async def test_of_a_finished_session_nothing_is_asked(state: NotedState) -> None:
    asked = Asked(state, "stop")
    asked.controller.action_stop_recording()
    await asked.controller.action_pause_recording()
    assert state.complaint == "nothing is being recorded here: there is nothing to pause or stop"
    assert not state.path.exists()
    asked.controller.action_leave()
    assert (asked.questions, asked.left) == (0, True)
