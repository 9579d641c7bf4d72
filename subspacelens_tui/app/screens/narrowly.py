"""Screens whose updates are as narrow as they can be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from subspacelens_tui.app.narrow import Over


def _nothing(cells: Sequence[object] | None) -> str:
    return ""


def send_narrowly(screen: Screen[Any], over: "Over" = _nothing) -> bool:
    """Have a screen send only the cells that changed, and what is drawn over them.

    It builds on a private part of Textual; without it updates are wider, and nothing is drawn over cells.

    Args:
        screen: that is not shown yet.
        over: what is drawn over cells that are sent.

    Returns:
        Whether this Textual can be told so.
    """
    try:
        from subspacelens_tui.app.narrow import NarrowCompositor
    except ImportError:
        return False
    screen._compositor = NarrowCompositor(over)
    return True
