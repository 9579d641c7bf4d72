"""What the parts of the session screen share: what is shown, and how a change of it reaches everyone."""

from collections.abc import Sequence
from pathlib import Path

from textual.screen import Screen

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.initial_settings import opening_settings
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.selection import Measure, View
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.app.worker import Analyst


class SessionBase(Screen[None], NeedsRoom):
    """State of the screen. Data flows one way: analyst → here → widgets.

    Attributes:
        setup: the user's settings, and what else comes from outside.
        analyst: follows the session and computes, in the background.
        recording: how the session stands, as last read.
        analysis: the figures shown, as last computed.
        view: what the user has chosen; None until the session is open.
        selected: the layer that all panes share.
        splits: sizes that panes side by side were given, see `app.saved_state`.
        measure: which of excess and ΔR the curves show.
        panes: all of them, in the order of their numbers.
        shows: which of the panes that share a place is seen there; the first unless chosen.
    """

    panes: list[Pane]

    def __init__(
        self,
        path: Path,
        settings: Settings | None = None,
        layer: int | None = None,
        analyst: Analyst | None = None,
        setup: Setup | None = None,
    ) -> None:
        super().__init__()
        self.setup = setup or Setup()
        self._asked = settings is not None
        self._settings = settings or opening_settings(self.setup, path)
        self.analyst = analyst or Analyst(path, self._settings)
        self.splits = dict(self.setup.memory.now.splits)
        self._path = path
        self._asked_layer = layer
        self.recording: Recording | None = None
        self.analysis: Analysis | None = None
        self.view: View | None = None
        self.selected = 0
        self.measure: Measure = "both"
        self.shows: dict[str, str] = {}
        self._complaint: str | None = None
        self._notice: str | None = None
        self._late: list[Pane] = []

    def _seen(self, place: str) -> Pane:
        """The pane that is seen at a place."""
        of_place = [pane for pane in self.panes if pane.slot == place]
        return next((pane for pane in of_place if pane.id == self.shows.get(place)), of_place[0])

    def _show_panes(self, but: Sequence[Pane] = ()) -> None:
        """Give every pane but some what it shows now; one whose turn has not come stays with its figures."""
        for pane in self.panes:
            if pane not in but:
                analysis = pane.analysis if pane in self._late else self.analysis
                pane.update(self.recording, analysis, self.selected)

    def _show_next_pane(self) -> None:
        """The new figures for the pane whose turn it is."""
        if self._late:
            self._late.pop(0).update(self.recording, self.analysis, self.selected)

    def _show(self, but: Sequence[Pane] = ()) -> None:
        """Give every widget, but for some panes, what it shows now."""
        raise NotImplementedError

    def _look(self, view: View) -> None:
        """Change what is looked at."""
        if view != self.view:
            self.view = view
            self._complaint = self._notice = None
            self.analyst.look(view)
            self._show()

    def _tell(self, words: str) -> None:
        """Say something until another view is looked at."""
        self._notice = words
        self._show()

    @property
    def _recorded(self) -> int:
        """Recorded images of the chosen guidance scale."""
        if self.recording is None or self.view is None or self.view.settings.guidance is None:
            return 0
        return self.recording.recorded.get(self.view.settings.guidance, 0)

    @property
    def _behind(self) -> int | None:
        """How many images the figures are of while a recording runs ahead of them."""
        main = self.analysis.main if self.analysis is not None and self.analysis.view == self.view else None
        if main is None or self.recording is None or not self.recording.state.phase.running:
            return None
        return min(main.images, self._recorded)

    @property
    def _planned(self) -> int:
        if self.recording is None or self.view is None:
            return 0
        scale = self.view.settings.guidance
        return sum(image.guidance == scale for image in self.recording.manifest.images)

    @property
    def _blocks(self) -> int:
        return self.recording.blocks if self.recording else 0
