"""What is kept of a session's screen for the next time."""

from dataclasses import replace
from typing import get_args

from subspacelens_tui.app.saved_state import Selection
from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.selection import MEASURES, NO_ERRORS, BranchChoice, View


class RememberActions(SessionBase):
    """Opening a session as it was left."""

    _maximised: str | None = None

    def _restore_layout(self) -> None:
        """The layout of the last time, whichever session that was."""
        last = self.setup.memory.now
        if last.measure in MEASURES:
            self.measure = last.measure
        if last.maximised in [pane.slot for pane in self.panes]:
            self._maximised = last.maximised
        known = {pane.id: pane.slot for pane in self.panes}
        self.shows |= {place: pane for place, pane in last.shows.items() if known.get(pane) == place}

    def _restore_selection(self, view: View) -> View:
        """The view with what the settings of an analysis do not hold; the layer, unless one was asked for."""
        last = self.setup.memory.selection(self._path)
        if self._asked or last is None:
            return view
        if self._asked_layer is None:
            self._asked_layer = last.layer
        two = (view.settings.guidance or 0) > 1 and last.branch in get_args(BranchChoice)
        branch: BranchChoice = last.branch if two else view.branch  # type: ignore[assignment]
        if last.errors == NO_ERRORS:
            view = replace(view, settings=replace(view.settings, errors=None))
        return replace(view, together=last.together, branch=branch)

    def _remember(self) -> None:
        """Keep what is looked at now."""
        memory = self.setup.memory
        memory.keep(measure=self.measure, maximised=self._maximised, shows=self.shows)
        if self.view is None:
            return
        settings = self.view.settings
        loaded = self.recording is not None and self.recording.blocks > 0
        memory.keep_selection(
            self._path,
            Selection(
                layer=self.selected,
                labels=settings.labels,
                eps=settings.eps,
                iso_rate=settings.iso_rate,
                branch=self.view.branch,
                step=settings.step if loaded else None,  # before that, steps are not what they will be
                guidance=settings.guidance,
                features=settings.features,
                rank=settings.rank,
                design=settings.design,
                errors=settings.errors or NO_ERRORS,
                together=self.view.together,
            ),
        )
