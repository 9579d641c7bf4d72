"""Taking a pane away."""

from collections.abc import Iterator

from subspacelens_tui.app.controllers.export import Looked, Taking
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.screens.session.base import SessionBase

_WITH_LAYER = ("overlap", "inspector", "spectrum")


class TakingActions(SessionBase, Taking):
    """Copying and exporting the focused pane."""

    _active = "excess"

    def _pane(self) -> Pane:
        """The focused pane, else the one last gone to."""
        return self.focused if isinstance(self.focused, Pane) else self._seen(self._active)

    def _looked_at(self) -> Looked:
        pane = self._pane()
        return Looked(
            heading=pane.heading,
            title=pane.title_text,
            session=self._path.resolve().name,
            parts=tuple(self._parts(pane)),
            text=pane.as_text(),
            seen=pane.seen(),
            numbers=pane.numbers(),
            plot=pane.publication,
        )

    def _complain(self, words: str) -> None:
        self._complaint = words
        self._show()

    def _parts(self, pane: Pane) -> Iterator[object]:
        yield pane.id
        main = self.analysis.main if self.analysis else None
        if main is None:
            return
        assert self.analysis is not None
        of = main.settings
        yield from (of.labels, self.analysis.view.branch, f"step{of.step}", f"guidance{of.guidance:g}")
        yield from (f"eps{of.eps:g}", of.features)
        if pane.id in _WITH_LAYER:
            yield f"layer{self.selected}"
        yield f"n{main.images}"
