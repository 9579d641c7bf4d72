"""Two classes over the layers: are they apart, where, and is it more than chance?"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.deferred import overlap_errors
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.quantities import HEADLINE
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.arrangement import WIDE
from subspacelens_tui.app.controllers.export import Exportable
from subspacelens_tui.app.key_table import ANYWHERE, PAIR
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.pictures.source import Listing, PictureSource
from subspacelens_tui.app.pictures.tiles import in_rounds, in_words, tiles_of
from subspacelens_tui.app.refinement_stages import FEW, MANY, full
from subspacelens_tui.app.screens.exporting import adopt_export
from subspacelens_tui.app.screens.layer_keys import LayerKeys
from subspacelens_tui.app.screens.with_pictures import WithPictures
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.layer_plot import LayerPlot
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions.sanitise import plain

SHOWN = ("excess", "delta_R", "overlap_mean")
# Rows of the screen that three plots need.
_TALL = 32
_JOB, _SIDES = "pair", ("pair-first", "pair-second")


class PairScreen(WithPictures[Listing], LayerKeys):
    """Excess, ΔR and overlap of two classes, of their images alone, each with its null and its error.

    Beside them, where there is room, the images.

    Args:
        path: the session's folder.
        worker: of the session; this is computed beside what else it does.
        settings: of the selection.
        classes: the two.
        setup: the user's settings.
        pictures: shows the images of both with all the room.
        layer: to select.
    """

    KEYS: ClassVar = (PAIR, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)

    def __init__(
        self,
        path: Path,
        worker: Worker,
        settings: Settings,
        classes: tuple[str, str],
        setup: Setup,
        pictures: Callable[[], object],
        layer: int = 0,
    ) -> None:
        super().__init__()
        self._session, self._worker, self.setup = path.resolve().name, worker, setup
        self._settings = replace(
            settings, classes=classes, images=None, errors=settings.errors or "auto", subspace_dim=None
        )
        self._pictures, self._layer = pictures, layer
        self._found: Result | None = None
        self._refining, self._reason = True, "computing …"
        self._set_up_pictures(PictureSource(path))
        adopt_export(self, self._exportable)
        self._adopt_axes()

    def compose(self) -> ComposeResult:
        """Title, curves, keys."""
        yield Static("", id="title", markup=False)
        yield Static("", id="side-a", classes="side", markup=False)
        yield Static("", id="side-b", classes="side", markup=False)
        with Horizontal(id="pair"):
            with Vertical():
                for name in SHOWN:
                    plot = LayerPlot(name, id=f"pair-{name}")
                    plot.markers = self.setup.preferences.markers
                    yield plot
            for side in _SIDES:
                grid = self._picture_grid(side)
                # The keys are those of the curves; `enter` shows all images, with keys of their own.
                grid.can_focus = False
                yield grid
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(PAIR, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Ask for a first null, then for a better one with the errors of the overlap."""
        self._ask(FEW)
        self._show()
        if self.setup.preferences.pictures != "off":
            self._begin_pictures()

    def on_unmount(self) -> None:
        """What is not computed yet is not wanted any more."""
        self._worker.drop(_JOB)
        self._source.close()

    def on_resize(self, event: events.Resize) -> None:
        """Images beside the curves, where both have room; one plot at a time where three would be flat."""
        self.set_class(event.size.height < _TALL, "flat")
        beside = event.size.width >= WIDE and self.setup.preferences.pictures != "off"
        for grid in self.query(PictureGrid):
            grid.display = beside

    def _show_listing(self, listing: Listing) -> None:
        at, classes = self._settings, self._settings.classes or ()
        for side, name in zip(_SIDES, classes, strict=True):
            # A round of all subjects before the next: the first images seen are as different as they come.
            tiles = in_rounds(tiles_of(listing, at.labels or "", name, at.guidance))
            empty = ("No image of this class is recorded yet.",)
            self.query_one(f"#{side}", PictureGrid).update(tiles, f"{name} · {len(tiles)} images", empty)

    def _complain(self, complaint: str | None) -> None:
        self.query_one(StatusLine).warn([complaint] if complaint else [])

    def on_picture_grid_moved(self, message: PictureGrid.Moved) -> None:
        """An image was clicked: what it is of."""
        grid = message.grid
        if self._listing is not None and grid.tiles:
            words = in_words(self._listing.manifest, grid.tiles[grid.chosen].image)
            self.query_one(StatusLine).update("note", words)

    def on_picture_grid_opened(self) -> None:
        """It was clicked again."""
        self._pictures()

    def _ask(self, permutations: int) -> None:
        stage = full(permutations)
        settings = replace(
            self._settings,
            permutations=stage.permutations,
            overlap_permutations=max(FEW, stage.overlap_permutations),
        )

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            found = analyzer.result(settings, cancelled)
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
        """What the bands are, and how good the null is by now, in the words that fit."""
        found = self._found
        if found is None:
            return ""
        null = next((layer.null for layer in found.layers if layer.null), None)
        forms = ["no null"]
        if null is not None:
            # Those of the matrix exchange labels among all classes, so that p there is another one.
            count = f"null 95 %: {null.permutations} permutations"
            both = f"{count} of these two"
            forms = [f"░ {line}" for line in (f"{both} ({found.settings.design})", both, count)]
            forms.append(f"░ null, n = {null.permutations}")
        more = " (more on their way)" if self._refining else f" · {found.tests(HEADLINE).short('layers')}"
        lines = [f"│ 95 % CI, {found.settings.errors} · {form}{more}" for form in forms]
        return next((line for line in lines if len(line) < self.size.width), lines[-1])

    # Export

    def _numbers(self) -> Numbers:
        from subspacelens_tui.analysis.output.rows import layer_rows

        return list(layer_rows(self._found)) if self._found is not None else []

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
