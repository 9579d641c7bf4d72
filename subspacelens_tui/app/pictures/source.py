"""The images of a session, read in a thread of their own: the metrics never wait for them, nor the screen."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from PIL import Image

from subspacelens_tui.app.drawing.picture_cells import Drawn
from subspacelens_tui.sessions import Manifest, Session, SessionError, open_session
from subspacelens_tui.sessions.files import Stamp, stamp_at
from subspacelens_tui.sessions.pictures import read_picture
from subspacelens_tui.sessions.writer import image_path


@dataclass(frozen=True)
class Listing:
    """Which images there are.

    Attributes:
        name: of the session.
        manifest: what `session.json` says.
        images: indices of the recorded images, in the order of their prompts, seeds and guidance scales.
        running: whether more may come.
    """

    name: str
    manifest: Manifest
    images: tuple[int, ...]
    running: bool


class Pictures(Protocol):
    """What is drawn, by numbers."""

    async def picture(self, image: int, largest: int, draw: Callable[[Image.Image], Drawn]) -> Drawn:
        """One image, drawn."""

    async def changed(self, images: Iterable[int]) -> set[int]:
        """Which of these have changed since they were read."""

    def close(self) -> None:
        """Read nothing more."""


class PictureSource:
    """Reads a session's images.

    Args:
        path: the session's folder.
        thread: to read in; one of its own if None.
    """

    def __init__(self, path: Path, thread: ThreadPoolExecutor | None = None) -> None:
        self._path = path
        self._thread = thread or ThreadPoolExecutor(1, "pictures")
        self._session: Session | None = None
        self._last: Listing | None = None
        self._stamps: dict[int, Stamp | None] = {}

    async def listing(self) -> Listing:
        """The images there are by now.

        Raises:
            SessionError: with one line, if the session cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._listed)

    def _listed(self) -> Listing:
        if self._session is None or self._session.replaced:
            self._session = open_session(self._path)
        elif not self._session.refresh() and self._last is not None:
            # Nothing came: what is the same need not be sorted, or compared image by image.
            running = self._session.state.phase.running
            self._last = self._last if running == self._last.running else replace(self._last, running=running)
            return self._last
        session, manifest = self._session, self._session.manifest
        found = [image for scale in manifest.guidance for image in session.images(scale)]

        def place(image: int) -> tuple[int, int, float]:
            info = manifest.images[image]
            return info.prompt, info.seed, info.guidance

        images = tuple(sorted(found, key=place))
        self._last = Listing(session.name, manifest, images, session.state.phase.running)
        return self._last

    async def picture(self, image: int, largest: int, draw: Callable[[Image.Image], Drawn]) -> Drawn:
        """One of them, read as `read_picture` does and drawn.

        Raises:
            SessionError: with one line, if it is not there, is damaged, or is not safe to decode.
        """

        def drawn() -> Drawn:
            if self._session is None:
                raise SessionError(f"{self._path} has not been read")
            self._stamps[image] = self._stamp(image)
            try:
                return draw(read_picture(self._session, image, largest))
            except SessionError as error:
                # There is room for few words where the picture would be.
                raise SessionError(str(error).replace(f"{self._path}/", "")) from None

        return await asyncio.get_running_loop().run_in_executor(self._thread, drawn)

    async def changed(self, images: Iterable[int]) -> set[int]:
        """Which of these have changed on disk since they were read, as where a session is being copied."""

        def compared() -> set[int]:
            known = self._stamps.keys() & set(images)
            return {image for image in known if self._stamp(image) != self._stamps[image]}

        return await asyncio.get_running_loop().run_in_executor(self._thread, compared)

    def _stamp(self, image: int) -> Stamp | None:
        return stamp_at(image_path(self._path, image))

    def close(self) -> None:
        """End the thread after what it is doing now."""
        self._thread.shutdown(wait=False, cancel_futures=True)
