"""Text that a stranger may put wherever a session has text."""

import unicodedata

# Clears the screen, sets the window's title, writes the clipboard, asks the terminal to answer.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[6n\x9b31m\x90q\x9c\x7f\b\r"
MARKUP = "[bold red]x[/] [/] [@click=app.quit]y[/] [link=http://x]z[/link] \\[b] $text {x} %s"
DIRECTIONS = "\u202eevil\u202d \u2066x\u2069 \u200f\u061c שלום"
INVISIBLE = "a\u200b\u200d\ufeff\u00ad\u2060\u3164\u115f\ufe0f\U000e0041\U000e01ef"
COMBINING = "\u0301" * 5 + "e" + "\u0335" * 60
WIDE = "狮子🦁👩\u200d👩\u200d👧🇩🇪ｗｉｄｅ"
FORMULA = "=cmd|'/c calc'!A1"
PATHS = "../../../etc/passwd"
TEXTS = (ESCAPES, MARKUP, DIRECTIONS, INVISIBLE, COMBINING, WIDE, FORMULA, PATHS, "", " ", "\n\n", "x" * 300)

_NEVER_SHOWN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def raw_characters(shown: str) -> set[str]:
    """Characters that no terminal should be sent, of what was printed or drawn (line ends excepted)."""
    return {character for character in set(shown) - {"\n"} if unicodedata.category(character) in _NEVER_SHOWN}
