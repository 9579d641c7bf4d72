"""The app on planted sessions, driven by Textual's pilot; the background is awaited, never slept for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.screen import Screen
from textual.worker import WorkerCancelled

from subspacelens_tui.app import refinement_stages, worker
from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.textual_private import screen_rows
from subspacelens_tui.sessions.writer import image_path, write_image
from tests.app.idle import wait_by_the_event_loop
from tests.conftest import PlantedSession

__all__ = ["wait_by_the_event_loop"]

SIZE = (120, 40)
PATIENCE = 300.0  # a machine may be busy; what hangs, hangs longer


class Driver:
    """A running app, its session screen, and its pilot."""

    def __init__(self, app: SubspaceLensApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> SessionScreen:
        found = [screen for screen in self.app.screen_stack if isinstance(screen, SessionScreen)]
        assert found, "no session is open"
        return found[-1]

    async def settled(self) -> None:
        """Wait until the session is read anew, its metrics computed, and the screen drawn."""
        settling = asyncio.ensure_future(self._settled())
        crashed = asyncio.ensure_future(self.app.crashed.wait())
        await asyncio.wait((settling, crashed), return_when=asyncio.FIRST_COMPLETED)
        crashed.cancel()
        if self.app.crash is not None:
            settling.cancel()
            raise self.app.crash
        await settling

    async def _settled(self) -> None:
        before: list[Screen[Any]] = []
        async with asyncio.timeout(PATIENCE):
            # What is waited for may open another screen, which has its own to wait for.
            while before != self.app.screen_stack:
                before = [*self.app.screen_stack]
                if any(isinstance(screen, SessionScreen) for screen in before):
                    await self.screen.worker.settled()
                for screen in before:
                    # One that another took the place of was cancelled; the other is waited for then.
                    while others := [w for w in screen.workers if w.group != "worker" and not w.is_finished]:
                        with contextlib.suppress(WorkerCancelled):
                            await self.app.workers.wait_for_complete(others)
                await self.pilot.pause()

    async def drawn(self) -> None:
        """Give every pane its turn: on a busy machine some may still show what was there before."""
        if any(isinstance(screen, SessionScreen) for screen in self.app.screen_stack):
            while self.screen.updates.late:
                self.screen.updates.show_next()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, and let the app settle."""
        for key in keys:
            await self.pilot.press(key)
        await self.settled()

    def text(self) -> str:
        """What is on the screen."""
        return screen_text(self.app)


def screen_text(app: SubspaceLensApp) -> str:
    """The screen as text, row by row."""
    return "\n".join(row.text for row in screen_rows(app.screen))


OpenApp = Callable[..., AbstractAsyncContextManager[Driver]]


@pytest.fixture(autouse=True)
def no_recorder_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a test takes: no recorder writes signs of life for planted sessions."""
    monkeypatch.setattr("subspacelens_tui.sessions.state.STALE_SECONDS", float("inf"))


@pytest.fixture
def permutations() -> int:
    """How many a null has in the end: few, but more than the stage before has."""
    return refinement_stages.FEW + 1


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch, permutations: int) -> OpenApp:
    """Open the app on a folder of sessions, or on one session."""
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "truecolor")
    for module in (refinement_stages, worker):
        monkeypatch.setattr(module, "MANY", permutations)

    @asynccontextmanager
    async def opened(
        folder: Path, session: Path | None = None, size: tuple[int, int] = SIZE, **options: Any
    ) -> AsyncIterator[Driver]:
        app = SubspaceLensApp(folder, session, **options)
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await pilot.pause()
            await driver.settled()
            yield driver

    return opened


@pytest.fixture
def on(open_app: OpenApp) -> OpenApp:
    """Open the app on a planted session."""

    def opened(session: Any, **options: Any) -> AbstractAsyncContextManager[Driver]:
        return open_app(session.path.parent, session.path, **options)

    return opened


def with_pictures(session: PlantedSession, batches: int | None = None) -> PlantedSession:
    """Record, with an image of a grey of its own for each prompt."""
    session.record(batches)
    for index in range(session._next):
        if not image_path(session.path, index).exists():
            shade = 20 * session.images[index].prompt
            write_image(session.path, index, Image.new("RGB", (32, 32), (shade, shade, 200)))
    return session
