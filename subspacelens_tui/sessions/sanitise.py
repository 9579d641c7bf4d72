"""Text from sessions, made safe to show: sessions and prompt files come from strangers too."""

import unicodedata
from collections.abc import Sequence

# Formatting characters, those without width and those that change direction, are of category Cf.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_UNDRAWN = {"Cc", "Cf", "Zl", "Zp"}
# Default_Ignorable_Code_Point of Unicode, as far as it is of other categories: fillers, variation selectors, …
_IGNORABLE = {
    0x034F,
    *range(0x115F, 0x1161),
    *range(0x17B4, 0x17B6),
    *range(0x180B, 0x1810),
    0x3164,
    *range(0xFE00, 0xFE10),
    0xFFA0,
    *range(0xE0100, 0xE01F0),
}
_CONTROL_PICTURES = 0x2400
_HIDDEN_SIGN = "�"
# More marks on one letter than any script has would be drawn over the rows above and below.
_MARKS_AT_MOST = 3
_LISTED = 12


def plain(text: object, longest: int = 2000) -> str:
    """One line of printable characters.

    Control characters are shown as their pictures (escape as ␛), line breaks and tabs as spaces; formatting
    characters (direction overrides, zero-width joiners), whatever else is invisible, and lone surrogates as
    `�`; so are combining marks beyond three on a character. A mark with nothing before it gets a dotted
    circle, so that it does not land on what is drawn beside the text.
    """
    text = str(text)[:longest]
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        visible = _visible(character)
        marks = marks + 1 if unicodedata.category(visible) in ("Mn", "Me") else 0
        if marks and not shown:
            shown.append("◌")
        shown.append(visible if marks <= _MARKS_AT_MOST else _HIDDEN_SIGN)
    return "".join(shown)


def quoted(text: object, longest: int = 60) -> str:
    """Text from a session in quotes, for a message: plain, and cut with an ellipsis."""
    whole = str(text)
    cut = plain(whole, longest)
    return repr(cut + "…" if len(whole) > longest else cut)


def invisible(character: str) -> bool:
    """Whether a character is drawn as nothing: controls, formatting characters, fillers, variation selectors."""
    return unicodedata.category(character) in _UNDRAWN or ord(character) in _IGNORABLE


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character in "\n\r\t":
        return " "
    if category not in _HIDDEN and ord(character) not in _IGNORABLE:
        return character
    return chr(_CONTROL_PICTURES + ord(character)) if ord(character) < 0x20 else _HIDDEN_SIGN


def some_of(values: Sequence[object], counted: bool = False) -> str:
    """A list for a message: all of a few values, the first and the last of many (1000 steps are a screenful).

    Args:
        values: to list.
        counted: whether how many there are is said beside it.
    """
    if len(values) <= _LISTED:
        return ", ".join(map(str, values))
    first = ", ".join(map(str, values[: _LISTED - 2]))
    return f"{first}, …, {values[-1]}" + ("" if counted else f" ({len(values)} in all)")
