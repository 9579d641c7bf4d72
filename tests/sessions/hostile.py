"""What a stranger may put into a session, for the tests of everything that reads one."""

import os
from collections.abc import Callable
from pathlib import Path

# Clears the screen, sets the window's title, writes the clipboard; 8-bit control sequences; Rich and Textual
# markup; overrides of direction; characters without width; combining marks by the hundred.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x9b31m\x90q\x9c\x7f\b\r"
MARKUP = "[bold red]x[/] [/] [@click=app.quit]y[/] [link=http://x]z[/link] \\[b]"
DIRECTIONS = "\u202eevil\u202d \u2066x\u2069 \u200f\u061c"
INVISIBLE = "a\u200b\u200d\ufeff\u00ad\u2060\u3164\u115f\ufe0f\U000e0041\U000e01ef\ud800"
COMBINING = "\u0301" * 5 + "e" + "\u0335" * 300
WIDE = "狮子🦁👩‍👩‍👧🇩🇪ｗｉｄｅ"
TEXTS = (ESCAPES, MARKUP, DIRECTIONS, INVISIBLE.replace("\ud800", ""), COMBINING, WIDE, "=cmd|'/c calc'!A1")


def _symlink(path: Path) -> None:
    target = path.parent.parent.parent / f"outside-{path.name}"
    if path.exists():
        path.rename(target)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


NOT_PLAIN: dict[str, Callable[[Path], None]] = {
    "symlink": _symlink,
    "pipe": _pipe,
    "folder": _folder,
    "device": _device,
}
