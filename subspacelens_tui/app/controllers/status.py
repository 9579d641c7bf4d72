"""The one message of the session screen that matters most now."""

from collections.abc import Iterable

from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.widgets.status_line import Level
from subspacelens_tui.sessions import Phase


def status(state: SessionState, playing: str = "") -> tuple[Level, str]:
    """How much it matters, and the message.

    Args:
        state: of the screen.
        playing: that the recording is played, if it is.
    """
    if wrong := state.trouble or state.complaint or (state.analysis.error if state.analysis else None):
        return "error", wrong
    if state.recording is None:
        return "note", "reading the session …"
    if note := playing or state.notice:
        return "note", note
    run = state.recording.state
    if run.phase is Phase.FAILED:
        return "error", f"the recording failed: {run.detail or 'no reason was given'}"
    if run.phase is Phase.STALE:
        return "warning", f"the recorder is silent: {run.detail}"
    if problems := state.recording.problems:
        more = f" (and {len(problems) - 1} more, see the log: 7)" if len(problems) > 1 else ""
        return "warning", problems[0] + more
    if state.analysis is not None and state.analysis.losses:
        return "warning", _in_one_line(state.analysis.losses)
    if run.detail:
        return "note", f"{run.words}: {run.detail}"
    if (main := state.analysis.main if state.analysis else None) and main.rounding:
        return "warning", _in_one_line(main.rounding)
    notes = state.analysis.notes if state.analysis else ()
    return ("note", _in_one_line(notes)) if notes else ("none", "")


def _in_one_line(lines: Iterable[str]) -> str:
    return "  ·  ".join(lines)
