"""Take the pictures in docs/screens of sessions/demo-small: `python -m tools.screen_pictures [NAME …]`.

The app runs without a terminal; a picture is taken once everything is computed and drawn. Needs the extra
`plots`, for matplotlib's fonts.
"""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from PIL import Image
from textual import constants
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.drawing.strips_png import pane_png
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.textual_private import screen_rows

REPOSITORY = Path(__file__).parents[1]
SESSION = REPOSITORY / "sessions" / "demo-small"
PICTURES = REPOSITORY / "docs" / "screens"
SCREENS: dict[str, tuple[tuple[int, int], str]] = {
    "session": ((120, 40), "end"),
    "session-80x24": ((80, 24), "end"),
    "session-200x60": ((200, 60), "end l"),
    "difference": ((120, 40), "end b b b"),
    "overlap": ((120, 40), "end l 5 z"),
    "spectrum": ((120, 40), "end 4 w z"),
    "sweep": ((120, 40), "end m"),
    "compare": ((120, 40), "end c"),
    "gallery": ((120, 40), "a"),
    "help": ((80, 24), "question_mark"),
}
"""Size of each screen, and the keys that lead there."""
# Pictures are drawn large; half of that reads well on a page.
_SCALE, _COLOURS = 2, 256


async def taken(name: str) -> Path:
    """Take one picture."""
    size, keys = SCREENS[name]
    app = SubspaceLensApp(SESSION.parent, SESSION)
    async with app.run_test(size=size) as pilot:
        await _settled(app, pilot)
        for key in keys.split():
            await pilot.press(key)
            await _settled(app, pilot)
        return _written(app, name)


async def _settled(app: SubspaceLensApp, pilot: Pilot[None]) -> None:
    """Wait until the session is read, its metrics are computed, and the panes are drawn."""
    await pilot.pause()
    for screen in list(app.screen_stack):
        if isinstance(screen, SessionScreen):
            await screen.worker.settled()
            while screen.updates.late:
                screen.updates.show_next()
        while others := [w for w in screen.workers if w.group != "worker" and not w.is_finished]:
            with contextlib.suppress(WorkerCancelled):
                await app.workers.wait_for_complete(others)
    await pilot.pause()


def _written(app: SubspaceLensApp, name: str) -> Path:
    path = PICTURES / f"{name}.png"
    with (
        tempfile.TemporaryDirectory() as folder,
        Image.open(pane_png(screen_rows(app.screen), Path(folder) / path.name)) as large,
    ):
        small = large.resize((large.width // _SCALE, large.height // _SCALE), Image.Resampling.LANCZOS)
    small.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main() -> None:
    """Take all pictures, or those that are named."""
    # Pictures have all colours, wherever they are taken.
    vars(constants)["COLOR_SYSTEM"] = "truecolor"
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SCREENS:
        print(asyncio.run(taken(name)).relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
