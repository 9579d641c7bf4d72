"""Several sessions over each other: one metric of each over the layers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.compare import COMPARED, depths_unlike, unlike
from subspacelens_tui.analysis.deferred import with_deferred_errors
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.layer_gaps import some_blocks_only
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.relative_depth import relative_depth
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.export import Exportable
from subspacelens_tui.app.key_table import ANYWHERE, OVERLAID
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.panes.pane import Numbers
from subspacelens_tui.app.refinement_stages import FEW, full
from subspacelens_tui.app.screens.exporting import adopt_export
from subspacelens_tui.app.screens.layer_keys import LayerKeys
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.overlaid_curves import OverlaidCurves
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.geometry import VIEWS
from subspacelens_tui.sessions.ranges import ranges
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

LETTERS = "ABCDEF"
"""One a session; there are no more colours that can be told apart."""
_POLL = 2.0


class OverlaidScreen(Screen[None], LayerKeys):
    """A line and a curve for each session, each at its defaults: first label scheme, cond, last step.

    Feature transform and ε are those of all sessions.

    Args:
        paths: of the sessions, at most as many as there are letters.
        setup: the user's settings.
    """

    KEYS: ClassVar = (OVERLAID, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)

    def __init__(self, paths: Sequence[Path], setup: Setup) -> None:
        super().__init__()
        self.setup = setup
        self._paths = dict(zip(LETTERS, paths, strict=False))
        self._workers: dict[str, Worker] = {}
        self._found: dict[str, Result | str] = {}
        self._metric, self._layer = COMPARED.index("excess"), 0
        stage = full(FEW)
        self._settings = Settings(
            eps=setup.preferences.eps,
            permutations=stage.permutations,
            overlap_permutations=stage.overlap_permutations,
            errors="auto",
        )
        send_minimal_updates(self)
        adopt_export(self, self._exportable)
        self._adopt_axes()

    def compose(self) -> ComposeResult:
        """Title, a line for each session, curves, message, keys."""
        yield Static("", id="title", markup=False)
        for letter in self._paths:
            yield Static("", id=f"session-{letter}", classes="side", markup=False)
        curves = OverlaidCurves()
        curves.markers = self.setup.preferences.markers
        yield curves
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(*self.KEYS)), id="keys")

    def on_mount(self) -> None:
        """Have every session computed, beside each other."""
        for letter, path in self._paths.items():
            worker = self._workers[letter] = Worker(path, self._settings)
            following = worker.run(_POLL, lambda _: None, lambda _: None, lambda _: None)
            self.run_worker(following, group="worker")
        self._ask_all()

    def on_unmount(self) -> None:
        """Let go of the sessions."""
        for worker in self._workers.values():
            worker.close()

    def _ask_all(self) -> None:
        self._found = {}
        for letter in self._paths:
            self._ask(letter, self._settings)
        self._show()

    def _ask(self, letter: str, settings: Settings) -> None:
        def first(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            found = analyzer.result(settings, cancelled)
            if not found.layers:
                raise NoImagesError(found.absent)
            return found

        def with_errors(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            return with_deferred_errors(analyzer, first(analyzer, cancelled), cancelled)

        def taken(found: object, reason: str | None) -> None:
            if settings != self._settings:
                return
            if isinstance(found, Result):
                self._found[letter] = found
            else:
                self._found.setdefault(letter, reason or "it could not be computed")
            self._show()

        # Ranks and overlaps get their errors, which take seconds, once all else is there.
        for name, work in (("curves", first), ("errors", with_errors)):
            job = Job(f"{name} of {letter}", settings, work, taken, urgent=name == "curves")
            self._workers[letter].want(job)

    @property
    def _results(self) -> dict[str, Result]:
        return {letter: of for letter in self._paths if isinstance(of := self._found.get(letter), Result)}

    def _show(self) -> None:
        if not self.is_attached:
            return
        metric, curves = COMPARED[self._metric], self.query_one(OverlaidCurves)
        title = quantity(metric).title_of(self._results.values())
        self.query_one("#title", Static).update(f" Sessions overlaid  {title}")
        for letter in self._paths:
            self.query_one(f"#session-{letter}", Static).update(f" {self._words(letter)}")
        results = self._results
        waiting = len(self._found) < len(self._paths)
        curves.results = results
        shown = min(self._layer, max(0, curves.places - 1))
        # What is selected stays while sessions are computed anew.
        self._layer = self._layer if waiting else shown
        curves.update(results, metric, shown, "computing …" if waiting else "")
        self.query_one(StatusLine).warn(self._unlike(results))

    def _words(self, letter: str) -> str:
        """What stands for a session in the plot, and what its curve is of."""
        found = self._found.get(letter, "computing …")
        name = f"{letter}  {plain(self._paths[letter].resolve().name)}"
        if isinstance(found, str):
            return f"{name}  {plain(found)}"
        of = found.settings
        at = f"{of.labels}  {of.branch}  step {found.step_name}  guidance {of.guidance:g}  {of.features}"
        precision = f"ε {of.eps:g}" if of.iso_rate is None else f"R = {of.iso_rate:g}"
        return plain(f"{name}  N {found.images}  {at}  {precision}  CI {of.errors}")

    def _unlike(self, results: dict[str, Result]) -> list[str]:
        """In what sessions differ from the first of them."""
        lines = []
        by_number = any(some_blocks_only(of.numbers) for of in results.values())
        if by_number and len({of.numbers for of in results.values()}) > 1:
            theirs = (f"{letter} has layers {ranges(of.numbers)}" for letter, of in results.items())
            lines.append(f"{', '.join(theirs)}: the curves are over the numbers of the blocks")
        for letter, other in list(results.items())[1:]:
            first = next(iter(results))
            found = [] if by_number else list(depths_unlike(results[first], other))
            lines += [f"{first}, {letter}: {line}" for line in (*found, *unlike(results[first], other))]
        return lines

    # Export

    def _numbers(self) -> Numbers:
        from subspacelens_tui.analysis.output.rows import curve_rows

        metric = COMPARED[self._metric]
        return [
            {
                "name": self._paths[letter].resolve().name,
                "relative_depth": None
                if some_blocks_only(of.numbers)
                else relative_depth(place, len(of.layers)),
                **row,
            }
            for letter, of in self._results.items()
            for place, row in enumerate(curve_rows(of, metric))
        ]

    def _publication(self, name: str) -> "Plot | None":
        from subspacelens_tui.analysis.output import curve_plot

        names = [self._paths[letter].resolve().name for letter in self._results]
        return curve_plot(name, list(self._results.values()), COMPARED[self._metric], names)

    def _exportable(self) -> Exportable:
        curves, results = self.query_one(OverlaidCurves), self._results
        lines = [str(line.render()).strip() for line in self.query(Static)]
        names = {letter: path.resolve().name for letter, path in self._paths.items()}
        return Exportable(
            heading="the sessions",
            title="   ".join(lines),
            session=names["A"],
            parts=("overlaid", COMPARED[self._metric], *names.values()),
            text="\n".join([*lines, curves.as_text()]),
            seen=curves.seen(),
            numbers=self._numbers(),
            plot=self._publication,
            sources=[(names[letter], of.settings) for letter, of in results.items()],
        )

    # What the keys do

    def action_next_compared(self, by: int) -> None:
        """Another metric."""
        self._metric = (self._metric + by) % len(COMPARED)
        self._show()

    def action_overlaid_features(self, by: int) -> None:
        """Another feature transform, of all sessions."""
        view = VIEWS[(VIEWS.index(self._settings.features) + by) % len(VIEWS)]
        self._settings = replace(self._settings, features=view)
        self._ask_all()

    def action_overlaid_iso_rate(self) -> None:
        """The same R in all layers of all sessions, the first one's at the selected depth; or one ε again."""
        rate = None
        if self._settings.iso_rate is None:
            if not self._results:
                return
            here = self.query_one(OverlaidCurves).layer_here(next(iter(self._results.values())))
            rate = float(f"{here.R:.4g}") if here is not None and here.R else None
        self._settings = replace(self._settings, iso_rate=rate)
        self._ask_all()

    def action_leave_comparison(self) -> None:
        """Back to the list."""
        self.dismiss(None)
