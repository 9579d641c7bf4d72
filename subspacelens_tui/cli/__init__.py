"""The command line: what is typed, turned into calls; docs/cli.md has the contract."""

import sys
from collections.abc import Sequence

from subspacelens_tui.cli.arguments import parser
from subspacelens_tui.cli.preferences import fill_in
from subspacelens_tui.cli.program import PROGRAM, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        fill_in(arguments)
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `subspacelens-tui list | head` is no failure; keep Python from complaining at exit.
        sys.stdout = None
        return 0
    except Exception as error:
        status = _status_of(error)
        if status is None:
            raise
        # Here: what it brings along would slow down `--help`.
        from subspacelens_tui.sessions.plain import plain

        print(f"{PROGRAM}: {plain(error)}", file=sys.stderr)
        return status


def _status_of(error: Exception) -> int | None:
    """The exit status of an error whose message is meant for the user; None for a defect of ours."""
    from subspacelens_tui.analysis.export.files import ExportError
    from subspacelens_tui.analysis.settings import SettingsError
    from subspacelens_tui.app.preferences import PreferencesError
    from subspacelens_tui.models import ModelError
    from subspacelens_tui.planning.errors import PlanningError
    from subspacelens_tui.recording.errors import RecordingError
    from subspacelens_tui.sessions import SessionError

    if isinstance(error, UsageError | SettingsError | PreferencesError):
        return 2
    if isinstance(error, ExportError | SessionError | PlanningError | RecordingError | ModelError | OSError):
        return 1
    return None
