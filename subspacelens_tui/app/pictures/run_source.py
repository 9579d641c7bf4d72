"""The images of a steering run: those of several sessions, as one source of pictures."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from subspacelens_tui.app.drawing.picture_cells import Drawn
from subspacelens_tui.app.pictures.source import Listing, PictureSource
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.catalog import session_names

# Images of a session are numbered below it.
_EACH = 1_000_000
_GREY, _GREYED = "#808080", 0.55


@dataclass(frozen=True)
class RunListing:
    """Which images of a run there are.

    Attributes:
        name: of the run.
        sessions: by what follows the `~` in their names.
    """

    name: str
    sessions: dict[str, Listing]

    @property
    def running(self) -> bool:
        """Whether more images may come."""
        return any(listing.running for listing in self.sessions.values())

    @property
    def progress(self) -> str:
        """What is being recorded, in words."""
        each = [
            f"{key} {len(there.images)}/{len(there.manifest.images)}"
            for key, there in self.sessions.items()
            if there.running
        ]
        return f"recording {', '.join(each)} · {len(self.sessions)} sessions so far"


class RunSource:
    """Reads the images of a run's sessions, in one thread.

    Args:
        folder: of sessions.
        run: its name.

    Attributes:
        greyed: keys of the sessions whose images are drawn in grey.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._folder, self._run = folder, run
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._sources: dict[str, PictureSource] = {}
        self._last: RunListing | None = None
        self.greyed: frozenset[str] = frozenset()

    async def listing(self) -> RunListing:
        """The images there are by now; a session that cannot be read has none.

        Raises:
            SessionError: with one line, if none can be read.
        """
        names = await asyncio.get_running_loop().run_in_executor(self._thread, session_names, self._folder)
        prefix, found, wrong = f"{self._run}~", dict[str, Listing](), None
        for name in sorted(name for name in names if name.startswith(prefix)):
            key = name.removeprefix(prefix)
            source = self._sources.setdefault(key, PictureSource(self._folder / name, self._thread))
            try:
                found[key] = await source.listing()
            except SessionError as error:
                wrong = error
        if wrong is not None and not found:
            raise wrong
        before = self._last.sessions if self._last is not None else None
        if before is None or before != found:
            self._last = RunListing(self._run, found)
        assert self._last is not None
        return self._last

    def number(self, key: str, image: int) -> int:
        """By which an image of a session is known here."""
        return _EACH * list(self._sources).index(key) + image

    def place(self, number: int) -> tuple[str, int]:
        """Of which session an image is, and which there."""
        return list(self._sources)[number // _EACH], number % _EACH

    async def picture(self, image: int, largest: int, draw: Callable[[Image.Image], Drawn]) -> Drawn:
        """One of them, drawn; in grey if its session is greyed.

        Raises:
            SessionError: with one line, if it is not there, is damaged, or is not safe to decode.
        """
        key, index = self.place(image)
        drawn = (lambda picture: draw(_grey(picture))) if key in self.greyed else draw
        return await self._sources[key].picture(index, largest, drawn)

    async def changed(self, images: Iterable[int]) -> set[int]:
        """Which of these have changed on disk since they were read."""
        by_key: dict[str, list[int]] = {}
        for image in images:
            key, index = self.place(image)
            by_key.setdefault(key, []).append(index)
        found = set()
        for key, indices in by_key.items():
            found |= {self.number(key, index) for index in await self._sources[key].changed(indices)}
        return found

    def close(self) -> None:
        """End the thread after what it is doing now."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _grey(picture: Image.Image) -> Image.Image:
    without = ImageOps.grayscale(picture).convert("RGB")
    return Image.blend(without, Image.new("RGB", picture.size, _GREY), _GREYED)
