"""The screen itself: what it is made of, what the analyst brings, and what the widgets are given."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app import start_up
from subspacelens_tui.app.drawing.plot import prepare
from subspacelens_tui.app.keys import (
    ANYWHERE,
    EPS_SLIDER,
    FIGURES,
    LOG,
    MATRIX,
    SCRUBBER,
    SESSION,
    Key,
    bindings,
    in_footer,
)
from subspacelens_tui.app.panes.effective_rank import RankPane
from subspacelens_tui.app.panes.inspector import Inspector
from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.overlap_by_layer import CoursePane
from subspacelens_tui.app.panes.overlap_by_step import SeparationPane
from subspacelens_tui.app.panes.overlap_matrix import OverlapPane
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.panes.plot_pane import PlotPane
from subspacelens_tui.app.panes.rates import ExcessPane, RatesPane
from subspacelens_tui.app.panes.spectrum import SpectrumPane
from subspacelens_tui.app.screens.session.gallery import GalleryActions
from subspacelens_tui.app.screens.session.images import ImageActions
from subspacelens_tui.app.screens.session.layers import LayerActions
from subspacelens_tui.app.screens.session.panes import PaneActions
from subspacelens_tui.app.screens.session.recording import RecordingActions
from subspacelens_tui.app.screens.session.viewing import ViewActions
from subspacelens_tui.app.selection import first_view, with_captured
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.controls import ControlsBar
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.pane_tabs import PaneTabs
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.app.widgets.status_line import Level, StatusLine
from subspacelens_tui.app.worker import Analyst
from subspacelens_tui.sessions import Manifest, Phase

_POLL_LOCAL, _POLL_SSH = 0.25, 0.5
# Between one pane and the next, over SSH.
_TURN = 0.2


class SessionScreen(PaneActions, LayerActions, ViewActions, ImageActions, GalleryActions, RecordingActions):
    """A session, live or replayed."""

    KEYS: ClassVar = (SESSION, MATRIX, SCRUBBER, EPS_SLIDER, LOG, FIGURES, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(SESSION, ANYWHERE)
    AUTO_FOCUS = "#layers"

    def __init__(
        self,
        path: Path,
        settings: Settings | None = None,
        layer: int | None = None,
        analyst: Analyst | None = None,
        setup: Setup | None = None,
    ) -> None:
        super().__init__(path, settings, layer, analyst, setup)
        send_minimal_updates(self)
        self._trouble: str | None = None

    def compose(self) -> ComposeResult:
        """Bars above and below, the panes between."""
        layers, inspector, log = LayerList(id="layers"), Inspector(id="inspector"), LogPane(id="log")
        plots: list[PlotPane] = [ExcessPane(id="excess"), RatesPane(id="rates"), RankPane(id="rank")]
        plots.append(SpectrumPane(id="spectrum"))
        overlap, course = OverlapPane(id="overlap"), CoursePane(id="course")
        separation = SeparationPane(id="separation")
        self.panes = [layers, *plots, overlap, course, separation, inspector, log]
        for plot in (*plots, course):
            plot.markers = self.setup.preferences.markers
        overlap.digits = self.setup.preferences.digits
        for pane in self.panes:
            pane.jump = self.setup.keymap.first(f"pane-{pane.slot}")
        self._name_others()
        yield RunBar(id="run-bar")
        yield PaneTabs(self.panes, id="tabs")
        with Horizontal(id="body"):
            yield layers
            with Vertical(id="middle"):
                yield from plots
            with Vertical(id="right"):
                yield overlap
                yield course
                yield separation
                yield inspector
                yield log
        with Horizontal(id="sliders"):
            yield Scrubber(id="scrubber")
            yield EpsSlider(id="eps-slider")
        yield ControlsBar(id="controls")
        yield StatusLine(id="status")
        yield KeyBar(self._footer(), id="keys")

    def on_mount(self) -> None:
        """Start to follow the session."""
        self._restore_layout()
        if self.setup.over_ssh:
            self.set_interval(_TURN, self._show_next_pane)
        poll = self.setup.preferences.refresh or (_POLL_SSH if self.setup.over_ssh else _POLL_LOCAL)
        following = self.analyst.run(poll, self._take_recording, self._take_analysis, self._take_trouble)
        self.run_worker(following, group="analyst")

    def on_unmount(self) -> None:
        """Let the background thread go, and keep what was looked at."""
        self._remember()
        self.analyst.close()

    # What the analyst brings

    def _take_recording(self, recording: Recording) -> None:
        before, self.recording = self.recording, recording
        if (
            before is not None
            and self.view is not None
            and _same_choices(before.manifest, recording.manifest)
        ):
            self._look(with_captured(self.view, before.manifest, recording.manifest))
        else:
            # The figures of a session that another was copied over are not of this one.
            self.analysis, self._late = None, []
            self.selected = min(self.selected, max(0, recording.blocks - 1))
            view, complaints = first_view(self._settings, recording.manifest)
            self.view = self._restore_selection(view)
            if self._asked:
                self._complaint = "; ".join(complaints) or None
            self.analyst.look(self.view)
            self.call_after_refresh(prepare)
        if self._asked_layer is not None and recording.blocks:
            self._choose_asked_layer(recording.blocks)
        self._show()

    def _choose_asked_layer(self, blocks: int) -> None:
        asked, self._asked_layer = self._asked_layer or 0, None
        self.selected = min(max(0, asked), blocks - 1)
        if self.selected != asked:
            self._complaint = f"there is no layer {asked}: the session has {blocks} layers"

    def _take_analysis(self, analysis: Analysis) -> None:
        start_up.over()
        if analysis.view == self.view:
            before = self.analysis
            if before is not None and before.view == analysis.view:
                analysis = analysis.with_deferred_of(before)
            self.analysis = analysis
            self._late = self._in_turn(before)
            self._show(but=self._late)
            self._show_the_late()
            self._look_closely()

    def _in_turn(self, before: Analysis | None) -> list[Pane]:
        """The panes that get new figures of the same view one after the other: those on the screen.

        So that a key waits for one pane and not for all: to be drawn, and over SSH for its bytes to arrive.
        """
        if before is None or self.analysis is None or before.view != self.analysis.view:
            return []
        return self._late + [pane for pane in self.panes if pane.is_on_screen and pane not in self._late]

    def _show_the_late(self) -> None:
        """One pane after the other, as fast as it goes but with keys between; over SSH a timer does it."""
        if self._late and not self.setup.over_ssh:
            self._show_next_pane()
            self.call_later(self._show_the_late)

    def _take_trouble(self, message: str | None) -> None:
        if message != self._trouble:
            self._trouble = message
            self._show()

    # Showing

    def _footer(self) -> list[Key]:
        """The keys of the moment: the focused widget's before the screen's, and only what can be done."""
        cannot = [] if self._may_run else ["pause"]
        cannot += [] if self._recorded else ["follow", "play", "gallery"]
        table = self.setup.keymap.table(tuple(reversed(ANYWHERE)), getattr(self.focused, "keys", ()), SESSION)
        return [key for key in in_footer(table) if key.name not in cannot]

    def on_descendant_focus(self) -> None:
        """Another widget has the keys."""
        self.query_one(KeyBar).update(self._footer())

    def _show(self, but: Sequence[Pane] = ()) -> None:
        """Give every widget, but for some panes, what it shows now."""
        if not self.is_mounted:
            return
        self._show_panes(but)
        self.query_one(RunBar).update(self.recording)
        self.query_one(ControlsBar).update(self.recording, self.view, self.analysis)
        self.query_one(KeyBar).update(self._footer())
        level, message = self.message()
        self.query_one(StatusLine).update(level, message.replace(f"{self._path}/", ""))
        if self.recording is not None and self.view is not None:
            settings = self.view.settings
            iso = settings.iso_rate
            self.query_one(EpsSlider).update(settings.eps if iso is None else iso, iso is not None)
            self.query_one(Scrubber).update(
                recorded=self._recorded,
                planned=self._planned,
                chosen=settings.images,
                live=self.recording.state.phase.running,
                behind=self._behind,
            )

    def message(self) -> tuple[Level, str]:
        """The one message that matters most now."""
        if self._trouble:
            return "error", self._trouble
        if self._complaint:
            return "error", self._complaint
        if self.analysis is not None and self.analysis.error:
            return "error", self.analysis.error
        if self.recording is None:
            return "note", "reading the session …"
        if self._player is not None:
            return "note", f"playing {self._speed}×: v stops, V changes the speed"
        if self._notice:
            return "note", self._notice
        state = self.recording.state
        if state.phase is Phase.FAILED:
            return "error", f"the recording failed: {state.detail or 'no reason was given'}"
        if state.phase is Phase.STALE:
            return "warning", f"the recorder is silent: {state.detail}"
        if problems := self.recording.problems:
            more = f" (and {len(problems) - 1} more, see the log: 7)" if len(problems) > 1 else ""
            return "warning", problems[0] + more
        if self.analysis is not None and self.analysis.losses:
            return "warning", "  ·  ".join(self.analysis.losses)
        if state.detail:
            return "note", f"{state.words}: {state.detail}"
        if (main := self.analysis.main if self.analysis else None) and main.rounding:
            return "warning", "  ·  ".join(main.rounding)
        notes = self.analysis.notes if self.analysis else ()
        return ("note", "  ·  ".join(notes)) if notes else ("none", "")


def _same_choices(one: Manifest, other: Manifest) -> bool:
    """Whether the same can be chosen in both, apart from layers and steps that come with the model."""
    if one.blocks and (len(one.blocks), one.capture_steps) != (len(other.blocks), other.capture_steps):
        return False
    return (one.label_schemes, one.guidance) == (other.label_schemes, other.guidance)
