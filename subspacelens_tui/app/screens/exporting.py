"""Copying and exporting on screens that report in a status line."""

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from subspacelens_tui.app.controllers.controller import adopt
from subspacelens_tui.app.controllers.export import Exportable, ExportController
from subspacelens_tui.app.widgets.status_line import StatusLine


def adopt_export(screen: Screen[Any], exportable: Callable[[], Exportable]) -> None:
    """Give a screen the actions that copy and export what `exportable` returns."""
    adopt(
        screen,
        ExportController(
            exportable,
            tell=lambda words: screen.query_one(StatusLine).update("note", words),
            complain=lambda words: screen.query_one(StatusLine).update("error", words),
            copy=lambda text: screen.app.copy_to_clipboard(text),
            run=lambda work: screen.run_worker(work, group="export"),
        ),
    )
