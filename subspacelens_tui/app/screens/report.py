"""The verdicts on the article's claims, by the session that is open; the report of them as a file."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims import CLAIMS, Report, Verdict, report_of
from subspacelens_tui.analysis.progress import IsCancelled
from subspacelens_tui.app.background_jobs import Job
from subspacelens_tui.app.key_table import ANYWHERE, REPORT
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.screens.quit_action import Quits
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.sessions.random_control import control_of
from subspacelens_tui.sessions.sanitise import plain

PERMUTATIONS = 200
# In the folder where the app was started, with what panes export.
_FOLDER = Path("exports")
_LOOK = 0.5
_JOB = "report"


class ReportScreen(Screen[None], Quits, NeedsRoom):
    """Each claim with its verdict, as text.

    Args:
        session: its name.
        worker: of the session.
        settings: of the selection, for its ε, step and guidance.
        setup: the user's settings.
    """

    KEYS: ClassVar = (REPORT, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#verdicts"

    def __init__(self, session: str, worker: Worker, settings: Settings, setup: Setup) -> None:
        super().__init__()
        self._session, self._worker, self.setup = session, worker, setup
        self._settings = Settings(
            eps=settings.eps,
            step=settings.step,
            guidance=settings.guidance,
            permutations=PERMUTATIONS,
            seed=settings.seed,
        )
        self._report: Report | None = None
        self._doing = "waiting for the metrics"
        send_minimal_updates(self)

    def compose(self) -> ComposeResult:
        """Title, verdicts, keys."""
        yield Static("", id="title", markup=False)
        with VerticalScroll(id="verdicts"):
            yield Static("", id="verdict-text", markup=False)
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(REPORT, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Ask for the verdicts."""
        key = replace(self._settings)
        self._worker.want(Job(_JOB, key, self._compute, self._take, urgent=True))
        self.set_interval(_LOOK, self._show_progress)
        self._show_progress()

    def on_unmount(self) -> None:
        """What is not computed yet is not wanted any more."""
        self._worker.drop(_JOB)

    def _compute(self, analyzer: Analyzer, cancelled: IsCancelled) -> Report:
        def progress(what: str, done: int, total: int) -> None:
            # On the thread of the analysis: the screen looks at it from time to time.
            self._doing = f"{what} {done}/{total}"

        control = control_of(analyzer.session)
        beside = None if control is None else Analyzer(control)
        return report_of(analyzer, self._settings, beside, cancelled=cancelled, progress=progress)

    def _take(self, found: object, reason: str | None) -> None:
        if isinstance(found, Report):
            self._report = found
        else:
            self._doing = ""
            if self.is_attached:
                self.query_one(StatusLine).update("error", reason or "it could not be computed")
        if self.is_attached:
            self._show()

    def _show_progress(self) -> None:
        if self._report is None:
            doing = f"  {self._doing} …" if self._doing else ""
            self.query_one("#title", Static).update(f" Claims  {plain(self._session)}{doing}")

    def _show(self) -> None:
        if self._report is None:
            return
        report = self._report
        at = report.settings
        where = f"step {report.step_name}  ε {at.eps:g}  {at.permutations} permutations"
        self.query_one("#title", Static).update(f" Claims  {plain(self._session)}  {where}")
        self.query_one("#verdict-text", Static).update(Group(*self._verdicts(report)))

    def _verdicts(self, report: Report) -> Iterator[RenderableType]:
        """Claim by claim: verdict first, then what was found."""
        for of in report.claims:
            verdict = of.finding.verdict
            style = "bold reverse" if verdict is Verdict.SUPPORTED else "bold"
            yield Text.assemble((f" {verdict.value} ", style), (f"  {of.claim.title}", "bold"))
            yield Padding(Text(plain(of.finding.sentence)), (0, 1, 1, 2))

    # What the keys do

    def action_scroll_verdicts(self, rows: int) -> None:
        """Up or down."""
        self.query_one("#verdicts").scroll_relative(y=rows, animate=False)

    def action_copy(self) -> None:
        """Copy the verdicts as text."""
        if self._report is not None:
            said = ((of.finding.verdict.value, of.claim.title, of.finding) for of in self._report.claims)
            lines = (f"{verdict}: {title}\n  {plain(of.sentence)}\n" for verdict, title, of in said)
            self.app.copy_to_clipboard("\n".join(lines))
            self.query_one(StatusLine).update("note", f"copied: {len(CLAIMS)} verdicts")

    def action_write_report(self) -> None:
        """Write the report beside what panes export."""
        status = self.query_one(StatusLine)
        if self._report is None:
            status.update("note", "the verdicts are not there yet: nothing to write")
            return
        status.update("note", "writing the report …")
        self.run_worker(self._write(self._report), group="export")

    async def _write(self, report: Report) -> None:
        from subspacelens_tui.analysis.output import ExportError
        from subspacelens_tui.analysis.output.report import new_report

        status = self.query_one(StatusLine)
        try:
            path = await asyncio.to_thread(new_report, report, _FOLDER / self._session)
            status.update("note", f"written: {path}")
        except (ExportError, OSError) as error:
            status.update("error", str(error))

    def action_leave_report(self) -> None:
        """Back to the session."""
        self.dismiss(None)
