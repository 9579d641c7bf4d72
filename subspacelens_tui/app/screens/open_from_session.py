"""The screens that open from a session: imported when they do, for a start should not pay for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen

from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.app import numbers
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.screens.open_steering import open_steering
from subspacelens_tui.app.selection import CHOICES, has_two_branches, with_configuration
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.worker import Worker

if TYPE_CHECKING:
    from subspacelens_tui.app.pictures.tiles import Pair

T = TypeVar("T")


class OpenFromSession(Controller):
    """Opens them over the screen of a session, on what is selected there.

    Args:
        screen: that of the session.
        state: what it shows.
        worker: that follows the session.
        setup: of the app.
        matrix: whose selected cell names two classes.
    """

    def __init__(
        self,
        screen: Screen[Any],
        state: SessionState,
        worker: Worker,
        setup: Setup,
        matrix: OverlapMatrixPane,
    ) -> None:
        self._screen, self._state, self._worker, self._setup = screen, state, worker, setup
        self._matrix = matrix

    def _open(self, screen: Screen[T], answered: Callable[[T | None], None] | None = None) -> None:
        self._screen.app.push_screen(screen, answered)

    def action_info(self) -> None:
        """What was recorded, with its notes and tags."""
        from subspacelens_tui.app.screens.session_info import SessionInfoScreen

        self._open(SessionInfoScreen(self._state.path, self._setup))

    def action_steering(self) -> None:
        """The steering runs that were fitted to this session, or that it is of."""
        self._screen.run_worker(
            open_steering(
                self._screen, self._state.path.resolve(), self._setup, self._state.tell, self._steering_here()
            ),
            group="steering",
        )

    def _steering_here(self) -> dict[str, str]:
        """From, to, labels and layer of a run, by the cursors: row, column and layer."""
        cell, selection = self._matrix.selected_cell(), self._state.selection
        if cell is None or selection is None:
            return {}
        source, target, _ = cell
        ends = {"source": source, "target": target} if source != target else {"source": source}
        return {**ends, "labels": selection.main[0], "layers": str(self._state.layer)}

    def action_gallery(self) -> None:
        """All images, by subject."""
        self._open_gallery(None)

    def action_cell_pair(self) -> None:
        """Both classes of the selected cell of the matrix over the layers; of one class its images."""
        cell, selection = self._matrix.selected_cell(), self._state.selection
        if cell is None or selection is None or cell[0] == cell[1]:
            self.action_cell_pictures()
            return
        from subspacelens_tui.app.screens.pair import PairScreen

        scheme, branch = selection.main
        settings = replace(selection.settings, labels=scheme, branch=branch)
        path, pictures = self._state.path, self.action_cell_pictures
        self._open(
            PairScreen(path, self._worker, settings, cell[:2], self._setup, pictures, self._state.layer)
        )

    def action_cell_pictures(self) -> None:
        """The images of both classes of the selected cell of the matrix."""
        matrix, selection = self._matrix, self._state.selection
        cell = matrix.selected_cell()
        if cell is None or selection is None or selection.settings.guidance is None:
            self._state.tell("there is no overlap here yet: no classes to show images of")
            return
        from subspacelens_tui.app.pictures.tiles import Pair

        first, second, value = cell
        overlap = f"overlap {numbers.fraction(value, 3)} at layer {self._state.layer}, {matrix.sample()}"
        says = overlap if first != second else first
        self._open_gallery(Pair(selection.main[0], first, second, selection.settings.guidance, says))

    def _open_gallery(self, pair: "Pair | None") -> None:
        if self._setup.preferences.pictures == "off":
            self._state.tell("pictures are off: start with --pictures auto, or set it in the settings")
            return
        from subspacelens_tui.app.screens.gallery import GalleryScreen

        scheme = self._state.selection.main[0] if self._state.selection is not None else None
        self._open(GalleryScreen(self._state.path, self._setup, scheme, pair))

    def action_sweep(self) -> None:
        """One metric over all guidance scales and captured steps."""
        recording, selection = self._state.recording, self._state.selection
        if selection is None or recording is None or not recording.blocks:
            return
        from subspacelens_tui.app.screens.sweep import SweepScreen

        def chosen(configuration: Configuration | None) -> None:
            if configuration is not None and self._state.selection is not None:
                found = configuration.step, configuration.guidance
                self._state.look(with_configuration(self._state.selection, recording.manifest, *found))

        name = self._state.path.resolve().name
        screen = SweepScreen(
            name,
            self._worker,
            recording.manifest,
            selection.settings,
            self._setup,
            recording.problems,
            self._state.layer,
        )
        self._open(screen, chosen)

    def action_claims(self) -> None:
        """The article's claims, judged by this session."""
        recording, selection = self._state.recording, self._state.selection
        if selection is None or recording is None or not recording.blocks:
            return
        from subspacelens_tui.app.screens.report import ReportScreen

        name = self._state.path.resolve().name
        self._open(ReportScreen(name, self._worker, selection.settings, self._setup))

    def action_compare(self) -> None:
        """This selection against another of the session, or of another session."""
        recording, selection = self._state.recording, self._state.selection
        if selection is None or recording is None or not recording.blocks:
            return
        from subspacelens_tui.app.screens.compare import CompareScreen, Side

        path, here = self._state.path, replace(selection.settings, images=None)
        other = here
        if has_two_branches(selection, recording.manifest):
            other = replace(here, branch="uncond" if here.branch == "cond" else "cond")
        elif len(recording.manifest.capture_steps) > 1:
            other = CHOICES["step"].moved(selection, recording.manifest, 1).settings
        sides = Side(path, here), Side(path, other)
        self._open(CompareScreen(*sides, self._setup, {path: self._worker}, self._state.layer))
