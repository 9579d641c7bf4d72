"""The key table as the user has changed it."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from textual.keys import Keys

from subspacelens_tui.app.key_table import EVERY_KEY, SCOPES
from subspacelens_tui.app.keys import PRINTED, Key, key_of
from subspacelens_tui.app.preferences import PreferencesError

_MODIFIERS = ("ctrl", "shift", "alt", "super", "meta", "hyper")
_NAMED = {key.value for key in Keys}


class Keymap:
    """Which keys run which action.

    Args:
        changes: keys by the name of the action; actions that are not named keep theirs.
        where: what the changes were read from, for messages.

    Raises:
        PreferencesError: with one clear line, for an unknown action, a key that no keyboard has, or a key
            that two actions of one screen share.
    """

    def __init__(self, changes: Mapping[str, Sequence[str]] | None = None, where: str = "keys") -> None:
        known = {key.name for key in EVERY_KEY}
        self._keys: dict[str, str] = {}
        for name, wanted in (changes or {}).items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else "`subspacelens-tui settings` lists them"
                raise PreferencesError(f"{where}: keys: there is no action {name!r}: {hint}")
            if not wanted:
                raise PreferencesError(f"{where}: keys.{name} must have at least one key")
            self._keys[name] = ",".join(_checked(key, f"{where}: keys.{name}") for key in wanted)
        for scope in SCOPES.values():
            self._check_clashes(scope, where)

    def _check_clashes(self, scope: Sequence[Key], where: str) -> None:
        taken: dict[str, str] = {}
        for entry in self.table(scope):
            for key in entry.keys.split(","):
                if key in taken and {entry.name, taken[key]} & self._keys.keys():
                    raise PreferencesError(
                        f"{where}: keys: {key!r} stands for both {taken[key]} and {entry.name}: "
                        "give one of them another key"
                    )
                taken[key] = entry.name

    @property
    def changes(self) -> Mapping[str, str]:
        """The changed keys by action, as Textual's `App.set_keymap` takes them."""
        return self._keys

    def table(self, *tables: Sequence[Key]) -> list[Key]:
        """Tables of keys, changed."""
        return [self.entry(entry) for table in tables for entry in table]

    def entry(self, key: Key) -> Key:
        """A line of the table, changed."""
        return replace(key, keys=self._keys[key.name]) if key.name in self._keys else key

    def first(self, name: str) -> str:
        """The key of an action as people know it, the first if there are several."""
        return next(self.entry(key).shown.split()[0] for key in EVERY_KEY if key.name == name)


def _checked(key: str, where: str) -> str:
    """The key as Textual names it."""
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    name = key_of(base) if len(base) == 1 else base
    known = name in _NAMED or name in PRINTED or (len(base) == 1 and base.isprintable())
    if not (known and all(modifier in _MODIFIERS for modifier in modifiers)):
        raise PreferencesError(
            f"{where}: there is no key {key!r}: write `x`, `X`, `?`, `f2`, `ctrl+x` or `shift+left`"
        )
    return "+".join([*modifiers, name])
