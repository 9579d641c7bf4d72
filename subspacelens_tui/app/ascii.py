"""The whole screen in ASCII, for fonts and terminals that have nothing else.

A line filter of Textual sees every cell that is drawn, frames and scrollbars of its own widgets included.
Each character stands for one of the same width. Letters of other alphabets stay: they are text, not drawing.
"""

import unicodedata
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_ALIKE = {
    # frames
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾▔‾", "-"),
    **dict.fromkeys("│┃║╵╷╹╻╽╿", "|"),
    **dict.fromkeys("┆┇┊┋╎╏", ":"),
    # shades, and bars by eighths
    **dict(zip("░▒▓█", ".:+#", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇", "_.:-=+*", strict=True)),
    **dict(zip("▏▎▍▌▋▊▉", "  --###", strict=True)),
    "▀": '"',
    # symbols
    **dict(zip("↑↓←→⇧↵⏎", "^v<>S//", strict=True)),
    **dict(zip("●○◌◐◆◇■□✓✔✗✘‖", "*ooo##[]vvxx=", strict=True)),
    **dict(zip("▶▸►▷◀◂◄◁▲△▼▽", ">>>><<<<^^vv", strict=True)),
    **dict(zip("‹›«»“”„‘’", '<><>"""\'\'', strict=True)),
    **dict(zip("·•…–—−×±²³≤≥≈÷√∞", "..~---x~23<>~/v8", strict=True)),
    **dict(zip("εϵΔδλμσΣπρ", "eeDdlmsSpr", strict=True)),
}
_DRAWN = ("Sm", "Sk", "So", "Po", "Pd", "Pi", "Pf", "Ps", "Pe")


class AsciiFilter(LineFilter):
    """Puts ASCII in the place of everything that is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Textual's hook: one row of a widget."""
        return [
            segment
            if segment.text.isascii()
            else Segment(ascii_of(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(maxsize=4096)
def ascii_of(text: str) -> str:
    """The text with ASCII in the place of symbols, in as many cells."""
    return "".join(map(_alike, text))


def _alike(character: str) -> str:
    if character.isascii():
        return character
    if character in _ALIKE:
        return _ALIKE[character]
    if "\u2500" <= character <= "\u257f":  # corners and crossings
        return "+"
    if "\u2580" <= character <= "\u259f":
        return "#"
    if "\u2801" <= character <= "\u28ff":  # braille
        return "*"
    if unicodedata.category(character) not in _DRAWN:
        return character
    return "? " if unicodedata.east_asian_width(character) in ("W", "F") else "?"
