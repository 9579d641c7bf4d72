"""A cache of computed values."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Values under keys, computed the first time that they are asked for."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}
        self._last: dict[Any, tuple[Any, Any]] = {}

    def keep(self, key: Any, compute: Callable[[], T]) -> T:
        """The value under a key, computed the first time."""
        if key not in self._kept:
            self._kept[key] = compute()
        kept: T = self._kept[key]
        return kept

    def keep_last(self, what: Any, key: Any, compute: Callable[[], T]) -> T:
        """The value under a key that takes endless values, as ε does: only the last one is kept."""
        if what not in self._last or self._last[what][0] != key:
            self._last[what] = key, compute()
        kept: T = self._last[what][1]
        return kept

    def kept(self, key: Any) -> Any:
        """The value that `keep` has under a key, or None."""
        return self._kept.get(key)

    def knows(self, key: Any) -> bool:
        """Whether `keep` has a value under a key."""
        return key in self._kept
