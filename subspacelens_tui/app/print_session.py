"""The panes printed once, for a pipe or a dumb terminal: the same widgets, drawn without a screen."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.segment import Segment, Segments
from textual.pilot import Pilot

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.terminal_encoding import as_encoded
from subspacelens_tui.app.textual_private import screen_rows
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.sanitise import plain

_WIDTH, _HEIGHT = 120, 40


def show(
    session: Path,
    settings: Settings | None = None,
    layer: int | None = None,
    size: tuple[int, int] | None = None,
    preferences: Preferences | None = None,
    labels_file: Path | None = None,
) -> int:
    """Print the session screen to stdout and return the exit status: 1 if there is nothing to show.

    Args:
        session: the session's folder.
        settings: of the analysis.
        layer: to select.
        size: columns and rows; those of the terminal, or 120 × 40 in a pipe.
        preferences: how it is to look. Nothing is remembered, so that it prints the same each time.

        labels_file: adds label schemes.

    Raises:
        SessionError: if the session cannot be shown, with the reason.
        MemoryError: if memory ran out; ImportError or OSError where a library could not be loaded for that.
    """
    if size is None:
        size = os.get_terminal_size() if sys.stdout.isatty() else (_WIDTH, _HEIGHT)
    setup = Setup(as_encoded(preferences or Preferences(), sys.stdout), labels_file=labels_file)
    drawn = asyncio.run(_drawn(session, settings or Settings(), layer, size, setup))
    lines = drawn.rows
    if sys.stdout.isatty():
        Console(width=size[0], soft_wrap=True).print(Segments(_joined(lines)), end="")
    else:
        # Colours would only be escape codes in a file; what they say is said in characters too.
        print("\n".join("".join(segment.text for segment in line).rstrip() for line in lines))
    for line in [drawn.absent] if drawn.absent else drawn.losses[:1]:
        print(f"subspacelens-tui: {plain(session.resolve().name)}: {plain(line)}", file=sys.stderr)
    return 1 if drawn.absent else 0


@dataclass(frozen=True)
class _Drawn:
    """The screen: its rows, why there are no metrics in it, and what these are not of."""

    rows: list[list[Segment]]
    absent: str
    losses: tuple[str, ...]


def _joined(lines: list[list[Segment]]) -> list[Segment]:
    return [segment for line in lines for segment in (*line, Segment.line())]


async def _drawn(
    session: Path, settings: Settings, layer: int | None, size: tuple[int, int], setup: Setup
) -> _Drawn:
    app = SubspaceLensApp(session.parent, session, settings, layer, setup=setup)
    drawn: list[_Drawn] = []
    trouble: list[str] = []

    async def draw(pilot: Pilot[object]) -> None:
        screen = next(s for s in app.screen_stack if isinstance(s, SessionScreen))
        if not await _settled(app, screen):
            return
        await pilot.pause()
        if screen.recording is None or (screen.analysis is not None and screen.analysis.error):
            trouble.append(screen.message()[1])
        rows = [list(strip) for strip in screen_rows(screen)]
        found = screen.analysis
        main = found.main if found else None
        drawn.append(_Drawn(rows, main.absent if main else "", found.losses if found else ()))
        app.exit()

    await app.run_async(headless=True, size=size, auto_pilot=draw)
    if app.shortage is not None:
        raise app.shortage
    if trouble or not drawn:
        raise SessionError(trouble[0] if trouble else f"{session} cannot be shown")
    return drawn[0]


async def _settled(app: SubspaceLensApp, screen: SessionScreen) -> bool:
    """Wait for all metrics; False if the app broke down before, and nobody computes them any more."""
    waits = [asyncio.ensure_future(w) for w in (screen.worker.settled(), app.crashed.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return not app.crashed.is_set()
