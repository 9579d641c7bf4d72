"""Adding label schemes to the session that is looked at, from a label file."""

from collections.abc import Callable
from pathlib import Path

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.dialogs.label_file import LabelFileDialog
from subspacelens_tui.app.selection import with_labels
from subspacelens_tui.sessions.labels import add_labels


class LabelFileController(Controller):
    """Asks for the file, adds its schemes, and looks at the first of them.

    Args:
        state: of the screen.
        dialog: asks for the path, and hands on the answer; None if it was left.
    """

    def __init__(
        self,
        state: SessionState,
        dialog: Callable[[LabelFileDialog, Callable[[str | None], None]], object],
    ) -> None:
        self._state, self._dialog = state, dialog

    def action_label_file(self) -> None:
        """Type the path of a label file."""
        self._dialog(LabelFileDialog(), lambda path: self.add(path) if path is not None else None)

    def add(self, path: str) -> None:
        """Add what is in a file; what is wrong with it is said, and changes nothing."""

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> tuple[list[str], str]:
            before = analyzer.session.manifest.label_schemes
            notes = add_labels(analyzer.session, Path(path))
            return notes, analyzer.session.manifest.label_schemes[len(before)]

        def done(found: object, reason: str | None) -> None:
            # Of the screen's one line the path would take half, and was typed just now.
            state, prefix = self._state, f"label file {path}: "
            if not isinstance(found, tuple) or state.selection is None:
                state.complain((reason or "the label file could not be read").removeprefix(prefix))
                return
            notes, scheme = found
            state.look(with_labels(state.selection, scheme))
            said = [note.removeprefix(prefix) for note in notes]
            state.tell("; ".join(said) or f"labels: {scheme}, of {path}")

        worker = self._state.worker
        # The same file again is read again: it may have been mended.
        worker.drop("label file")
        worker.want(Job("label file", path, work, done, urgent=True))
