"""Two sides compared: sessions, or branches, schemes, steps, scales or feature views of one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings, SettingsError
from subspacelens_tui.analysis.compare import COMPARED, Comparison, compare
from subspacelens_tui.analysis.deferred import with_deferred_errors
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.export import Exportable
from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.key_table import ANYWHERE, COMPARE
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.refinement_stages import FEW, full
from subspacelens_tui.app.screens.exporting import adopt_export
from subspacelens_tui.app.screens.layer_keys import LayerKeys
from subspacelens_tui.app.selection import CHOICES, Selection, first_selection
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.comparison import ComparisonPlot
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions import Manifest, SessionError, open_session
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import step_name

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

_NAMES = "AB"
_NAME = 24
_POLL = 2.0


@dataclass(frozen=True)
class Side:
    """One side: a session, and the settings of its metrics; None in them is the session's default."""

    path: Path
    settings: Settings


@dataclass(frozen=True)
class _Computed:
    manifest: Manifest
    result: Result
    problems: tuple[str, ...]


class CompareScreen(Screen[None], LayerKeys):
    """The sides, their curves, and the difference of one metric.

    Args:
        a, b: the sides.
        setup: the user's settings.
        workers: of sessions that are open already, by path; others are opened, and closed in the end.
        layer: to select.
    """

    KEYS: ClassVar = (COMPARE, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)

    def __init__(
        self, a: Side, b: Side, setup: Setup, workers: dict[Path, Worker] | None = None, layer: int = 0
    ) -> None:
        super().__init__()
        self.setup = setup
        self._sides = [a, b]
        self._open = dict(workers or {})
        self._own: list[Path] = []
        self._found: list[_Computed | str | None] = [None, None]
        # What can be chosen is known while a side is computed anew: keys come faster than metrics.
        self._manifests: list[Manifest | None] = [None, None]
        self._comparison: Comparison | None = None
        self._trouble = ""
        self._warnings: list[str] = []
        self._changes, self._metric, self._layer = 1, COMPARED.index("excess"), layer
        send_minimal_updates(self)
        adopt_export(self, self._exportable)
        self._adopt_axes()

    def compose(self) -> ComposeResult:
        """Title, sides, curves, difference, keys."""
        yield Static("", id="title", markup=False)
        yield Static("", id="side-a", classes="side", markup=False)
        yield Static("", id="side-b", classes="side", markup=False)
        for shows in ("sides", "difference"):
            plot = ComparisonPlot(shows, id=f"compared-{shows}")
            plot.markers = self.setup.preferences.markers
            yield plot
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(COMPARE, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Ask for both sides."""
        for side in (0, 1):
            self._ask(side)

    def on_unmount(self) -> None:
        """Let go of the sessions that were opened for this."""
        for index, (name, side) in enumerate(zip(_NAMES, self._sides, strict=True)):
            self._open[side.path].drop(f"compared {name}")
            self._open[side.path].drop(_errors_of(index))
        for path in self._own:
            self._open[path].close()

    def _worker(self, path: Path, settings: Settings) -> Worker:
        if path not in self._open:
            worker = self._open[path] = Worker(path, settings)
            self._own.append(path)
            following = worker.run(_POLL, lambda _: None, lambda _: None, self._say)
            self.run_worker(following, group="worker")
        return self._open[path]

    def _say(self, trouble: str | None) -> None:
        if (trouble or "") != self._trouble:
            self._trouble = trouble or ""
            self._show()

    def _ask(self, index: int) -> None:
        """Have a side computed, with its null and errors."""
        side, stage = self._sides[index], full(FEW)
        settings = replace(
            side.settings,
            permutations=stage.permutations,
            overlap_permutations=stage.overlap_permutations,
            errors=side.settings.errors or "auto",
        )

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> _Computed:
            result, session = analyzer.result(settings, cancelled), analyzer.session
            return _Computed(session.manifest, result, tuple(session.problems))

        def done(found: object, reason: str | None) -> None:
            self._found[index] = found if isinstance(found, _Computed) else reason or "it cannot be compared"
            if isinstance(found, _Computed):
                self._manifests[index] = found.manifest
                self._ask_errors(index, side, found)
            self._compare()

        self._found[index] = None
        self._worker(side.path, side.settings).want(
            Job(f"compared {_NAMES[index]}", side, work, done, urgent=True)
        )
        self._compare()

    def _ask_errors(self, index: int, side: Side, computed: _Computed) -> None:
        """The errors of ranks and overlaps, which take seconds, once all else is there."""

        def work(analyzer: Analyzer, cancelled: IsCancelled) -> Result:
            return with_deferred_errors(analyzer, computed.result, cancelled)

        def done(found: object, reason: str | None) -> None:
            if isinstance(found, Result) and self._found[index] is computed:
                self._found[index] = replace(computed, result=found)
                self._compare()

        self._open[side.path].want(Job(_errors_of(index), (side, computed.result.images), work, done))

    def _compare(self) -> None:
        a, b = self._found
        self._comparison, reason = None, ""
        if isinstance(a, _Computed) and isinstance(b, _Computed):
            try:
                self._comparison = compare(a.result, b.result)
            except (NoImagesError, SettingsError) as error:
                reason = str(error)
        else:
            reason = next((found for found in (a, b) if isinstance(found, str)), "computing …")
        self._reason = reason
        self._show()

    @property
    def _results(self) -> list[Result]:
        return [of.result for of in self._found if isinstance(of, _Computed)]

    def _show(self) -> None:
        if not self.is_attached:
            return
        metric = COMPARED[self._metric]
        self.query_one("#title", Static).update(f" Compare  {quantity(metric).title_of(self._results)}")
        for index, name in enumerate(_NAMES):
            side, found = self._sides[index], self._found[index]
            of = found.result.settings if isinstance(found, _Computed) else side.settings
            mark = "▶" if index == self._changes else " "
            guidance = "" if of.guidance is None else f"  guidance {of.guidance:g}"
            timestep = found.result.timestep if isinstance(found, _Computed) else None
            step = "" if of.step is None else f"  step {step_name(of.step, timestep)}"
            at = f"ε {of.eps:g}" if of.iso_rate is None else f"R = {of.iso_rate:g}"
            images = f"  N {found.result.images}" if isinstance(found, _Computed) else ""
            words = f" {mark} {name}  {cut(plain(side.path.name), _NAME)}{images}  {of.labels or ''}"
            words = plain(f"{words}  {of.branch}{step}{guidance}  {of.features}  {at}")
            self.query_one(f"#side-{name.lower()}", Static).update(words)
        if self._comparison is not None:
            self._layer = min(self._layer, len(self._comparison.layers) - 1)
        message = plain(self._trouble or self._reason)
        for plot in self.query(ComparisonPlot):
            plot.update(self._comparison, metric, self._layer, message)
        self._warn()

    def _warn(self) -> None:
        """What is wrong with the sessions and the numbers, until something else is to be said."""
        sides: dict[str, list[str]] = {}
        for name, found in zip(_NAMES, self._found, strict=True):
            if isinstance(found, _Computed) and found.problems:
                sides.setdefault(found.problems[0], []).append(name)
        lines = [f"{' and '.join(names)}: {problem}" for problem, names in sides.items()]
        lines += self._comparison.warnings if self._comparison is not None else ()
        lines += [line for result in self._results for line in result.rounding]
        if lines != self._warnings:
            self._warnings = lines
            self.query_one(StatusLine).warn(lines)

    # Export

    def _exportable(self) -> Exportable:
        metric, plots = COMPARED[self._metric], list(self.query(ComparisonPlot))
        lines = [str(line.render()).strip() for line in self.query(Static)]
        names = [side.path.resolve().name for side in self._sides]
        return Exportable(
            heading="the comparison",
            title="   ".join(lines),
            session=names[0],
            parts=("compare", metric, *dict.fromkeys(names)),
            text="\n".join([*lines, *(plot.as_text() for plot in plots)]),
            seen=[row for plot in plots for row in plot.seen()],
            numbers=plots[0].numbers(),
            plot=self._publication,
            sources=[
                (name, of.result.settings)
                for name, of in zip(names, self._found, strict=True)
                if isinstance(of, _Computed)
            ],
        )

    def _publication(self, name: str) -> "Plot | None":
        from subspacelens_tui.analysis.output import curve_plot

        found = self._comparison
        if found is None:
            return None
        names = [
            f"{letter}: {side.path.resolve().name}" for letter, side in zip(_NAMES, self._sides, strict=True)
        ]
        return curve_plot(name, [found.a, found.b], COMPARED[self._metric], names)

    # What the keys do

    def _change(self, change: Callable[[Selection, Manifest], Selection]) -> None:
        """Change the side that the keys are for."""
        side, manifest = self._sides[self._changes], self._manifests[self._changes]
        if manifest is not None:
            selection, _ = first_selection(side.settings, manifest)
            settings = replace(change(selection, manifest).settings, errors=side.settings.errors)
            self._sides[self._changes] = replace(side, settings=settings)
            self._ask(self._changes)

    def action_side_choice(self, name: str, by: int) -> None:
        """The next value of a control of this side."""
        self._change(lambda selection, manifest: CHOICES[name].moved(selection, manifest, by))

    def action_side_branch(self) -> None:
        """The other branch, where there are two."""

        def other(selection: Selection, manifest: Manifest) -> Selection:
            choice = CHOICES["branch"]
            two = len(choice.values(manifest, selection)) > 1
            return choice.choose(selection, manifest, int(two and selection.settings.branch == "cond"))

        self._change(other)

    async def action_side_session(self) -> None:
        """The next session of the folder."""
        here = self._sides[self._changes]
        paths = await asyncio.to_thread(_sessions_beside, here.path)
        if len(paths) < 2:
            return
        place = paths.index(here.path) if here.path in paths else -1
        path = paths[(place + 1) % len(paths)]
        settings = await asyncio.to_thread(_fitted, here.settings, path)
        self._sides[self._changes] = Side(path, settings)
        self._manifests[self._changes] = None
        self._open[here.path].drop(f"compared {_NAMES[self._changes]}")
        self._open[here.path].drop(_errors_of(self._changes))
        self._ask(self._changes)

    def action_other_side(self) -> None:
        """The keys change the other side."""
        self._changes = 1 - self._changes
        self._show()

    def action_next_compared(self, by: int) -> None:
        """Another metric."""
        self._metric = (self._metric + by) % len(COMPARED)
        self._show()

    def action_leave_comparison(self) -> None:
        """Back to where it was opened."""
        self.dismiss(None)


def _errors_of(index: int) -> str:
    """The job of the errors of a side."""
    return f"errors of {_NAMES[index]}"


def _fitted(settings: Settings, path: Path) -> Settings:
    """Settings for another session: what it does not have is what it has by default."""
    try:
        manifest = open_session(path).manifest
    except SessionError:
        return settings  # what is wrong with it is said once it is opened
    return replace(first_selection(settings, manifest)[0].settings, errors=settings.errors)


def _sessions_beside(path: Path) -> list[Path]:
    return sorted(other for other in path.parent.iterdir() if (other / MANIFEST).is_file())
