"""Waiting until an app has nothing left to do, by its event loop rather than by the clock.

Textual's pilot takes an app to be idle once the process used little time for a fiftieth of a second: a guess
on a busy machine, and two of these waits follow each key. What the app's tests need of the private parts of
Textual and asyncio is here.
"""

import asyncio
from typing import Any

import pytest

# Textual draws at most so often: what is due later is not part of what happens now.
_FRAME = 1 / 60
# An app that is animated, or plays, always has another frame.
_FRAMES = 30


async def nothing_left_to_do(*_: float) -> None:
    """Wait until the event loop has run all that is ready, and all frames that are due."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(_FRAMES):
        await asyncio.sleep(0)
        while loop._ready:
            await asyncio.sleep(0)
        due = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=float("inf"))
        if due > loop.time() + _FRAME:
            return
        await asyncio.sleep(due - loop.time())


@pytest.fixture(autouse=True)
def wait_by_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Textual's pilot wait that way."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", nothing_left_to_do)
