"""From a session to its steering runs."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.screen import Screen

from subspacelens_tui.app.setup import Setup


async def open_steering(
    screen: Screen[Any], session: Path, setup: Setup, tell: Callable[[str], object]
) -> None:
    """Open the runs that a session belongs to or that were fitted to it, or say that there are none."""
    # Imported now: neither the list nor a session needs it.
    from subspacelens_tui.analysis.steering_results import runs_for

    runs = await asyncio.to_thread(runs_for, session)
    if not runs:
        tell(f"{session.name} has no steering runs yet: `subspacelens-tui steer {session.name}` makes one")
        return
    from subspacelens_tui.app.screens.steering import SteeringScreen

    if screen.app.screen is screen:
        screen.app.push_screen(SteeringScreen(session.parent, runs, setup))
