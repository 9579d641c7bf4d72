"""What costs seconds: computed for the layer that is looked at, once its other figures are there."""

from dataclasses import replace

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.closely import closely, rank_errors
from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.analysis.watch import IsCancelled
from subspacelens_tui.app.jobs import Job
from subspacelens_tui.app.screens.session.base import SessionBase
from subspacelens_tui.app.snapshots import Analysis


class CloseActions(SessionBase):
    """A closer look at the selected layer, and the errors of all layers' ranks."""

    def _look_closely(self) -> None:
        """Ask for it, if the figures are as good as they will be."""
        analysis, layer = self.analysis, self.selected
        main = analysis.main if analysis else None
        if analysis is None or main is None or analysis.refining or layer >= len(main.layers):
            return
        view, images = analysis.view, main.images

        def look(analyzer: Analyzer, cancelled: IsCancelled) -> LayerFigures:
            return closely(analyzer, main, layer, cancelled)

        def looked(found: object, reason: str | None) -> None:
            assert self.analysis is not None
            if self.analysis.view != view:
                return
            kept = self.analysis.closer if self.analysis.closer_images == images else {}
            of_layer = found if isinstance(found, LayerFigures) else _without(main.layers[layer], reason)
            self._take_closer(replace(self.analysis, closer={**kept, layer: of_layer}, closer_images=images))

        self.analyst.want(Job("layer", (view, images, layer), look, looked))
        if self.recording is None or self.recording.state.phase.running or main.settings.errors is None:
            return

        def errors(analyzer: Analyzer, cancelled: IsCancelled) -> list[LayerFigures]:
            return [rank_errors(analyzer, main, layer, cancelled) for layer in range(len(main.layers))]

        def computed(found: object, reason: str | None) -> None:
            if self.analysis is not None and self.analysis.main is main and isinstance(found, list):
                figures = {**self.analysis.figures, view.main: replace(main, layers=tuple(found))}
                self._take_closer(replace(self.analysis, figures=figures))

        self.analyst.want(Job("rank errors", (view, images), errors, computed))

    def _take_closer(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._show()


def _without(layer: LayerFigures, reason: str | None) -> LayerFigures:
    """The layer where the closer look failed."""
    missing = dict.fromkeys(("split_half_ceiling", "normality"), reason or "it could not be computed")
    return replace(layer, missing={**layer.missing, **missing})
