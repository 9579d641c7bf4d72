"""Asking the recorder to pause or stop, and leaving while it runs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.dialogs.ask import Ask, Option
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.control import Request, ask


class RecordingController(Controller):
    """Controlling the recording. It is a process of its own: what is asked here is done by it.

    Args:
        state: of the screen.
        question: puts a question, and hands on the answer; None if it was left.
        run: has a coroutine run on the event loop.
        leave: ends the app.
    """

    def __init__(
        self,
        state: SessionState,
        question: Callable[[Ask, Callable[[str | None], None]], object],
        run: Callable[[Coroutine[Any, Any, None]], object],
        leave: Callable[[], None],
    ) -> None:
        self._state = state
        self._question, self._run, self._leave = question, run, leave

    async def _ask(self, request: Request) -> None:
        complaint = None
        try:
            await asyncio.to_thread(ask, self._state.path, request)
        except SessionError as error:
            complaint = str(error)
        self._state.worker.nudge()
        self._state.complain(complaint)

    def _can_control(self) -> bool:
        if not self._state.may_run:
            self._state.complain("nothing is being recorded here: there is nothing to pause or stop")
        return self._state.may_run

    async def action_pause_recording(self) -> None:
        """Pause the recording, or resume it."""
        recording = self._state.recording
        if self._can_control() and recording is not None:
            paused = recording.state.phase is Phase.PAUSED or recording.asked == "pause"
            await self._ask("run" if paused else "pause")

    def action_stop_recording(self) -> None:
        """Stop the recording, after asking."""
        options = (Option("stop", "s", "stop it"), Option("cancel", "escape", "let it go on"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._run(self._ask("stop"))

        if self._can_control():
            self._question(Ask("Stop the recording? What is recorded stays.", options), answered)

    def action_leave(self) -> None:
        """Quit; asks what becomes of a recording that runs."""
        options = (
            Option("keep", "k", "quit, the recording goes on"),
            Option("stop", "s", "stop the recording and quit"),
            Option("cancel", "escape", "stay here"),
        )

        def answered(answer: str | None) -> None:
            if answer == "keep":
                self._leave()
            elif answer == "stop":
                self._run(self._stop_and_leave())

        if self._state.may_run:
            self._question(Ask("A recording is running.", options), answered)
        else:
            self._leave()

    async def _stop_and_leave(self) -> None:
        await self._ask("stop")
        if self._state.complaint is None:
            self._leave()
