"""Giving the panes what they show: all at once, or new metrics pane by pane."""

from collections.abc import Callable, Sequence

from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.snapshots import Analysis


class PaneUpdates:
    """Hands snapshots to the panes.

    New metrics of the same selection go to one pane after the other, those on the screen, so that a key waits
    for one pane and not for all: to be drawn, and over SSH for its bytes to arrive.

    Args:
        panes: in their order.
        state: what they show.
        soon: has something called once the keys that were typed meanwhile are done.
        timed: whether somebody calls `show_next` by the clock instead, as over SSH.

    Attributes:
        late: the panes whose turn has not come.
    """

    def __init__(
        self,
        panes: Sequence[Pane],
        state: SessionState,
        soon: Callable[[Callable[[], None]], object],
        timed: bool,
    ) -> None:
        self._panes, self._state = panes, state
        self._soon, self._timed = soon, timed
        self.late: list[Pane] = []

    def show(self, but: Sequence[Pane] = ()) -> None:
        """Give every pane but some what it shows now; one whose turn has not come stays with its metrics."""
        for pane in self._panes:
            if pane not in but:
                analysis = pane.analysis if pane in self.late else self._state.analysis
                pane.update(self._state.recording, analysis, self._state.layer)

    def show_next(self) -> None:
        """The new metrics for the pane whose turn it is."""
        if self.late:
            self.late.pop(0).update(self._state.recording, self._state.analysis, self._state.layer)

    def begin(self, before: Analysis | None) -> None:
        """Note whose turn comes: of another selection all get their metrics at once."""
        analysis = self._state.analysis
        if before is None or analysis is None or before.selection != analysis.selection:
            self.late = []
        else:
            self.late += [pane for pane in self._panes if pane.is_on_screen and pane not in self.late]

    def forget(self) -> None:
        """All get what they show at once: it is of another session."""
        self.late = []

    def go_on(self) -> None:
        """One pane after the other, as fast as it goes but with keys between."""
        if self.late and not self._timed:
            self.show_next()
            self._soon(self.go_on)
