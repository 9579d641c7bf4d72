"""Screens whose updates are as narrow as they can be."""

import contextlib

from textual.screen import Screen


def send_narrowly(screen: Screen[None]) -> None:
    """Have a screen send only the cells that changed.

    It builds on a private part of Textual; without it updates are wider, not wrong.
    """
    with contextlib.suppress(ImportError):
        from subspacelens_tui.app.narrow import NarrowCompositor

        screen._compositor = NarrowCompositor()
