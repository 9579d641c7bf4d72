"""A steering run: its images, rows strengths and controls, its verdict, and its curves over strength."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from subspacelens_tui.analysis.output.steering import judge_words, steering_text
from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.analysis.steering_results import SteeringResult, steering_result
from subspacelens_tui.app.dialogs.ask import Ask, Option
from subspacelens_tui.app.key_table import ANYWHERE, STEERING
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.pictures.run_rows import RunRows
from subspacelens_tui.app.pictures.run_source import RunListing, RunSource
from subspacelens_tui.app.screens.new_steering import Started, open_form
from subspacelens_tui.app.screens.quit_action import Quits
from subspacelens_tui.app.screens.with_pictures import WithPictures
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.steering_curves import Geometry, OffManifold, TargetShare
from subspacelens_tui.app.widgets.text_lines import TextLines
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steering_runs import stop_run

# From here on the curves are beside the images.
_BESIDE, _BROAD = 110, 150
# From this height on there is room for all notes.
_TALL = 40
_ROW_WIDTH, _TWIN_WIDTH = 24, 200
# Judging again takes seconds of a core, which a recording would miss.
_PAUSE = 5.0
_STOPPED = "it was stopped; `steer` with the same options records the rest"
_EMPTY = ("No image of this run is recorded yet.",)


class SteeringScreen(WithPictures[RunListing], Quits, NeedsRoom):
    """The images of one of some runs.

    Args:
        folder: of sessions.
        runs: names of the runs, of which the first is shown first.
        setup: the user's settings.
        at: which run is shown first.
        begin_with: texts for the form of another run, by the names of its fields.
        started: the run, if it was started from here.
    """

    KEYS: ClassVar = (STEERING, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#steered"
    _source: RunSource

    def __init__(
        self,
        folder: Path,
        runs: Sequence[str],
        setup: Setup,
        at: int = 0,
        begin_with: Mapping[str, str] | None = None,
        started: Started | None = None,
    ) -> None:
        super().__init__()
        self.setup = setup
        self._folder, self._runs, self._at = folder, runs, at
        self._result: SteeringResult | None = None
        self._rows: RunRows | None = None
        self._why = "judging the images …"
        self._begin_with, self._started = begin_with or {}, started
        self._complaint: str | None = None
        self._failure: str | None = None
        self._judging = self._stale = self._other_part = self._stopping = False
        self._set_up_pictures(RunSource(folder, self._run))

    @property
    def _run(self) -> str:
        return self._runs[self._at]

    def compose(self) -> ComposeResult:
        """Title, verdict, images and curves, the chosen image in words, keys."""
        yield Static("", id="title", markup=False)
        yield TextLines(id="verdict")
        with Horizontal(id="steering"):
            for name, widest in (("steered", _ROW_WIDTH), ("twins", _TWIN_WIDTH)):
                grid = self._picture_grid(name)
                grid.row_width = widest
                yield grid
            with Vertical():
                for plot in (TargetShare(), OffManifold(), Geometry()):
                    plot.markers = self.setup.preferences.markers
                    yield plot
        yield StatusLine(id="status")
        without = () if len(self._runs) > 1 else ("next-run",)
        table = self.setup.keymap.table(STEERING, ANYWHERE)
        yield KeyBar([key for key in in_footer(table) if key.name not in without], id="keys")

    def on_mount(self) -> None:
        """Read now and, while the run grows, again and again."""
        self._arrange()
        self._begin_pictures()

    def on_unmount(self) -> None:
        """Let the background thread go."""
        self._source.close()

    def on_resize(self, event: events.Resize) -> None:
        """Curves beside the images, or in their place; as many notes as there is room for."""
        self._arrange()
        self._show_words()

    @property
    def _grid(self) -> PictureGrid:
        return self.query_one("#steered", PictureGrid)

    @property
    def _twins(self) -> PictureGrid:
        return self.query_one("#twins", PictureGrid)

    def _arrange(self) -> None:
        beside = self.size.width >= _BESIDE
        curves = beside != self._other_part
        self.update_classes({"beside": beside, "broad": self.size.width >= _BROAD})
        twins = bool(self._twins.tiles)
        self._grid.display = (beside or not curves) and not twins
        self._twins.display = (beside or not curves) and twins
        self.query_one("#steering Vertical").display = curves
        self.set_focus(self._twins if twins else self._grid)

    def _complain(self, complaint: str | None) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._say()

    # What there is

    def read(self) -> None:
        """Look for new images, and whether what was started has failed."""
        super().read()
        if self._started is not None and (failure := self._started.process.failure()) is not None:
            self._started = None
            self._failure = failure if not self._stopping else _STOPPED
            self._show_words()
        if self._stopping and self._listing is not None and self._listing.running:
            # One that began meanwhile has not heard of it.
            self.run_worker(self._stop(), group="stop", exclusive=True)

    def _show_listing(self, listing: RunListing) -> None:
        self._show()
        self._stale = True
        if not self._judging:
            self._judging = True
            self.run_worker(self._judge(), group="judge", exclusive=True)

    async def _judge(self) -> None:
        """Judge the images there are, and again as long as others came meanwhile."""
        try:
            while self._stale:
                self._stale = False
                try:
                    self._result = await asyncio.to_thread(steering_result, self._folder, self._run)
                except (SettingsError, SessionError) as error:
                    why = "fitting, then recording …" if self._started else str(error)
                    self._result, self._why = None, why.replace(f"{self._folder}/", "")
                self._show()
                if self._listing is not None and self._listing.running:
                    await asyncio.sleep(_PAUSE)
        finally:
            self._judging = False

    # Showing

    def _show(self) -> None:
        if not (self.is_mounted and self.display) or self._listing is None:
            return
        self._rows = rows = RunRows(self._listing, self._result, self._source)
        off = frozenset(key for key, row in rows.judged.items() if row.off_manifold)
        if changed := off ^ self._source.greyed:
            self._source.greyed = off
            for grid in (self._grid, self._twins):
                grid.read_anew({t.image for t in grid.tiles if self._source.place(t.image)[0] in changed})
        self._grid.asides = {key: rows.aside(key) for key in rows.keys}
        self._grid.update(rows.tiles(), "", _EMPTY)
        self._show_words()

    def _show_words(self) -> None:
        """Title, verdict, curves, and the chosen image."""
        listing, result = self._listing, self._result
        title = f" SubspaceLens  steering  {self._run}"
        if len(self._runs) > 1:
            title += f" ({self._at + 1} of {len(self._runs)})"
        if result is not None:
            of, layers = result.steering, ", ".join(map(str, result.steering.layers))
            where = f"layer {layers}" if result.layers is None else "each layer in turn"
            title += f"  {of.source} → {of.target}: {of.method_words} at {where}"
        self.query_one("#title", Static).update(plain(title, len(title)))
        lines = [(self._why, False)] if result is None else self._verdict(result)
        if self._failure is not None:
            lines.append((f"the run ended: {self._failure}", self._failure != _STOPPED))
        if listing is not None and listing.running:
            lines.append((listing.progress, False))
        self.query_one("#verdict", TextLines).update(lines)
        rows = self._rows.in_order if self._rows is not None else []
        chosen = self._chosen[0] if self._grid.tiles else None
        three = result is not None and result.layers is not None
        self.query_one(Geometry).display = three
        # Three over each other would have no room.
        self.set_class(three and self.size.width < _BESIDE and self.size.height < _TALL, "in-a-row")
        for kind in (TargetShare, OffManifold, Geometry):
            self.query_one(kind).update(result, rows, chosen, self._why)
        self._say()

    def _verdict(self, result: SteeringResult) -> list[tuple[str, bool]]:
        """The verdict, how far its judge is to be trusted, and what else to know where there is room."""
        judge = f"judge: {judge_words(result.judge)}"
        notes = [(note, False) for note in result.notes] if self.size.height >= _TALL else []
        if not notes and result.layers is not None:  # the question that such a run is for
            notes = [(result.layers.verdict, False)]
        return [(result.verdict, not _steers(result)), (judge, False), *notes]

    @property
    def _chosen(self) -> tuple[str, int]:
        """Session and image of the chosen tile."""
        return self._source.place(self._grid.tiles[self._grid.chosen].image)

    def _say(self) -> None:
        """The chosen image in words, or what is wrong."""
        line = self.query_one(StatusLine)
        if self._complaint is not None:
            line.update("error", self._complaint.replace(f"{self._folder}/", ""))
        elif self._rows is not None and self._grid.tiles:
            line.update("note", self._rows.in_words(*self._chosen))
        else:
            line.update("none", "")

    def on_picture_grid_moved(self) -> None:
        """Another image was chosen."""
        if self._listing is not None:
            self._show_words()

    def on_picture_grid_opened(self) -> None:
        """The chosen image was clicked again."""
        self.action_twins()

    # What the keys do

    def action_move(self, across: int, down: int) -> None:
        """Choose another image; with twins shown, those of it."""
        self._grid.move(across, down)
        self._renew_twins()

    def action_page(self, by: int) -> None:
        """A page further."""
        self._grid.page(by)
        self._renew_twins()

    def action_choose_image(self, index: int) -> None:
        """Choose an image by its place."""
        self._grid.choose(index)
        self._renew_twins()

    def action_scale(self, by: int) -> None:
        """Larger pictures, or smaller ones."""
        self._grid.scale(by)

    def action_curves(self) -> None:
        """Curves, or images alone."""
        self._other_part = not self._other_part
        self._arrange()

    def action_twins(self) -> None:
        """The chosen image beside its twins, or all again."""
        if self._twins.tiles:
            self._twins.update(())
        elif self._grid.tiles:
            self._show_twins()
            if self.size.width < _BESIDE:
                self._other_part = False
        self._arrange()

    def _renew_twins(self) -> None:
        if self._twins.tiles:
            self._show_twins()

    def _show_twins(self) -> None:
        """The image between the unsteered one of its prompt and seed and a natural one of the target."""
        assert self._rows is not None
        tiles, place = self._rows.twins(*self._chosen)
        self._twins.update(tiles)
        self._twins.chosen = place

    def action_next_run(self, by: int) -> None:
        """The next run of the session."""
        if len(self._runs) > 1:
            at = (self._at + by) % len(self._runs)
            other = SteeringScreen(self._folder, self._runs, self.setup, at, self._begin_with)
            self.app.switch_screen(other)

    def action_new_steering(self) -> None:
        """The form of another run, fitted to the same session."""
        result = self._result
        if result is None:
            self._tell("wait until this run is judged: it says what to fit the next one to")
            return
        session = self._folder / result.statistics

        def show(run: Started) -> None:
            begun = SteeringScreen(self._folder, [run.run], self.setup, 0, self._begin_with, run)
            self.app.switch_screen(begun)

        form = open_form(self, session, self.setup, self._tell, self._begin_with, show)
        self.run_worker(form, group="form")

    def _tell(self, words: str) -> None:
        self.query_one(StatusLine).update("note", words)

    def action_stop_run(self) -> None:
        """Stop what is being recorded of this run, after asking."""
        options = (Option("stop", "s", "stop it"), Option("cancel", "escape", "let it go on"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._stopping = True
                self.run_worker(self._stop(), group="stop", exclusive=True)

        if self._started is None and not (self._listing is not None and self._listing.running):
            self._tell("nothing of this run is being recorded: there is nothing to stop")
        else:
            question = f"Stop the run {self._run}? What is recorded stays."
            self.app.push_screen(Ask(question, options), answered)

    async def _stop(self) -> None:
        """The process if it was started from here, which may still be fitting; else by its sessions."""
        try:
            if self._started is None or not self._started.process.stop():
                await asyncio.to_thread(stop_run, self._folder, self._run)
            self._tell("asked it to stop")
        except SessionError as error:
            self._complain(str(error))

    def action_copy(self) -> None:
        """Copy verdict and table."""
        if self._result is not None:
            self.app.copy_to_clipboard(steering_text(self._result))
            self._tell("copied the table of the run as text")

    def action_leave_steering(self) -> None:
        """From twins to all images, from these back."""
        if self._twins.tiles:
            self.action_twins()
        else:
            self.dismiss(None)


def _steers(result: SteeringResult) -> bool:
    return result.verdict.startswith("steers")
