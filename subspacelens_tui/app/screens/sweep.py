"""The sweep of a session: one metric over all guidance scales and captured steps by layers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.metrics import METRICS, Cost
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import Result
from subspacelens_tui.analysis.sweep import configurations, extremes, tests_of
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.controllers.export import Exportable
from subspacelens_tui.app.key_table import ANYWHERE, SWEEP
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.refinement_stages import FEW, full
from subspacelens_tui.app.screens.exporting import adopt_export
from subspacelens_tui.app.screens.quit_action import Quits
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.sweep_map import SweepMap, SweepRow
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions import Manifest
from subspacelens_tui.sessions.sanitise import plain

_FIRST = ("excess", "delta_R", "ratio", "R", "effective_rank", "overlap_mean", "hoyer")
_AT_ONCE = (metric.key for metric in METRICS.scalars if metric.cost is not Cost.DEFERRED)
SHOWN = tuple(dict.fromkeys((*_FIRST, *_AT_ONCE)))


class _Computed(NamedTuple):
    """A row: all its metrics, and peak and dip of each that is shown."""

    result: Result
    marks: dict[str, tuple[int | None, int | None]]


class SweepScreen(Screen[Configuration], Quits, NeedsRoom):
    """The map; the answer is the configuration to look at, or None.

    Args:
        session: its name.
        worker: of the session; the rows are computed beside what else it does.
        manifest: of the session.
        settings: of the selection: labels, ε and all else that the rows share.
        setup: the user's settings.
        problems: of the session, see `Session`.
        layer: to select.
    """

    KEYS: ClassVar = (SWEEP, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#map"

    def __init__(
        self,
        session: str,
        worker: Worker,
        manifest: Manifest,
        settings: Settings,
        setup: Setup,
        problems: Sequence[str] = (),
        layer: int = 0,
    ) -> None:
        super().__init__()
        self._layer = layer
        self._problems = problems
        self._session = session
        self._worker, self._manifest, self.setup = worker, manifest, setup
        stage = full(FEW)
        self._settings = replace(
            settings,
            permutations=stage.permutations,
            overlap_permutations=stage.overlap_permutations,
            errors=settings.errors or "auto",
            images=None,
        )
        self._rows = configurations(manifest, settings.branch)
        self._found: dict[int, _Computed | str] = {}
        self._metric = 0
        send_minimal_updates(self)
        adopt_export(self, self._exportable)

    def compose(self) -> ComposeResult:
        """Title, map, keys."""
        yield Static("", id="title", markup=False)
        yield SweepMap(id="map")
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(SWEEP, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Ask for all rows; start at the configuration and the layer that were looked at."""
        chosen = self._settings.step, self._settings.guidance
        here = [i for i, row in enumerate(self._rows) if (row.step, row.guidance) == chosen]
        shown = self.query_one(SweepMap)
        shown.row, shown.column = here[0] if here else 0, self._layer
        for index, row in enumerate(self._rows):
            work, done = partial(self._compute, row), partial(self._take, index)
            self._worker.want(Job(f"sweep {index}", (row, self._settings), work, done, urgent=True))
        self._show()

    def on_unmount(self) -> None:
        """What is not computed yet is not wanted any more."""
        for index in range(len(self._rows)):
            self._worker.drop(f"sweep {index}")

    def _compute(self, row: Configuration, analyzer: Analyzer, cancelled: IsCancelled) -> _Computed:
        result = analyzer.result(replace(self._settings, step=row.step, guidance=row.guidance), cancelled)
        if not result.layers:
            raise NoImagesError(result.absent)
        return _Computed(result, {metric: extremes(result, metric) for metric in SHOWN})

    def _take(self, index: int, found: object, reason: str | None) -> None:
        self._found[index] = found if isinstance(found, _Computed) else reason or "it could not be computed"
        if self.is_attached:
            self._show()

    def _show(self) -> None:
        metric = SHOWN[self._metric]
        rows, passes, tests = [], *self._tests(metric)
        for index, configuration in enumerate(self._rows):
            found, timestep = self._found.get(index), self._manifest.timestep(configuration.step)
            if isinstance(found, _Computed):
                of = found.result
                reason = plain(of.why_missing(metric)) or "no values at these settings"
                values, marks = tuple(of.curve(metric)), found.marks[metric]
                rows.append(
                    SweepRow(
                        configuration,
                        values,
                        *marks,
                        of.images,
                        reason,
                        timestep,
                        passes.get(index, ()),
                        _p_values(of, metric),
                    )
                )
            else:
                rows.append(SweepRow(configuration, reason=plain(found or ""), timestep=timestep))
        computed = [found.result for found in self._found.values() if isinstance(found, _Computed)]
        rounding = (line for result in computed for line in result.rounding)
        self.query_one(StatusLine).warn([*self._problems[:1], *rounding])
        self.query_one("#title", Static).update(f" {self._title}")
        self.query_one(SweepMap).layer_numbers = self._manifest.block_numbers
        self.query_one(SweepMap).update(
            metric, rows, tests, quantity(metric).has_zero_line, self._settings.permutations
        )

    def _tests(self, metric: str) -> tuple[dict[int, tuple[bool, ...]], str]:
        """Of each row which cells pass together, and what is to be said of all."""
        found = {index: of.result for index, of in self._found.items() if isinstance(of, _Computed)}
        layers = max((len(of.layers) for of in found.values()), default=0)
        tests = tests_of(list(found.values()), metric, layers)
        if tests is None:
            return {}, ""
        rows = np.asarray(tests.survive).reshape(-1, layers).tolist()
        passes = {index: tuple(row) for index, row in zip(found, rows, strict=True)}
        return passes, tests.dimmed("tests")

    @property
    def _title(self) -> str:
        at, found, every = self._settings, len(self._found), len(self._rows)
        of = f"{plain(at.labels or '')} · {at.branch} · ε {at.eps:g} · {at.features}"
        done = "" if found == every else f"  {found}/{every} configurations"
        return f"Sweep  {quantity(SHOWN[self._metric]).title}  {of}{done}"

    # Export

    def _exportable(self) -> Exportable:
        metric, at = SHOWN[self._metric], self._settings
        shown = self.query_one(SweepMap)
        return Exportable(
            heading="the sweep",
            title=self._title,
            session=self._session,
            parts=("sweep", metric, at.labels, at.branch, f"eps{at.eps:g}", at.features),
            text="\n".join([self._title, shown.as_text()]),
            seen=shown.seen(),
            numbers=shown.numbers(),
            sources=[
                (self._session, found.result.settings)
                for found in self._found.values()
                if isinstance(found, _Computed)
            ],
        )

    # What the keys do

    def action_move(self, rows: int, layers: int) -> None:
        """Select another cell."""
        self.query_one(SweepMap).move(rows, layers)

    def action_next_metric(self, by: int) -> None:
        """Another metric."""
        self._metric = (self._metric + by) % len(SHOWN)
        self._show()

    def action_look(self) -> None:
        """Look at the selected configuration."""
        if self._rows:
            self.dismiss(self._rows[self.query_one(SweepMap).row])

    def on_sweep_map_opened(self) -> None:
        """A row was clicked twice."""
        self.action_look()

    def action_leave_sweep(self) -> None:
        """Back to what was looked at."""
        self.dismiss(None)


def _p_values(of: Result, metric: str) -> tuple[float | None, ...]:
    """The p of an excess at each layer; none for what is not one."""
    asked = quantity(metric)
    if not asked.has_zero_line:
        return ()
    return tuple(null.p if (null := layer.nulls.get(asked.metric.key)) else None for layer in of.layers)
