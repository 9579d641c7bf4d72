"""ASCII in the place of other characters, for terminals and files of an encoding that does not have them.

It imports nothing that takes time: the command line needs it first of all.
"""

import codecs
import io
import unicodedata
from functools import lru_cache
from typing import TextIO

# The name of what `encode_alike` has encoders do with a character that they do not have.
_ERRORS = "subspacelens-alike"
_ALIKE = {
    # frames
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾▔‾", "-"),
    **dict.fromkeys("│┃║╵╷╹╻╽╿", "|"),
    **dict.fromkeys("┆┇┊┋╎╏", ":"),
    # shades, and bars by eighths
    **dict(zip("░▒▓█", ".:+#", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇", "_.:-=+*", strict=True)),
    **dict(zip("▏▎▍▌▋▊▉", "||--###", strict=True)),
    "▀": '"',
    # symbols
    **dict(zip("↑↓←→⇧↵⏎", "^v<>S//", strict=True)),
    **dict(zip("●○◌◐◆◇■□✓✔✗✘‖", "*ooo##[]vvxx=", strict=True)),
    **dict(zip("▶▸►▷◀◂◄◁▲△▼▽", ">>>><<<<^^vv", strict=True)),
    **dict(zip("‹›«»“”„‘’", '<><>"""\'\'', strict=True)),
    **dict(zip("·•…–—−×±²³≤≥≈÷√∞", "..~---x~23<>~/v8", strict=True)),
    # formulas
    **dict(zip("αβγεϵΔδλμσΣπρ", "abgeeDdlmsSpr", strict=True)),
    **dict(zip("¹₁₂ᵢⱼₖᵀ", "112ijkT", strict=True)),
}
# Where width does not matter.
_IN_TEXT = {"…": "...", "±": "+-", "≤": "<=", "≥": ">=", "→": "->", "←": "<-", "∞": "inf"}
_DRAWN = ("Sm", "Sk", "So", "Po", "Pd", "Pi", "Pf", "Ps", "Pe")


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


def is_unicode(stream: TextIO) -> bool:
    """Whether every character can be written to a stream."""
    return codecs.lookup(_encoding(stream)).name.startswith("utf")


def encodable(text: str, stream: TextIO) -> str:
    """The text as a stream will have it, for who counts on its width before it is written."""
    if text.isascii() or is_unicode(stream):
        return text
    return text.encode(_encoding(stream), _ERRORS).decode(_encoding(stream), "replace")


def encode_alike(stream: TextIO | None) -> None:
    """Have a stream write ASCII where its encoding lacks a character: no error, and no escape in its place.

    What stands for the bytes of a file name that could not be decoded becomes these bytes again.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)


def _encoding(stream: TextIO) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def _encoded_alike(error: UnicodeError) -> tuple[str | bytes, int]:
    """Python's hook: what is written for the first character that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character, after = error.object[error.start], error.start + 1
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), after
    return _IN_TEXT.get(character) or _letter(character), after


def _letter(character: str) -> str:
    """ASCII for one character, in as many cells."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return ""
    if (alike := _alike(character)).isascii():
        return alike
    return "??" if unicodedata.east_asian_width(character) in ("W", "F") else "?"


codecs.register_error(_ERRORS, _encoded_alike)
