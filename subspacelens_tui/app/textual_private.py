"""Every use that the app makes of Textual's private parts.

Public API comes first; what is here has none. Each part names the Textual it was written for and what
happens where it is missing: the app then does with less, and does not crash.
`tests/app/test_textual_private.py` holds each part to the installed Textual and fails with the name of a
part that a new one has changed; until that is settled, the upper bound in `pyproject.toml` keeps the new
Textual out.
"""

import asyncio
import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from textual.app import App
from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip
from textual.worker import WorkerFailed

try:
    from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
except ImportError:
    HAS_COMPOSITOR = False
else:
    HAS_COMPOSITOR = True

WRITTEN_FOR = "8.2"
"""The newest Textual that every part here was checked with."""

Span = tuple[int, int, int]
"""Cells of the screen: their row, the first column, the end."""

Overlay = Callable[[Sequence[Span] | None], str]
"""What is drawn over cells that are sent; over all of the screen if None."""

# Minimal updates: `textual._compositor` and `Screen._compositor`, written for 8.2. Without them Textual
# sends each changed span from the left edge of its widget on, which over a slow connection is what a live
# update mostly consists of; and nothing can be drawn over cells, so that pictures are half-blocks.

if HAS_COMPOSITOR:

    class MinimalUpdate(ChopsUpdate):
        """A partial update cut to its spans on both sides, and what is drawn over them."""

        def __init__(self, update: ChopsUpdate, overlay: Overlay) -> None:
            super().__init__(update.chops, update.spans, update.chop_ends)
            self._overlay = overlay

        def render_segments(self, console: Console) -> str:
            """The bytes for the terminal, as text."""
            pieces = self._pieces()
            cells = "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in pieces)
            return cells + self._overlay(self.spans)

        def _pieces(self) -> Iterator[tuple[int, int, Strip]]:
            for y, left, right in self.spans:
                for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                    # A chop without a strip is a part of the row that nothing was drawn into.
                    if strip is not None and x < right and end > left:
                        start = max(x, left)
                        yield start, y, strip.crop(start - x, min(end, right) - x)

    class WholeUpdate(LayoutUpdate):
        """An update of the whole screen, and what is drawn over it."""

        def __init__(self, update: LayoutUpdate, overlay: Overlay) -> None:
            super().__init__(update.strips, update.region)
            self._overlay = overlay

        def render_segments(self, console: Console) -> str:
            """The bytes for the terminal, as text."""
            return super().render_segments(console) + self._overlay(None)

    class MinimalCompositor(Compositor):
        """Textual's compositor with minimal partial updates.

        What is drawn over cells, such as sixels, is sent along with them: text that came later would wipe it
        out.

        Args:
            overlay: what is drawn over cells that are sent.
        """

        def __init__(self, overlay: Overlay) -> None:
            super().__init__()
            self._overlay = overlay

        def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
            """The whole screen."""
            return WholeUpdate(super().render_full_update(simplify), self._overlay)

        def render_partial_update(self) -> ChopsUpdate | None:
            """What has changed since the last update."""
            update = super().render_partial_update()
            return MinimalUpdate(update, self._overlay) if isinstance(update, ChopsUpdate) else update


def _nothing(spans: Sequence[Span] | None) -> str:
    return ""


def send_minimal_updates(screen: Screen[Any], overlay: Overlay = _nothing) -> bool:
    """Have a screen send only the cells that changed, and what is drawn over them.

    Args:
        screen: one that is not shown yet.
        overlay: what is drawn over cells that are sent.

    Returns:
        Whether this Textual can be told so.
    """
    if not (HAS_COMPOSITOR and hasattr(screen, "_compositor")):
        return False
    screen._compositor = MinimalCompositor(overlay)
    return True


# The rows of a screen: `Screen._compositor.render_strips`, written for 8.2. Without it a session cannot be
# printed to a pipe; the error says why.


def screen_rows(screen: Screen[Any]) -> list[Strip]:
    """The rows of a screen as it is drawn now.

    Raises:
        RuntimeError: if this Textual does not give them.
    """
    try:
        return list(screen._compositor.render_strips())[: screen.size.height]
    except AttributeError as error:
        raise RuntimeError(f"this Textual does not tell what is on its screen: {error}") from error


# What is read from the terminal: `textual.drivers.linux_driver` takes its parser and its decoder from its
# own namespace, written for 8.2. Without it keys are read as UTF-8 whatever the terminal's encoding, and
# replies of the terminal are not understood, so that pictures are half-blocks unless the settings say
# otherwise.


def read_keys_in(encoding: str) -> bool:
    """Have keys read in the terminal's encoding; what is no character of it is replaced.

    Returns:
        Whether this Textual can be told so.
    """
    driver = _linux_driver("getincrementaldecoder")
    if driver is None:
        return False
    decoder = partial(codecs.getincrementaldecoder(encoding), errors="replace")
    driver.getincrementaldecoder = lambda _: decoder
    return True


Split = Callable[[str], tuple[str, list[str], str]]
"""Takes what was typed, the replies, and the beginning of one that is not whole from what was read."""


def take_replies(split: Split, message: Callable[[str], Message]) -> bool:
    """Take the terminal's replies from among the keys: Textual posts them to the app as messages.

    Args:
        split: tells replies from keys.
        message: made of each reply.

    Returns:
        Whether this Textual can be told so.
    """
    driver = _linux_driver("XTermParser")
    if driver is None:
        return False
    if not getattr(driver.XTermParser, "takes_replies", False):
        driver.XTermParser = parser_with_replies(driver.XTermParser, split, message)
    return True


def parser_with_replies(parser: Any, split: Split, message: Callable[[str], Message]) -> Any:
    """A subclass of Textual's parser that is given what was typed, without what the terminal replied."""

    class ParserWithReplies(parser):  # type: ignore[misc]
        takes_replies = True
        _held = ""

        def feed(self, data: str) -> Iterable[Message]:
            if not data:
                yield from super().feed(data)
                return
            typed, replies, self._held = split(self._held + data)
            yield from map(message, replies)
            if typed:
                yield from super().feed(typed)

    return ParserWithReplies


def _linux_driver(name: str) -> Any:
    """The module of the driver for Linux and macOS, if it has what is to be replaced there."""
    try:
        from textual.drivers import linux_driver
    except ImportError:
        return None
    return linux_driver if hasattr(linux_driver, name) else None


# What is written to the terminal as it is: `App._driver`, written for 8.2. Without it nothing is, and
# pictures are half-blocks.


def write_raw(app: App[Any], data: str) -> bool:
    """Send something to the terminal as it is; True if it was sent."""
    driver = getattr(app, "_driver", None)
    if driver is None:
        return False
    driver.write(data)
    return True


# A resize on a busy machine: `App._check_resize`, written for 8.2. Textual tells its screens the new size
# by a timer of 1/120 s, which never fires if as much time passes while it is started; every later resize
# would then wait for it in vain. Without the method this is left to Textual.


def pass_resize_on(app: App[Any]) -> None:
    """Have the app tell its screens the new size, whether its timer fires or not."""
    if check := getattr(app, "_check_resize", None):
        app.call_later(check)


# The traceback of a crash: `App._fatal_error`, written for 8.2. Textual's own draws all local variables as
# well, which took minutes with a session among them. A Textual that does not call it draws its own.


class ShortTraceback:
    """An app whose crash shows a traceback without local variables; named before `App` among the bases."""

    @property
    def crashed(self) -> asyncio.Event:
        """Set once it has crashed."""
        assert isinstance(self, App)
        return self._exception_event

    @property
    def crash(self) -> Exception | None:
        """What ended the app, in a worker of it or in itself."""
        assert isinstance(self, App)
        error: Exception | None = self._exception
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            return error.error
        return error

    def is_told_elsewhere(self, error: Exception | None) -> bool:
        """Whether a crash gets no traceback."""
        return False

    def _fatal_error(self) -> None:
        if self.is_told_elsewhere(self.crash):
            self._close_messages_no_wait()  # type: ignore[attr-defined]
            return
        from rich.traceback import Traceback  # takes a while, and is seldom needed

        assert isinstance(self, App)
        self.panic(Traceback(width=None))
