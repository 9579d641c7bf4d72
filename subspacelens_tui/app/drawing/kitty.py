"""Images by Kitty's protocol: an image is sent once, and placeholder characters stand where it goes.

So the terminal moves, cuts and covers it as it does text, and nothing flickers.
https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

import base64
import io
import itertools
import random
from functools import lru_cache

from PIL import Image
from rich.color import Color, ColorSystem
from rich.style import Style

from subspacelens_tui.app.drawing.picture_cells import Drawn

_PLACEHOLDER = "\U0010eeee"
# Which row and column of the image a cell shows is said by marks on it: the first of Kitty's list.
_LIST = """
305 30D 30E 310 312 33D 33E 33F 346 34A 34B 34C 350 351 352 357 35B 363 364 365 366 367 368 369 36A
36B 36C 36D 36E 36F 483 484 485 486 487 592 593 594 595 597 598 599 59C 59D 59E 59F 5A0 5A1 5A8 5A9
5AB 5AC 5AF 5C4 610 611 612 613 614 615 616 617 657 658 659 65A 65B 65D 65E 6D6 6D7 6D8 6D9 6DA 6DB
6DC 6DF 6E0 6E1 6E2 6E4 6E7 6E8 6EB 6EC 730 732 733 735 736 73A 73D 73F 740 741 743 745 747
"""
_MARKS = [chr(int(mark, 16)) for mark in _LIST.split()]
MOST_CELLS = len(_MARKS)
_CHUNK = 4096
_numbers = itertools.count(random.randrange(1, 2**23))


def kitty(picture: Image.Image, width: int, height: int, few_colours: bool, wrapped: bool) -> Drawn:
    """The picture in so many columns and rows, at most `MOST_CELLS`; the terminal scales it.

    Args:
        picture: the picture (RGB).
        width, height: in cells.
        few_colours: whether the terminal has 256 colours: a colour tells it the number of the image.
        wrapped: whether to wrap what is sent for tmux.
    """
    number, colour = _named(few_colours)
    style = Style(color=colour)
    texts = ["".join(_PLACEHOLDER + row + column for column in _MARKS[:width]) for row in _MARKS[:height]]
    sent = _sent(picture, f"a=T,U=1,q=2,f=100,i={number},c={width},r={height}", wrapped)
    return Drawn(
        tuple(((text, style),) for text in texts),
        width,
        before=sent,
        after=_command(f"a=d,d=I,q=2,i={number}", "", wrapped),
    )


def _named(few_colours: bool) -> tuple[int, Color]:
    """A number for an image, and the colour that says it."""
    if few_colours:
        number = _exact()[next(_numbers) % len(_exact())]
        return number, Color.from_triplet(Color.from_ansi(number).get_truecolor())
    number = 1 + next(_numbers) % (2**24 - 1)
    return number, Color.from_rgb(number >> 16, number >> 8 & 255, number & 255)


@lru_cache(maxsize=1)
def _exact() -> list[int]:
    """The colours of 256 that arrive as they are: Rich takes some for others."""

    def arrives(number: int) -> bool:
        colour = Color.from_triplet(Color.from_ansi(number).get_truecolor())
        return colour.downgrade(ColorSystem.EIGHT_BIT).number == number

    return [number for number in range(16, 256) if arrives(number)]


def _sent(picture: Image.Image, keys: str, wrapped: bool) -> str:
    content = io.BytesIO()
    picture.save(content, "PNG")
    text = base64.b64encode(content.getvalue()).decode()
    chunks = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    heads = [f"{keys},m=1", *["m=1"] * (len(chunks) - 2), "m=0"] if len(chunks) > 1 else [keys]
    return "".join(_command(head, chunk, wrapped) for head, chunk in zip(heads, chunks, strict=True))


def _command(keys: str, payload: str, wrapped: bool) -> str:
    command = f"\x1b_G{keys}{';' if payload else ''}{payload}\x1b\\"
    return "\x1bPtmux;" + command.replace("\x1b", "\x1b\x1b") + "\x1b\\" if wrapped else command
