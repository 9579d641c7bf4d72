"""The command line: what is typed, turned into calls; docs/cli.md has the contract."""

import errno
from collections.abc import Sequence

from subspacelens_tui.cli.parser import parser
from subspacelens_tui.cli.preferences import fill_in
from subspacelens_tui.cli.program import PROGRAM, UsageError, need_address_space
from subspacelens_tui.out_of_memory import ShortageError, memory_ran_out
from subspacelens_tui.standard_streams import OutputError, complain, drop_output, flush_output, prepare


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    prepare()
    try:
        try:
            return _run(argv)
        finally:
            flush_output()
    except OutputError as error:
        drop_output()
        if error.errno == errno.EPIPE:
            return 0  # `subspacelens-tui list | head` is no failure
        complain(PROGRAM, str(error))
        return 1


def _run(argv: Sequence[str] | None) -> int:
    arguments = parser().parse_args(argv)
    try:
        fill_in(arguments)
        if arguments.command.needs_arrays:
            need_address_space()
        return int(arguments.command.run(arguments))
    except KeyboardInterrupt:
        return 130
    except OutputError:
        raise
    except Exception as error:
        ran_out = memory_ran_out(error)
        status = 1 if ran_out else _status_of(error)
        if status is None:
            raise
        complain(PROGRAM, ran_out or str(error))
        return status


def _status_of(error: Exception) -> int | None:
    """The exit status of an error whose message is meant for the user; None for a defect of ours."""
    from subspacelens_tui.analysis.output.files import ExportError
    from subspacelens_tui.analysis.settings import SettingsError
    from subspacelens_tui.app.preferences import PreferencesError
    from subspacelens_tui.models import ModelError
    from subspacelens_tui.planning.errors import PlanningError
    from subspacelens_tui.recording.errors import RecordingError
    from subspacelens_tui.sessions import SessionError
    from subspacelens_tui.sparse.errors import SparseError

    if isinstance(error, UsageError | SettingsError | PreferencesError):
        return 2
    failed = (
        ExportError
        | SessionError
        | PlanningError
        | RecordingError
        | ModelError
        | ShortageError
        | SparseError
        | OSError
    )
    if isinstance(error, failed):
        return 1
    return None
