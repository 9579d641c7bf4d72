"""From a session to its steering runs, or to the form of its first one."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.screen import Screen

from subspacelens_tui.app.setup import Setup


async def open_steering(
    screen: Screen[Any],
    session: Path,
    setup: Setup,
    tell: Callable[[str], object],
    begin_with: Mapping[str, str],
) -> None:
    """Open the runs that a session belongs to or that were fitted to it; without any, the form of one.

    Args:
        screen: from which.
        session: its folder.
        setup: the user's settings.
        tell: says why there is neither.
        begin_with: texts for the form by the names of its fields.
    """
    # Imported now: neither the list nor a session needs it.
    from subspacelens_tui.analysis.steering_results import runs_for

    runs = await asyncio.to_thread(runs_for, session)
    from subspacelens_tui.app.screens.new_steering import Started, open_form
    from subspacelens_tui.app.screens.steering import SteeringScreen

    def show(run: Started) -> None:
        begun = SteeringScreen(session.parent, [run.run], setup, 0, begin_with, run)
        screen.app.push_screen(begun)

    if not runs:
        await open_form(screen, session, setup, tell, begin_with, show)
    elif screen.app.screen is screen:
        screen.app.push_screen(SteeringScreen(session.parent, runs, setup, 0, begin_with))
