"""One session through everything that reads it: the Python reader, the commands, the app."""

import asyncio
import contextlib
import io
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot

from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.cli import main
from subspacelens_tui.sessions import SessionError, open_session
from subspacelens_tui.sessions.pictures import read_picture
from validation.untrusted.texts import raw_characters

# Every pane, every control, and the dialogues that show names.
KEYS = (
    *("l", "b", "s", "f", "u", "i", "g", "m", "t", "d", "r", "e", "z", "p", "x", "v"),
    *("1", "2", "3", "4", "5", "6", "7", "up", "down", "left", "right", "home", "end", "question_mark"),
)
_KEYS_AT_ONCE = 5
_SIZES = ((120, 40), (80, 24), (50, 15))
_PATIENCE = 30.0


@dataclass
class Trial:
    """What happened.

    Attributes:
        faults: what should not have, in a line each.
        seconds: by what was done.
        opened: whether the session could be opened at all.
    """

    faults: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    opened: bool = False

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long it takes, and what it raises."""
        began = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.faults.append(f"{what}: {type(error).__name__}: {error}"[:500])
        self.seconds[what] = time.perf_counter() - began

    def check_shown(self, what: str, shown: str) -> None:
        """Note what a terminal should not have been sent."""
        if raw := raw_characters(shown):
            self.faults.append(f"{what}: shows {sorted(map(ascii, raw))}")


def run_trial(session: Path, seed: int, thorough: bool = True, with_app: bool = True) -> Trial:
    """Read, list, analyse, sweep, compare, export, and open a session in the app.

    `thorough` adds figures that take seconds where there are more than a few images.
    """
    trial = Trial()
    _read(trial, session)
    for what, words in _commands(session, thorough).items():
        _command(trial, what, words)
    if with_app:
        with trial.timed("app"):
            asyncio.run(_app(trial, session, random.Random(seed)))
    return trial


def _read(trial: Trial, path: Path) -> None:
    with trial.timed("reader"), contextlib.suppress(SessionError):
        session = open_session(path)
        trial.opened = True
        session.refresh()
        for call in (session.features, session.tokens):
            with contextlib.suppress(SessionError):
                call(0)
        for image in range(min(3, len(session.manifest.images))):
            with contextlib.suppress(SessionError):
                read_picture(session, image, 64)


def _commands(session: Path, thorough: bool) -> dict[str, list[str]]:
    path, folder = str(session), str(session.parent)
    return {
        "list": ["list", "--sessions", folder],
        "list --json": ["list", "--sessions", folder, "--json"],
        "analyze": ["analyze", path, "--permutations", "4", *(["--thorough"] if thorough else [])],
        "analyze --json": ["analyze", path, "--permutations", "4", "--json"],
        "analyze --sweep": ["analyze", path, "--sweep", "delta_R"],
        "analyze --tables": ["analyze", path, "--tables", "--permutations", "4"],
        "analyze --tokens": ["analyze", path, "--tokens", "--permutations", "4"],
        "compare": ["compare", path, f"{path}@features=centred"],
        "export": ["export", path, "--to", str(session.parent / "exported")],
    }


def _command(trial: Trial, what: str, words: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with trial.timed(what), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
        if status not in (0, 1, 2):
            trial.faults.append(f"{what}: exit status {status}")
        if status and len(err.getvalue().splitlines()) != 1:
            trial.faults.append(f"{what}: failed in {len(err.getvalue().splitlines())} lines")
    trial.check_shown(what, out.getvalue() + err.getvalue())


async def _app(trial: Trial, session: Path, rng: random.Random) -> None:
    app = SubspaceLensApp(session.parent, session)
    async with app.run_test(size=rng.choice(_SIZES)) as pilot:
        with trial.timed("app, until it is open"):
            await _settled(app, pilot)
        trial.check_shown("app", _drawn(app))
        with trial.timed("app, after keys"):
            await pilot.press(*rng.choices(KEYS, k=_KEYS_AT_ONCE))
            await _settled(app, pilot)
        trial.check_shown("app", _drawn(app))
        with trial.timed("app, its list"):
            await pilot.press("escape", "escape", "escape", "delete")
            await _settled(app, pilot)
        trial.check_shown("app", _drawn(app))


async def _settled(app: SubspaceLensApp, pilot: Pilot[None]) -> None:
    async with asyncio.timeout(_PATIENCE):
        await pilot.pause()
        for screen in app.screen_stack:
            # A session that cannot be opened has nothing to settle: it is read again and again.
            if isinstance(screen, SessionScreen) and screen.recording is not None:
                await screen.analyst.settled()
    await pilot.pause()


def _drawn(app: SubspaceLensApp) -> str:
    return "\n".join("".join(part.text for part in line) for line in app.screen._compositor.render_strips())
