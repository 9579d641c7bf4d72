"""What costs seconds: computed for the layer that is looked at, once its other figures are there."""

from collections.abc import Callable
from dataclasses import replace

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.closely import close_errors, closely, rank_errors, split_halves
from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.steps import Separations, separations
from subspacelens_tui.analysis.watch import IsCancelled, Watch
from subspacelens_tui.app.jobs import Job
from subspacelens_tui.app.refinement import FEW
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

        def more(analyzer: Analyzer, cancelled: IsCancelled) -> LayerFigures:
            # What came before is kept, and costs nothing.
            found = closely(analyzer, main, layer, cancelled)
            errors = close_errors(analyzer, main, layer, cancelled)
            return replace(found, errors=errors.errors, missing={**errors.missing, **found.missing})

        def looked(found: object, reason: str | None) -> None:
            assert self.analysis is not None
            if self.analysis.view != view:
                return
            kept = self.analysis.closer if self.analysis.closer_images == images else {}
            of_layer = found if isinstance(found, LayerFigures) else _without(main.layers[layer], reason)
            self._take_closer(replace(self.analysis, closer={**kept, layer: of_layer}, closer_images=images))

        self.analyst.want(Job("layer", (view, images, layer), look, looked))
        if main.settings.errors is not None:
            self.analyst.want(Job("overlap error", (view, images, layer), more, looked))
        self._compare_layers(analysis, main)
        self._compare_steps(analysis, main)
        self._want_errors("rank errors", analysis, main, rank_errors)

    def _want_errors(
        self,
        name: str,
        analysis: Analysis,
        main: Figures,
        of_layer: Callable[[Analyzer, Figures, int, IsCancelled], LayerFigures],
    ) -> None:
        """Ask for errors that are by recomputation, of all layers, unless the recorder needs the core."""
        if self.recording is None or self.recording.state.phase.running or main.settings.errors is None:
            return

        def errors(analyzer: Analyzer, cancelled: IsCancelled) -> list[LayerFigures]:
            return [of_layer(analyzer, main, layer, cancelled) for layer in range(len(main.layers))]

        def computed(found: object, reason: str | None) -> None:
            now = self.analysis.main if self.analysis else None
            if self.analysis is None or now is None or self.analysis.view != analysis.view:
                return
            if isinstance(found, list) and now.images == main.images:
                pairs = zip(now.layers, found, strict=True)
                layers = tuple(replace(a, errors={**a.errors, **b.errors}) for a, b in pairs)
                figures = {**self.analysis.figures, analysis.view.main: replace(now, layers=layers)}
                self._take_closer(replace(self.analysis, figures=figures))

        self.analyst.want(Job(name, (analysis.view, main.images), errors, computed))

    def _compare_layers(self, analysis: Analysis, main: Figures) -> None:
        """Halves of the classes in all layers, where these are seen."""
        if not self.query_one("#course").display:
            return
        view = analysis.view

        def halves(analyzer: Analyzer, cancelled: IsCancelled) -> object:
            return split_halves(analyzer, main, cancelled)

        def computed(found: object, reason: str | None) -> None:
            if self.analysis is not None and self.analysis.view == view and isinstance(found, tuple):
                self._take_closer(replace(self.analysis, halves=found, halves_images=main.images))

        self.analyst.want(Job("halves", (view, main.images), halves, computed))
        self._want_errors("overlap errors", analysis, main, close_errors)

    def _compare_steps(self, analysis: Analysis, main: Figures) -> None:
        """Where the classes overlap least at each step, where this is seen."""
        if not self.query_one("#separation").display:
            return
        view = analysis.view
        settings = replace(
            main.settings,
            errors=None,
            permutations=FEW,
            overlap_permutations=FEW,
            images=view.settings.images,
        )

        def compare(analyzer: Analyzer, cancelled: IsCancelled) -> Separations:
            def figures_at(step: int) -> Figures:
                return analyzer.figures(replace(settings, step=step), cancelled)

            return separations(analyzer, settings, Watch(cancelled), figures_at)

        def compared(found: object, reason: str | None) -> None:
            if self.analysis is None or self.analysis.view != view:
                return
            steps = found if isinstance(found, Separations) else Separations((), reason or "", main.images)
            self._take_closer(replace(self.analysis, separation=steps))

        self.analyst.want(Job("separation", (view, main.images), compare, compared))

    def _take_closer(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._show()


def _without(layer: LayerFigures, reason: str | None) -> LayerFigures:
    """The layer where the closer look failed."""
    missing = dict.fromkeys(("split_half_ceiling", "normality"), reason or "it could not be computed")
    return replace(layer, missing={**layer.missing, **missing})
