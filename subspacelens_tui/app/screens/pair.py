"""Two classes over the layers: are they apart, where, and is it more than chance?"""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.deferred import overlap_errors
from subspacelens_tui.analysis.left_out import NoImagesError
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.quantities import HEADLINE
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app.controllers.export import Exportable
from subspacelens_tui.app.jobs import Job
from subspacelens_tui.app.key_table import ANYWHERE, PAIR
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.refinement_stages import FEW, MANY, full
from subspacelens_tui.app.screens.exporting import adopt_export
from subspacelens_tui.app.screens.layer_keys import LayerKeys
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.layer_plot import LayerPlot
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions.sanitise import plain

SHOWN = ("excess", "delta_R", "overlap_mean")
_JOB = "pair"


class PairScreen(Screen[None], LayerKeys):
    """Excess, ΔR and overlap of two classes, of their images alone, each with its null and its error.

    Args:
        session: its name.
        worker: of the session; this is computed beside what else it does.
        settings: of the selection.
        classes: the two.
        setup: the user's settings.
        pictures: shows the images of both side by side.
        layer: to select.
    """

    KEYS: ClassVar = (PAIR, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)

    def __init__(
        self,
        session: str,
        worker: Worker,
        settings: Settings,
        classes: tuple[str, str],
        setup: Setup,
        pictures: Callable[[], object],
        layer: int = 0,
    ) -> None:
        super().__init__()
        self._session, self._worker, self.setup = session, worker, setup
        self._settings = replace(
            settings, classes=classes, images=None, errors=settings.errors or "auto", subspace_dim=None
        )
        self._pictures, self._layer = pictures, layer
        self._found: Result | None = None
        self._refining, self._reason = True, "computing …"
        send_minimal_updates(self)
        adopt_export(self, self._exportable)

    def compose(self) -> ComposeResult:
        """Title, curves, keys."""
        yield Static("", id="title", markup=False)
        yield Static("", id="side-a", classes="side", markup=False)
        yield Static("", id="side-b", classes="side", markup=False)
        for name in SHOWN:
            plot = LayerPlot(name, id=f"pair-{name}")
            plot.markers = self.setup.preferences.markers
            yield plot
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(PAIR, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Ask for a first null, then for a better one with the errors of the overlap."""
        self._ask(FEW)
        self._show()

    def on_unmount(self) -> None:
        """What is not computed yet is not wanted any more."""
        self._worker.drop(_JOB)

    def _ask(self, permutations: int) -> None:
        stage = full(permutations)
        settings = replace(
            self._settings,
            permutations=stage.permutations,
            overlap_permutations=max(FEW, stage.overlap_permutations),
        )

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            found = analyzer.figures(settings, cancelled)
            if not found.layers:
                raise NoImagesError(found.absent)
            if permutations < MANY:
                return found
            places = range(len(found.layers))
            return replace(
                found, layers=tuple(overlap_errors(analyzer, found, place, cancelled) for place in places)
            )

        def done(found: object, reason: str | None) -> None:
            if isinstance(found, Result):
                self._found = found
            elif self._found is None:
                self._reason = reason or "it could not be computed"
            self._refining = permutations < MANY and isinstance(found, Result)
            self._show()
            if self._refining and self.is_attached:
                self._ask(MANY)

        self._worker.want(Job(_JOB, settings, work, done, urgent=True))

    def _show(self) -> None:
        if not self.is_attached:
            return
        first, second = map(plain, self._settings.classes or ("", ""))
        self.query_one("#title", Static).update(f" Pair  {first} × {second}")
        self.query_one("#side-a", Static).update(f" {self._of()}")
        self.query_one("#side-b", Static).update(f" {self._evidence()}")
        if self._found is not None:
            self._layer = min(self._layer, len(self._found.layers) - 1)
        for plot in self.query(LayerPlot):
            plot.update(self._found, self._layer, plain(self._reason))

    def _of(self) -> str:
        """What it is of."""
        at, found = self._settings, self._found
        of = f"{plain(at.labels or '')} · {at.branch} · ε {at.eps:g} · {at.features}"
        if found is None:
            return of
        return f"{of} · step {found.step_name} · N {found.images} · r {found.settings.subspace_dim}"

    def _evidence(self) -> str:
        """What the bands are, and how good the null is by now."""
        found = self._found
        if found is None:
            return ""
        null = next((layer.null for layer in found.layers if layer.null), None)
        count = f"{null.permutations} permutations, {found.settings.design}" if null else "no null"
        more = " (more on their way)" if self._refining else f" · {found.tests(HEADLINE).short('layers')}"
        return f"░ null 95 %: {count}{more} · ╱ error 95 %: {found.settings.errors}"

    # Export

    def _numbers(self) -> Numbers:
        from subspacelens_tui.analysis.output.rows import figure_rows

        return list(figure_rows(self._found)) if self._found is not None else []

    def _exportable(self) -> Exportable:
        plots = list(self.query(LayerPlot))
        lines = [str(line.render()).strip() for line in self.query(Static)]
        classes = self._settings.classes or ()
        return Exportable(
            heading="the pair",
            title="   ".join(lines),
            session=self._session,
            parts=("pair", self._settings.labels, *classes),
            text="\n".join([*lines, *(plot.as_text() for plot in plots)]),
            seen=[row for plot in plots for row in plot.seen()],
            numbers=self._numbers(),
            sources=[(self._session, self._found.settings if self._found else self._settings)],
        )

    # What the keys do

    def action_pair_pictures(self) -> None:
        """The images of both classes side by side."""
        self._pictures()

    def action_leave_pair(self) -> None:
        """Back to the matrix."""
        self.dismiss(None)
