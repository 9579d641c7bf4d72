"""Running the app: what the command line calls."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.garbage_collection import wait_for_quiet
from subspacelens_tui.app.hang_up import terminal_put_in_order
from subspacelens_tui.app.redirected_stderr import has_terminal, stderr_on_terminal
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.terminal_encoding import as_encoded, take_terminal

if TYPE_CHECKING:
    from subspacelens_tui.app.worker import Worker

# Seconds; longer would be waited for where a session is large.
_HEAD_START = 0.1


def run(
    sessions: Path,
    session: Path | None = None,
    settings: Settings | None = None,
    layer: int | None = None,
    setup: Setup | None = None,
) -> int:
    """Open the app on a folder of sessions, or straight on a session in it.

    Args:
        sessions: the folder of sessions.
        session: the folder of a session to open.
        settings: of the analysis to open it with; default: as it was left.
        layer: to select in it.
        setup: the user's settings, and what else comes from outside.

    Returns:
        The exit status: 0, or 1 if the app crashed or there is no terminal to run in.

    Raises:
        MemoryError: if memory ran out; ImportError or OSError where a library could not be loaded for that.
    """
    if sys.__stderr__ is None or not has_terminal():
        print(
            "subspacelens-tui: the app needs a terminal; `analyze` and `list` work without one",
            file=sys.stderr,
        )
        return 1
    for name in ("COLUMNS", "LINES"):
        # As readline sets them for what is started from it; Textual would never hear of another size.
        os.environ.pop(name, None)
    wait_for_quiet()
    setup = setup or Setup()
    setup = replace(setup, preferences=as_encoded(setup.preferences, sys.__stderr__))
    worker = _begun(session, settings, setup) if session is not None else None
    # Imported now: without a terminal nothing of it is needed.
    from subspacelens_tui.app.app import SubspaceLensApp

    take_terminal(sys.__stderr__)
    app = SubspaceLensApp(sessions, session, settings, layer, setup, worker)
    with stderr_on_terminal(), terminal_put_in_order():
        app.run()
    if app.shortage is not None:
        raise app.shortage
    return app.return_code or 0


def _begun(session: Path, settings: Settings | None, setup: Setup) -> "Worker":
    """A thread that reads the session and computes its first curves while Textual is imported."""
    from subspacelens_tui.app.opening import worker_on

    worker = worker_on(session, settings, setup, first=True)
    worker.head_start(_HEAD_START)
    return worker
