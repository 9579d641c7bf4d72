"""Take the pictures in docs/screens of sessions/demo-small: `python -m tools.screen_pictures [NAME …]`.

The app runs without a terminal; a picture is taken once everything is computed and drawn. Needs the extra
`plots`, for matplotlib's fonts. `--to FOLDER --sizes 80x24,120x40,200x60` takes them to look at.
"""

import argparse
import asyncio
import contextlib
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
    "over-eps": ((120, 40), "end 2 w z"),
    "block": ((120, 40), "end 4 w w w z"),
    "pair": ((120, 40), "end 5 enter"),
    "sweep": ((120, 40), "end m"),
    "compare": ((120, 40), "end c"),
    "claims": ((120, 40), "end C"),
    "gallery": ((120, 40), "a"),
    "page": ((120, 40), "N"),
    "help": ((80, 24), "question_mark"),
}
"""Size of each screen, and the keys that lead there."""
# Pictures are drawn large; half of that reads well on a page.
_SCALE, _COLOURS = 2, 256


async def taken(name: str, size: tuple[int, int], path: Path) -> None:
    """Take one picture."""
    _, keys = SCREENS[name]
    app = SubspaceLensApp(SESSION.parent, SESSION)
    async with app.run_test(size=size) as pilot:
        await _settled(app, pilot)
        for key in keys.split():
            await pilot.press(key)
            await _settled(app, pilot)
        _write(app, path)


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


def _write(app: SubspaceLensApp, path: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Image.open(pane_png(screen_rows(app.screen), Path(folder) / path.name)) as large,
    ):
        small = large.resize((large.width // _SCALE, large.height // _SCALE), Image.Resampling.LANCZOS)
    small.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tools.screen_pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCREENS))
    parser.add_argument("--to", type=Path, default=PICTURES)
    parser.add_argument("--sizes", type=lambda text: [_size(word) for word in text.split(",")], default=())
    asked = parser.parse_args()
    # Pictures have all colours, wherever they are taken.
    vars(constants)["COLOR_SYSTEM"] = "truecolor"
    asked.to.mkdir(parents=True, exist_ok=True)
    for name in asked.names or SCREENS:
        for size in asked.sizes or [None]:
            path = asked.to / (f"{name}-{size[0]}x{size[1]}.png" if size else f"{name}.png")
            asyncio.run(taken(name, size or SCREENS[name][0], path))
            print(path)


def _size(word: str) -> tuple[int, int]:
    width, height = word.split("x")
    return int(width), int(height)


if __name__ == "__main__":
    main()
