"""Metrics that cost seconds: asked for once the others are there, and only for panes that are seen."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import replace

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.class_pairs import Pairs, pairs
from subspacelens_tui.analysis.deferred import (
    cka_of_layers,
    deferred_errors,
    deferred_metrics,
    rank_errors,
    split_halves,
)
from subspacelens_tui.analysis.least_overlap_by_step import Separations, separations
from subspacelens_tui.analysis.metrics import METRICS, Cost
from subspacelens_tui.analysis.over_eps import OverEps, over_eps
from subspacelens_tui.analysis.progress import IsCancelled, Watch
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.sparse_dictionaries import trained_beside
from subspacelens_tui.analysis.sparse_results import (
    Asked,
    SparseLayer,
    SparseResult,
    sparse_comparison,
)
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.controller import Controller
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.panes.pane import Deferred
from subspacelens_tui.app.refinement_stages import FEW
from subspacelens_tui.app.snapshots import Analysis
from subspacelens_tui.sessions.random_control import control_of


class DeferredMetrics(Controller):
    """A closer look at the selected layer, and what the panes that are seen need beside it.

    Args:
        state: of the screen.
        needed: what these panes need.
    """

    def __init__(self, state: SessionState, needed: Callable[[], Collection[Deferred]]) -> None:
        self._state = state
        self._needed = needed

    def action_positions(self) -> None:
        """Have the lenses of tokens minus the mean at their position, or of tokens as they are."""
        state = self._state
        if state.recording is None:
            return
        if state.recording.manifest.tokens is None:
            state.tell("this session has no tokens: record them with `subspacelens-tui record --tokens`")
            return
        state.without_position = not state.without_position
        of = "tokens minus the mean at their position" if state.without_position else "tokens as they are"
        state.tell(f"lenses: of {of}")
        self.ask()

    def ask(self) -> None:
        """Ask the worker for all of it, if the other metrics are as good as they will be."""
        analysis, layer = self._state.analysis, self._state.layer
        main = analysis.main if analysis else None
        if analysis is None or main is None or analysis.refining or layer >= len(main.layers):
            return
        selection, images = analysis.selection, main.images

        def look(analyzer: Analyzer, cancelled: IsCancelled) -> LayerResult:
            return deferred_metrics(analyzer, main, layer, cancelled)

        def more(analyzer: Analyzer, cancelled: IsCancelled) -> LayerResult:
            # What came before is kept, and costs nothing.
            found = deferred_metrics(analyzer, main, layer, cancelled)
            layers = (*main.layers[:layer], found, *main.layers[layer + 1 :])
            return deferred_errors(analyzer, replace(main, layers=layers), layer, cancelled)

        def looked(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is None or now.selection != selection:
                return
            kept = now.closer if now.closer_images == images else {}
            of_layer = found if isinstance(found, LayerResult) else _without(main.layers[layer], reason)
            self._take(replace(now, closer={**kept, layer: of_layer}, closer_images=images))

        self._want("layer", (selection, images, layer), look, looked)
        needed = self._needed()
        if Deferred.CKA in needed:
            self._compare_layers(analysis, main)
        if Deferred.OVER_EPS in needed:
            self._over_eps(analysis, main, layer)
        if Deferred.CONTROL in needed:
            self._measure_control(analysis, main)
        if Deferred.SPARSE in needed:
            self._compare_lenses(analysis, main)
        if main.settings.errors is not None:
            self._want("overlap error", (selection, images, layer), more, looked)
        if Deferred.SPLIT_HALVES in needed:
            self._split_halves(analysis, main)
        if Deferred.LEAST_OVERLAP_BY_STEP in needed:
            self._compare_steps(analysis, main)
        self._want_errors("rank errors", analysis, main, rank_errors)
        if Deferred.PAIRS in needed and not self._recording_runs:
            self._test_pairs(analysis, main, layer)

    def _want_errors(
        self,
        name: str,
        analysis: Analysis,
        main: Result,
        of_layer: Callable[[Analyzer, Result, int, IsCancelled], LayerResult],
    ) -> None:
        """Ask for errors that are by recomputation, of all layers, unless the recorder needs the core."""
        if self._recording_runs or main.settings.errors is None:
            return

        def errors(analyzer: Analyzer, cancelled: IsCancelled) -> list[LayerResult]:
            return [of_layer(analyzer, main, layer, cancelled) for layer in range(len(main.layers))]

        def computed(found: object, reason: str | None) -> None:
            shown = self._state.analysis
            now = shown.main if shown else None
            if shown is None or now is None or shown.selection != analysis.selection:
                return
            if isinstance(found, list) and now.images == main.images:
                pairs = zip(now.layers, found, strict=True)
                layers = tuple(replace(a, errors={**a.errors, **b.errors}) for a, b in pairs)
                results = {**shown.results, analysis.selection.main: replace(now, layers=layers)}
                self._take(replace(shown, results=results))

        self._want(name, (analysis.selection, main.images), errors, computed)

    def _split_halves(self, analysis: Analysis, main: Result) -> None:
        """Halves of the classes in all layers, and the errors of the overlap."""
        selection = analysis.selection

        def halves(analyzer: Analyzer, cancelled: IsCancelled) -> object:
            return split_halves(analyzer, main, cancelled)

        def computed(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is not None and now.selection == selection and isinstance(found, tuple):
                self._take(replace(now, halves=found, halves_images=main.images))

        self._want("halves", (selection, main.images), halves, computed)
        self._want_errors("overlap errors", analysis, main, deferred_errors)

    def _compare_steps(self, analysis: Analysis, main: Result) -> None:
        """Where the classes overlap least at each step."""
        selection = analysis.selection
        settings = replace(
            main.settings,
            errors=None,
            between_layers=False,
            permutations=FEW,
            overlap_permutations=FEW,
            images=selection.settings.images,
        )

        def compare(analyzer: Analyzer, cancelled: IsCancelled) -> Separations:
            def result_at(step: int) -> Result:
                return analyzer.result(replace(settings, step=step), cancelled)

            return separations(analyzer, settings, Watch(cancelled), result_at)

        def compared(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is None or now.selection != selection:
                return
            steps = found if isinstance(found, Separations) else Separations((), reason or "", main.images)
            self._take(replace(now, separation=steps))

        self._want("separation", (selection, main.images), compare, compared)

    def _compare_layers(self, analysis: Analysis, main: Result) -> None:
        """How alike the layers arrange the images."""
        selection = analysis.selection

        def compare(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            return cka_of_layers(analyzer, main, cancelled)

        def compared(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is not None and now.selection == selection:
                alike = found if isinstance(found, Result) else replace(main, missing={"cka": reason or ""})
                self._take(replace(now, alike=alike))

        self._want("cka", (selection, main.images), compare, compared)

    @property
    def _recording_runs(self) -> bool:
        recording = self._state.recording
        return recording is None or recording.state.phase.running

    def _test_pairs(self, analysis: Analysis, main: Result, layer: int) -> None:
        """The overlap of every two classes against that of their permuted labels."""
        if not main.settings.permutations or analysis.is_difference:
            return
        settings = replace(
            main.settings,
            images=analysis.selection.settings.images,
            overlap_permutations=None,
            errors=None,
            metrics=(),
            quick=False,
        )

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> Pairs:
            return pairs(analyzer, settings, main.numbers[layer], cancelled)

        def done(found: object, reason: str | None) -> None:
            if (now := self._still(main)) is not None:
                known = found if isinstance(found, Pairs) else reason or "they could not be tested"
                self._take(replace(now, pairs=(layer, known)))

        self._want("pairs", (settings, main.images, layer), work, done)

    def _still(self, main: Result) -> Analysis | None:
        """What is shown, if its main metrics are of the settings that these are of."""
        now = self._state.analysis
        same = now is not None and now.main is not None and now.main.settings == main.settings
        return now if same else None

    def _over_eps(self, analysis: Analysis, main: Result, layer: int) -> None:
        """The excess of the layer at other ε, first without its errors, which cost several times as much."""
        settings = replace(main.settings, images=analysis.selection.settings.images, metrics=())

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> OverEps:
            return over_eps(analyzer, replace(settings, errors=None), main.numbers[layer], cancelled)

        def more(analyzer: Analyzer, cancelled: IsCancelled) -> OverEps:
            return over_eps(analyzer, settings, main.numbers[layer], cancelled)

        def done(found: object, reason: str | None) -> None:
            if (now := self._still(main)) is not None:
                known = found if isinstance(found, OverEps) else reason or "it could not be computed"
                self._take(replace(now, over_eps=(layer, known)))

        key = (settings, main.images, layer)
        self._want("over ε", key, work, done)
        if settings.errors is not None:
            self._want("errors over ε", key, more, done)

    def _measure_control(self, analysis: Analysis, main: Result) -> None:
        """The main metrics of the session's control, without null and errors; it is finished after it."""
        finished = self._state.recording.control if self._state.recording is not None else 0
        if not finished:
            return
        settings = replace(
            main.settings,
            images=analysis.selection.settings.images,
            permutations=0,
            overlap_permutations=None,
            errors=None,
            metrics=(),
        )

        def measure(analyzer: Analyzer, cancelled: IsCancelled) -> Result | None:
            control = control_of(analyzer.session)
            return None if control is None else Analyzer(control).result(settings, cancelled)

        def measured(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is not None and now.selection == analysis.selection:
                self._take(replace(now, control=found if isinstance(found, Result) else None))

        self._want("control", (settings, main.images, finished), measure, measured)

    def _compare_lenses(self, analysis: Analysis, main: Result) -> None:
        """What tokens take under each lens, with the autoencoders trained beside them: layer by layer.

        Each takes a second or more, so that the selected one comes first, and what is there is shown. Once
        another autoencoder of a layer is trained, the layer is measured again.
        """
        selection, images, recording = analysis.selection, main.images, self._state.recording
        trained = recording.trainings.finished if recording is not None else {}
        without = self._state.without_position
        still = (analysis.sparse_images, analysis.sparse_without_position) == (images, without)
        measured_with = analysis.sparse_trained if still else {}
        if isinstance(analysis.sparse, str) and still and measured_with == trained:
            return
        known: dict[int, SparseLayer] = {}
        if isinstance(analysis.sparse, SparseResult) and still:
            known = {main.numbers.index(of.layer): of for of in analysis.sparse.layers}
        places = range(len(main.numbers))
        missing = [place for place in places if place not in known] or [
            place for place in places if trained.get(place, ()) != measured_with.get(place, ())
        ]
        if not missing:
            return
        place = self._state.layer if self._state.layer in missing else missing[0]
        layer = main.numbers[place]

        def compare(analyzer: Analyzer, cancelled: IsCancelled) -> SparseResult:
            Watch(cancelled).check()
            beside = trained_beside(analyzer.session, (layer,))
            asked = Asked(layers=(layer,), dictionaries=beside, without_position=without)
            return sparse_comparison(analyzer.session, main.settings, asked)

        def compared(found: object, reason: str | None) -> None:
            now = self._state.analysis
            if now is None or (now.selection, self._state.without_position) != (selection, without):
                return
            now = replace(now, sparse_images=images, sparse_without_position=without)
            if isinstance(found, SparseResult):
                layers = {**known, place: found.layers[0]}
                every = replace(found, layers=tuple(layers[at] for at in sorted(layers)))
                with_these = {**measured_with, place: trained.get(place, ())}
                now = replace(now, sparse=every, sparse_trained=with_these)
                self._compare_lenses(now, main)
            else:
                now = replace(now, sparse=reason or "", sparse_trained=trained)
            self._take(now)

        key = (selection, images, layer, without, trained.get(place, ()))
        self._want("sparse", key, compare, compared)

    def _want(
        self,
        name: str,
        key: Hashable,
        work: Callable[[Analyzer, IsCancelled], object],
        done: Callable[[object, str | None], None],
    ) -> None:
        """Ask the worker for one of them; keys that go back and forth find it again."""
        self._state.worker.want(Job(name, key, work, done, kept=True))

    def _take(self, analysis: Analysis) -> None:
        self._state.analysis = analysis
        self._state.changed()


def _without(layer: LayerResult, reason: str | None) -> LayerResult:
    """The layer where the closer look failed."""
    deferred = [metric.key for metric in METRICS.values() if metric.cost is Cost.DEFERRED]
    missing = dict.fromkeys(deferred, reason or "it could not be computed")
    return replace(layer, missing={**layer.missing, **missing})
