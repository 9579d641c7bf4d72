"""What the terminal can show, as it says itself: asked once, when pictures are first wanted.

The app has the keyboard by then, and answers come among the keys: Textual's parser is given its input without
them. To ask before the app starts, as textual-image does, makes every start wait and loses what is typed.
"""

import asyncio
import contextlib
import fcntl
import os
import re
import struct
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual.message import Message

from subspacelens_tui.app.textual_private import take_replies

# U is the key of placeholders: a Kitty before 0.28 has none, takes it for a mistake and says nothing.
_KITTY = "\x1b_Gi=4211,s=1,v=1,a=q,U=1,t=d,f=24;AAAA\x1b\\"
_CELL, _ATTRIBUTES = "\x1b[16t", "\x1b[c"
_REPLY = re.compile(r"\x1b_G[^\x1b]*\x1b\\|\x1b\[\?[0-9;]*c|\x1b\[6;[0-9]+;[0-9]+t")
# What may become a reply; a lone escape is a key, and never kept waiting.
_BEGUN = re.compile(r"\x1b(_|_G[^\x1b]*\x1b?|\[|\[\?[0-9;]*|\[6|\[6;[0-9;]*)\Z")
_SIXEL = "4"
_PATIENCE = 1.0


class TerminalReplied(Message):
    """The terminal answered a question."""

    def __init__(self, reply: str) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True)
class Terminal:
    """What it can show.

    Attributes:
        kitty: images by the protocol of Kitty.
        sixel: images as sixels.
        cell: width and height of a cell in pixels, if known.
    """

    kitty: bool = False
    sixel: bool = False
    cell: tuple[int, int] | None = None


def listen() -> None:
    """Have replies of the terminal posted to the app; where Textual cannot, nothing is asked."""
    take_replies(without_replies, TerminalReplied)


def without_replies(data: str) -> tuple[str, list[str], str]:
    """What was typed, the replies, and the beginning of one that is not whole."""
    replies = _REPLY.findall(data)
    typed = _REPLY.sub("", data)
    begun = _BEGUN.search(typed)
    cut = begun.start() if begun else len(typed)
    return typed[:cut], replies, typed[cut:]


class Graphics:
    """Asks the terminal, and remembers what it said."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._heard: list[str] = []
        self._answered = asyncio.Event()
        self._asked = False

    @property
    def in_tmux(self) -> bool:
        """Whether a multiplexer stands between: it would take a question of Kitty's for a title."""
        term = self._environment.get("TERM", "")
        return "TMUX" in self._environment or term.startswith(("tmux", "screen"))

    def hear(self, reply: str) -> None:
        """Take in a reply; that to the last question ends the answer."""
        self._heard.append(reply)
        if reply.endswith("c"):
            self._answered.set()

    async def ask(self, write: Callable[[str], object]) -> Terminal:
        """What the terminal can show; asked the first time, at most a second long.

        An answer that comes later, as over a slow line, counts from the next call on.
        """
        if not self._asked and self._environment.get("TERM", "") not in ("", "dumb", "linux"):
            write(("" if self.in_tmux else _KITTY) + _CELL + _ATTRIBUTES)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._answered.wait()
        self._asked = True
        return self._understood()

    def _understood(self) -> Terminal:
        kitty = sixel = False
        cell = _cell_by_size()
        for reply in self._heard:
            if reply.startswith("\x1b_G"):
                kitty = reply.endswith(";OK\x1b\\")
            elif reply.endswith("c"):
                sixel = _SIXEL in reply[3:-1].split(";")[1:]
            elif reply.endswith("t"):
                height, width = map(int, reply[4:-1].split(";"))
                cell = (width, height) if width and height else cell
        return Terminal(kitty, sixel, cell)


def _cell_by_size() -> tuple[int, int] | None:
    """Size of a cell from the size of the window, where the terminal told the system its pixels."""
    with contextlib.suppress(OSError):
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(2, termios.TIOCGWINSZ, bytes(8)))
        if rows and columns and width >= columns and height >= rows:
            return width // columns, height // rows
    return None
