"""A key and what it does. Bindings, footer, command palette and help are all made from lists of these."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS

_NAMES = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "shift+left": "⇧←",
    "shift+right": "⇧→",
    "escape": "esc",
    "shift+tab": "⇧tab",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "delete": "del",
}


def key_of(character: str) -> str:
    """The key of a printable character, by Textual's name for it."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


PRINTED = {key_of(character): character for character in map(chr, range(33, 127))}
"""Keys with a character of ASCII, by Textual's names for them."""


@dataclass(frozen=True)
class Key:
    """A line of the table.

    Attributes:
        name: of the action, as the settings file knows it.
        keys: key names as Textual knows them, separated by commas; the first is shown in the footer.
        action: the screen's action, with its arguments.
        says: what it does, for help and palette.
        group: heading in the help.
        short: for the footer; not shown there if empty.
        first: whether it is taken before the focused widget sees it: where focus moves, keys that were typed
            ahead would else go to the widget that had it.
        pinned: whether the footer shows it before the others, whatever there is no room for.
    """

    name: str
    keys: str
    action: str
    says: str
    group: str
    short: str = ""
    first: bool = False
    pinned: bool = False

    @property
    def run(self) -> str:
        """The action, found from any widget of the screen."""
        return self.action if self.action.startswith("app.") else f"screen.{self.action}"

    @property
    def shown(self) -> str:
        """The keys as people know them."""
        return " ".join(key_name(key) for key in self.keys.split(","))


def key_name(key: str) -> str:
    """A key as people know it."""
    if key.startswith("ctrl+"):
        return f"^{key_name(key.removeprefix('ctrl+'))}"
    return _NAMES.get(key) or PRINTED.get(key, key)


def bindings(*tables: Sequence[Key]) -> list[BindingType]:
    """Textual's bindings for some tables; their ids let a keymap change the keys."""
    return [
        Binding(key.keys, key.run, key.says, show=bool(key.short), priority=key.first, id=key.name)
        for table in tables
        for key in table
    ]


def in_footer(table: Sequence[Key]) -> list[Key]:
    """The keys that the footer shows, in its order."""
    return sorted((key for key in table if key.short), key=lambda key: not key.pinned)
