"""Screens whose updates are as narrow as they can be."""

import contextlib
from collections.abc import Callable
from typing import Any

from textual.screen import Screen


def send_narrowly(screen: Screen[Any], when_whole: Callable[[], None] | None = None) -> None:
    """Have a screen send only the cells that changed, and say when it sends all of them.

    It builds on a private part of Textual; without it updates are wider, and what is drawn over cells is not
    drawn again after a dialog.
    """
    with contextlib.suppress(ImportError):
        from subspacelens_tui.app.narrow import NarrowCompositor

        screen._compositor = NarrowCompositor(when_whole)
