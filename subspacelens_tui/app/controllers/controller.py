"""The base of the controllers, and how a screen comes by their actions."""

from collections.abc import Callable
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
