"""Asking the recorder to pause or stop, and leaving while it runs."""

import asyncio

from subspacelens_tui.app.dialogs.ask import Ask, Option
from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.control import Request, ask


class RecordingActions(SessionBase):
    """Controlling the recording. It is a process of its own: what is asked here is done by it."""

    async def _ask(self, request: Request) -> None:
        try:
            await asyncio.to_thread(ask, self._path, request)
            self._complaint = None
        except SessionError as error:
            self._complaint = str(error)
        self.analyst.nudge()
        self._show()

    async def action_pause_recording(self) -> None:
        """Pause the recording, or let it go on."""
        if not self._can_control():
            return
        assert self.recording is not None
        paused = self.recording.state.phase is Phase.PAUSED or self.recording.asked == "pause"
        await self._ask("run" if paused else "pause")

    def _can_control(self) -> bool:
        if not self._may_run:
            self._complaint = "nothing is being recorded here: there is nothing to pause or stop"
            self._show()
        return self._may_run

    @property
    def _may_run(self) -> bool:
        """Whether a recorder runs, or may: a silent one can still be at work."""
        if self.recording is None:
            return False
        phase = self.recording.state.phase
        return phase.running or phase is Phase.STALE

    def action_stop_recording(self) -> None:
        """Stop the recording, after asking."""
        if not self._can_control():
            return
        question = "Stop the recording? What is recorded stays."
        options = (Option("stop", "s", "stop it"), Option("cancel", "escape", "let it go on"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self.run_worker(self._ask("stop"))

        self.app.push_screen(Ask(question, options), answered)

    def action_leave(self) -> None:
        """Quit; asks what becomes of a recording that runs."""
        if not self._may_run:
            self.app.exit()
            return
        options = (
            Option("keep", "k", "quit, the recording goes on"),
            Option("stop", "s", "stop the recording and quit"),
            Option("cancel", "escape", "stay here"),
        )
        self.app.push_screen(Ask("A recording is running.", options), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "keep":
            self.app.exit()
        elif answer == "stop":
            self.run_worker(self._stop_and_leave())

    async def _stop_and_leave(self) -> None:
        await self._ask("stop")
        if self._complaint is None:
            self.app.exit()
