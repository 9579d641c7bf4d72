"""The control of a session: the same plan at random weights, recorded right after it by one command."""

from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.events import event_file
from subspacelens_tui.sessions.format import Manifest
from subspacelens_tui.sessions.names import control_path, session_path
from subspacelens_tui.sessions.reader import Session, open_session
from subspacelens_tui.sessions.writer import create_new_session


def refuse_control(folder: Path) -> None:
    """See that a session of this path can have a control, before it is made.

    Raises:
        SessionError: if there is one already, or its name would be too long.
    """
    control = session_path(folder.parent, control_path(folder).name)
    if control.exists():
        raise SessionError(f"{control} exists already: choose another --name, or delete it")


def plan_control(folder: Path, manifest: Manifest) -> Path:
    """Make the session of a session's control, to be recorded once that is finished.

    Args:
        folder: the session that it is the control of.
        manifest: what is planned for it.

    Raises:
        SessionError: if there is one already, or it cannot be written.
    """
    model = manifest.model.model_copy(update={"random_init": True})
    return create_new_session(
        folder.parent, control_path(folder).name, manifest.model_copy(update={"model": model})
    )


def next_control(folder: Path) -> Path | None:
    """The control of a session that is finished, if it has one that is not."""
    control = control_path(folder)
    if not control.is_dir() or not open_session(folder).state.complete:
        return None
    return None if open_session(control).state.complete else control


def control_of(session: Session) -> Session | None:
    """The control of a session, if it has one that is finished."""
    folder = control_path(session.path)
    if not folder.is_dir():
        return None
    control = open_session(folder)
    return control if control.manifest.model.random_init and control.state.complete else None


class ControlWatch:
    """Tells when a session has a control: it is recorded after it, while viewers may look."""

    def __init__(self) -> None:
        self._looked, self._found = 0, False

    def finished(self, session: Session) -> int:
        """When the control was finished, in nanoseconds of its log; 0 as long as there is none."""
        try:
            now = event_file(control_path(session.path)).stat().st_mtime_ns
            if now != self._looked:
                self._looked, self._found = now, control_of(session) is not None
        except (OSError, SessionError):
            self._looked, self._found = 0, False
        return self._looked if self._found else 0
