"""The base of the controllers, and how a screen comes by their actions."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Protocol

from textual.dom import DOMNode


class Controller:
    """A part of what a screen does. It knows no screen: what it needs of one it is handed.

    Its methods named `action_…` are actions of the screen that adopts it.
    """

    def actions(self) -> dict[str, Callable[..., Any]]:
        """Its actions by the names of their methods."""
        return {name: getattr(self, name) for name in dir(self) if name.startswith("action_")}


class HasActions(Protocol):
    """A controller, or a pane: what can be done in it can be done from anywhere."""

    def actions(self) -> dict[str, Callable[..., Any]]:
        """Its actions by the names of their methods."""


class TypedAhead:
    """Actions of which some wait: what is typed while a session opens is done once it is open.

    Args:
        ready: whether nothing need wait.
    """

    def __init__(self, ready: Callable[[], bool], *owners: HasActions) -> None:
        self._ready, self._owners = ready, owners
        self._waiting: list[Callable[[], Any]] = []

    def actions(self) -> dict[str, Callable[..., Any]]:
        """Those of the owners, each of which waits while it must."""
        return {
            name: self._waiting_if_it_must(action)
            for owner in self._owners
            for name, action in owner.actions().items()
        }

    def _waiting_if_it_must(self, action: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(action)  # Textual counts the parameters
        def do(*arguments: Any) -> Any:
            if self._ready():
                return action(*arguments)
            self._waiting.append(partial(action, *arguments))
            return None

        return do

    def release(self) -> None:
        """Do what waited, in its order."""
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()


def adopt(screen: DOMNode, *owners: HasActions) -> None:
    """Make the actions of controllers and panes actions of a screen: keys, clicks and commands reach them.

    Raises:
        TypeError: if two of them, or the screen and one of them, have an action of the same name.
    """
    for owner in owners:
        for name, action in owner.actions().items():
            if hasattr(screen, name):
                raise TypeError(f"{type(screen).__name__} and {type(owner).__name__} both have {name}")
            setattr(screen, name, action)
