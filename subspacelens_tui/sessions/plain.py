"""Text from sessions, made safe to show: sessions and prompt files come from strangers too."""

import unicodedata

# Zero-width and direction-changing characters are of category Cf.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_CONTROL_PICTURES = 0x2400


def plain(text: object, longest: int = 2000) -> str:
    """One line of printable characters.

    Control characters are shown as their pictures (escape as ␛), line breaks and tabs as spaces;
    formatting characters (direction overrides, zero-width joiners) and lone surrogates as `�`.
    """
    return "".join(map(_visible, str(text)[:longest]))


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return chr(_CONTROL_PICTURES + ord(character)) if ord(character) < 0x20 else "�"
