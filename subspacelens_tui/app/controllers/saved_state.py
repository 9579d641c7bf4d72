"""What is kept of a session's screen for the next time, and opening it as it was left."""

from dataclasses import replace
from typing import get_args

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.layout import LayoutController
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.saved_state import SavedSelection, SavedState
from subspacelens_tui.app.selection import (
    MEASURES,
    NO_ERRORS,
    BranchChoice,
    Selection,
    first_selection,
    has_two_branches,
)
from subspacelens_tui.app.snapshots import Recording
from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import Manifest


class SavedStateController(Controller):
    """Opening a session as it was left.

    Args:
        state: of the screen.
        layout: of its panes.
        saved: what the app remembers from one time to the next.
        settings: to open the session with.
        asked: whether these were asked for: then nothing of the last time takes their place.
        layer: to select, if one was asked for.
    """

    def __init__(
        self,
        state: SessionState,
        layout: LayoutController,
        saved: SavedState,
        settings: Settings,
        asked: bool,
        layer: int | None,
    ) -> None:
        self._state, self._layout, self._saved = state, layout, saved
        self._settings, self._asked, self._layer = settings, asked, layer

    def restore_layout(self) -> None:
        """The layout of the last session; a pane is maximised only where this one was left so."""
        last = self._saved.now
        if last.measure in MEASURES:
            self._state.measure = last.measure
        here = None if self._asked else self._saved.selection(self._state.path)
        self._layout.restore(here.maximised if here is not None else None, last.shows)

    def open(self, recording: Recording) -> None:
        """Open the session with its first selection, and complain of what was asked but is not there."""
        selection, complaints = first_selection(self._settings, recording.manifest)
        if self._asked:
            self._state.complaint = "; ".join(complaints) or None
        self._state.open(self._restored(selection, recording.manifest))

    def _restored(self, selection: Selection, manifest: Manifest) -> Selection:
        """The selection with what settings do not hold; the layer too, unless one was asked for."""
        last = self._saved.selection(self._state.path)
        if self._asked or last is None:
            return selection
        if self._layer is None:
            self._layer = last.layer
        two = has_two_branches(selection, manifest) and last.branch in get_args(BranchChoice)
        branch: BranchChoice = last.branch if two else selection.branch  # type: ignore[assignment]
        if last.errors == NO_ERRORS:
            selection = replace(selection, settings=replace(selection.settings, errors=None))
        return replace(selection, together=last.together, branch=branch)

    def choose_layer(self) -> None:
        """Select the layer that was asked for, once the session has layers."""
        recording = self._state.recording
        if self._layer is None or recording is None or not recording.blocks:
            return
        asked, self._layer = self._layer, None
        try:
            self._state.layer = recording.manifest.layer_of(asked)
        except SessionError as error:
            numbers = recording.manifest.block_numbers
            self._state.layer = min(range(len(numbers)), key=lambda place: abs(numbers[place] - asked))
            self._state.complaint = str(error)

    def keep(self) -> None:
        """Keep what is looked at now."""
        state, layout = self._state, self._layout
        self._saved.keep(measure=state.measure, shows=layout.shows)
        if state.selection is None:
            return
        settings = state.selection.settings
        numbers = state.recording.manifest.block_numbers if state.recording else ()
        self._saved.keep_selection(
            state.path,
            SavedSelection(
                layer=numbers[state.layer] if state.layer < len(numbers) else state.layer,
                labels=settings.labels,
                eps=settings.eps,
                iso_rate=settings.iso_rate,
                branch=state.selection.branch,
                step=settings.step if state.blocks else None,  # before that, steps are not what they will be
                guidance=settings.guidance,
                features=settings.features,
                rank=settings.subspace_dim,
                design=settings.design,
                errors=settings.errors or NO_ERRORS,
                together=state.selection.together,
                maximised=layout.maximised,
            ),
        )
