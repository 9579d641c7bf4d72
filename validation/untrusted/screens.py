"""Sessions in the app, one after the other, as somebody goes through a folder of them."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

from textual.pilot import Pilot

from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.key_table import SESSION
from subspacelens_tui.app.screens.session import SessionScreen
from validation.untrusted.trial import Trial

# Every key of a session but those that leave it, or write files beside it.
_NOT_PRESSED = ("back", "sessions", "export")
KEYS = tuple(key.keys.split(",")[0] for key in SESSION if key.name not in _NOT_PRESSED)
# One in so many sessions is sent so many of these at random.
_WITH_KEYS, _KEYS_AT_ONCE = 3, 5
_SIZES = ((120, 40), (80, 24), (50, 15))
_PATIENCE = 30.0

Entries = Sequence[tuple[Trial, Path]]


def look_at(entries: Entries, folder: Path) -> None:
    """Open sessions of a folder in the app, and press some keys; after a crash, go on in a new one."""
    rest = list(entries)
    while rest:
        rest = rest[asyncio.run(_one_app(rest, folder)) :]


async def _one_app(entries: Entries, folder: Path) -> int:
    """Look at sessions until the app crashes; how many were looked at."""
    app, seen = SubspaceLensApp(folder), 0
    rng = random.Random(entries[0][0].seed)
    try:
        async with app.run_test(size=rng.choice(_SIZES)) as pilot:
            with entries[0][0].timed("the app's list"):
                await _settled(app, pilot)
            entries[0][0].check_shown("the app's list", _drawn(app))
            for trial, session in entries:
                seen += 1
                print(trial.seed, flush=True)  # a sign of life for who watches
                await _session(trial, app, pilot, session, rng)
                if app._exception is not None:
                    break
    except Exception as error:
        entries[max(seen - 1, 0)][0].faults.append(f"the app crashed: {type(error).__name__}: {error}"[:500])
    return max(seen, 1)


async def _session(
    trial: Trial, app: SubspaceLensApp, pilot: Pilot[None], session: Path, rng: random.Random
) -> None:
    with trial.timed("the app"):
        await app.push_screen(SessionScreen(session, setup=app.setup))
        await (_settled(app, pilot) if trial.small else pilot.pause())
    await _settled(app, pilot)
    trial.check_shown("the app", _drawn(app))
    if trial.seed % _WITH_KEYS == 0:
        for key in rng.choices(KEYS, k=_KEYS_AT_ONCE):
            with trial.timed("the app, after a key"):
                await pilot.press(key)
                await (_settled(app, pilot) if trial.small else pilot.pause())
            trial.check_shown(f"the app, after {key}", _drawn(app))
        await _settled(app, pilot)
        trial.check_shown("the app, after keys", _drawn(app))
    with trial.timed("the app, closing it"):
        while len(app.screen_stack) > 2:
            await app.pop_screen()
        await pilot.pause()


async def _settled(app: SubspaceLensApp, pilot: Pilot[None]) -> None:
    async with asyncio.timeout(_PATIENCE):
        await pilot.pause()
        for screen in app.screen_stack:
            # A session that cannot be opened has nothing to settle: it is read again and again.
            if isinstance(screen, SessionScreen) and screen.recording is not None:
                await screen.worker.settled()
    await pilot.pause()


def _drawn(app: SubspaceLensApp) -> str:
    return "\n".join("".join(part.text for part in line) for line in app.screen._compositor.render_strips())
