"""The screen of one session, live or replayed: made of controllers and of the panes of the registry."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.controllers.arrangement import WIDE
from subspacelens_tui.app.controllers.axes import AxesController
from subspacelens_tui.app.controllers.borders import BordersController
from subspacelens_tui.app.controllers.controller import TypedAhead, adopt
from subspacelens_tui.app.controllers.deferred_metrics import DeferredMetrics
from subspacelens_tui.app.controllers.export import ExportController, exportable_pane
from subspacelens_tui.app.controllers.label_file import LabelFileController
from subspacelens_tui.app.controllers.layout import LayoutController
from subspacelens_tui.app.controllers.pane_updates import PaneUpdates
from subspacelens_tui.app.controllers.playback import PlaybackController
from subspacelens_tui.app.controllers.recording import RecordingController
from subspacelens_tui.app.controllers.saved_state import SavedStateController
from subspacelens_tui.app.controllers.selection import LayerController, SelectionController
from subspacelens_tui.app.controllers.session_state import SessionState
from subspacelens_tui.app.controllers.status import status
from subspacelens_tui.app.drawing.cell_text import uncapitalised
from subspacelens_tui.app.garbage_collection import freeze_imports
from subspacelens_tui.app.initial_settings import opening_settings
from subspacelens_tui.app.key_table import ANYWHERE
from subspacelens_tui.app.keys import Key, bindings, in_footer
from subspacelens_tui.app.opening import worker_on
from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.panes.overlap_matrix import OverlapMatrixPane
from subspacelens_tui.app.panes.pane import BorderDragged, Deferred, LayerChosen, Pane, TitleClicked
from subspacelens_tui.app.panes.plot_pane import PlotPane
from subspacelens_tui.app.panes.registry import PANES
from subspacelens_tui.app.screens.open_from_session import OpenFromSession
from subspacelens_tui.app.selection import Selection
from subspacelens_tui.app.session_keys import PANE_SCOPES, SESSION
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.controls import ControlsBar
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.pane_body import PaneBody, SideBySide
from subspacelens_tui.app.widgets.pane_tabs import PaneTabs
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.app.widgets.status_line import Level, StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.app.worker import Worker

_POLL_LOCAL, _POLL_SSH = 0.25, 0.5
# Between one pane and the next, over SSH.
_TURN = 0.2


class SessionScreen(Screen[None], NeedsRoom):
    """A session. Data flows one way: worker → snapshot → state → panes.

    Args:
        path: the session's folder.
        settings: of the analysis to open it with; as it was left if None.
        layer: to select.
        setup: the user's settings, and what else comes from outside.
        worker: that is at work on the session already.

    Attributes:
        state: what is shown.
        panes: all of them, in their order.
        worker: follows the session and computes, in the background.
    """

    KEYS: ClassVar = (
        SESSION,
        *PANE_SCOPES.values(),
        Scrubber.keys,
        EpsSlider.keys,
        ANYWHERE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(SESSION, ANYWHERE)
    AUTO_FOCUS = "#layers"

    def __init__(
        self,
        path: Path,
        settings: Settings | None = None,
        layer: int | None = None,
        setup: Setup | None = None,
        worker: Worker | None = None,
    ) -> None:
        super().__init__()
        send_minimal_updates(self)
        self.setup = setup or Setup()
        self.worker = worker or worker_on(path, settings, self.setup)
        self.state = SessionState(path, self.worker, self._show)
        self.panes = [pane() for pane in PANES]
        self.updates = PaneUpdates(self.panes, self.state, self.call_later, timed=self.setup.over_ssh)
        self.pane_layout = LayoutController(PANES, self.state, self)
        self.saved = SavedStateController(
            self.state,
            self.pane_layout,
            self.setup.saved,
            settings or opening_settings(self.setup, path),
            settings is not None,
            layer,
        )
        self.borders = BordersController(
            self.setup.saved, self._side_by_side, self._focused_name, self._resize_panes, self.state.tell
        )
        self.choices = SelectionController(self.state, self._push)
        self.label_file = LabelFileController(self.state, self._push)
        self.layer_choice = LayerController(self.state, self._listed, self._show_layer)
        self.playback = PlaybackController(self.state, self.set_interval)
        self.recorder = RecordingController(self.state, self._push, self.run_worker, lambda: self.app.exit())
        self.deferred = DeferredMetrics(self.state, self._needed)
        export = ExportController(
            lambda: exportable_pane(self._pane(self.pane_layout.here_pane()), self.state),
            tell=self.state.tell,
            complain=self.state.complain,
            copy=lambda text: self.app.copy_to_clipboard(text),
            run=lambda work: self.run_worker(work, group="export"),
        )
        axes = AxesController(self._plot_here, self._push, self.state.tell)
        self.typed_ahead = TypedAhead(
            lambda: self.state.selection is not None, self.choices, self.layer_choice, self.playback
        )
        adopt(
            self,
            self.pane_layout,
            self.borders,
            self.typed_ahead,
            self.label_file,
            self.recorder,
            self.deferred,
            export,
            axes,
            OpenFromSession(self, self.state, self.worker, self.setup, self._matrix()),
            *self.panes,
        )

    def compose(self) -> ComposeResult:
        """Bars above and below, the panes between."""
        self._set_up_panes()
        yield RunBar(id="run-bar")
        yield PaneTabs(self.panes, self.pane_layout.seen, id="tabs")
        yield PaneBody(self.panes)
        with Horizontal(id="sliders"):
            yield Scrubber(id="scrubber")
            yield EpsSlider(id="eps-slider")
        yield ControlsBar(id="controls")
        yield StatusLine(id="status")
        yield KeyBar(self._footer(), id="keys")

    def _set_up_panes(self) -> None:
        """What panes take from the user's settings, and how the next one of a place is reached."""
        keymap, preferences = self.setup.keymap, self.setup.preferences
        for pane in self.panes:
            pane.jump = keymap.first(f"pane-{pane.place}")
            following = self.pane_layout.following(type(pane))
            if following is not type(pane):
                pane.others = f"{keymap.first('pane-view')}: {following.tab_in_words()}"
            if isinstance(pane, PlotPane):
                pane.markers = preferences.markers
            if isinstance(pane, OverlapMatrixPane):
                pane.digits = preferences.digits

    def on_mount(self) -> None:
        """Start to follow the session."""
        self.saved.restore_layout()
        if self.setup.over_ssh:
            self.set_interval(_TURN, self.updates.show_next)
        poll = self.setup.preferences.refresh or (_POLL_SSH if self.setup.over_ssh else _POLL_LOCAL)
        following = self.worker.run(poll, self._take_recording, self._take_analysis, self.state.take_trouble)
        self.run_worker(following, group="worker")

    def on_unmount(self) -> None:
        """Let the background thread go, and keep what was looked at."""
        self.saved.keep()
        self.worker.close()

    # What it shows, for those who look at it from outside

    @property
    def recording(self) -> Recording | None:
        """How the session stands, as last read."""
        return self.state.recording

    @property
    def analysis(self) -> Analysis | None:
        """The metrics shown, as last computed."""
        return self.state.analysis

    @property
    def selection(self) -> Selection | None:
        """What the user has selected; None until the session is open."""
        return self.state.selection

    @property
    def selected(self) -> int:
        """The layer that all panes share."""
        return self.state.layer

    def message(self) -> tuple[Level, str]:
        """The one message that matters most now."""
        return status(self.state, self.playback.playing)

    # What the worker brings

    def _take_recording(self, recording: Recording) -> None:
        if self.state.take_recording(recording):
            self.updates.forget()
            self.saved.open(recording)
        self.saved.choose_layer()
        self.typed_ahead.release()
        self._show()
        # Something may have been trained beside it, or its recorder may be gone.
        self.deferred.ask()

    def _take_analysis(self, analysis: Analysis) -> None:
        freeze_imports()
        before = self.analysis
        if self.state.take_analysis(analysis):
            self.updates.begin(before)
            self._show(but=self.updates.late)
            self.updates.go_on()
            self.deferred.ask()

    # Showing

    def _footer(self) -> list[Key]:
        """The keys of the moment: the focused widget's before the screen's, and only what can be done."""
        cannot = [] if self.state.may_run else ["pause"]
        cannot += [] if self.state.recorded else ["follow", "play", "gallery"]
        table = self.setup.keymap.table(getattr(self.focused, "keys", ()), SESSION, ANYWHERE)
        return [key for key in in_footer(table) if key.name not in cannot]

    def on_descendant_focus(self) -> None:
        """Another widget has the keys."""
        if self.display:
            self.query_one(KeyBar).update(self._footer())

    def _show(self, but: Sequence[Pane] = ()) -> None:
        """Give every widget, but for some panes, what it shows now."""
        # Results may come while the screen goes, with a part of its widgets gone: Textual hides it then.
        if not (self.is_mounted and self.display):
            return
        state = self.state
        self.updates.show(but)
        self.query_one(RunBar).update(state.recording)
        self.query_one(ControlsBar).update(state.recording, state.selection, state.analysis)
        self.query_one(KeyBar).update(self._footer())
        level, message = self.message()
        self.query_one(StatusLine).update(level, message.replace(f"{state.path}/", ""))
        if state.recording is not None and state.selection is not None:
            settings = state.selection.settings
            iso = settings.iso_rate
            self.query_one(EpsSlider).update(settings.eps if iso is None else iso, iso is not None)
            self.query_one(Scrubber).update(
                recorded=state.recorded,
                planned=state.planned,
                chosen=settings.images,
                live=state.recording.state.phase.running,
                behind=state.behind,
            )

    def _show_layer(self) -> None:
        self.updates.show()
        self.deferred.ask()

    def _needed(self) -> set[Deferred]:
        """What the panes that are seen need to be computed."""
        return {need for pane in self.panes if pane.display for need in pane.needs}

    def _listed(self) -> Sequence[int]:
        """The layers in the order of the list."""
        return self.query_one(LayerList).order()

    def _push(self, dialog: Screen[Any], answered: Callable[[Any], None]) -> None:
        self.app.push_screen(dialog, answered)

    # The body of the layout

    def room(self) -> tuple[int, int]:
        """Width and height of the screen, in cells."""
        return self.size.width, self.size.height

    def focused_pane(self) -> type[Pane] | None:
        """The pane that has the keys."""
        return type(self.focused) if isinstance(self.focused, Pane) else None

    def _focused_name(self) -> str | None:
        pane = self.focused_pane()
        return pane.pane_name if pane is not None else None

    def _pane(self, kind: type[Pane]) -> Pane:
        return self.panes[PANES.index(kind)]

    def arrange_panes(self) -> None:
        """Show the panes as the layout has them now."""
        arrangement = self.pane_layout.arrangement()
        # At once: each change by itself has the style sheet applied to all of the screen.
        self.update_classes(
            {
                "folded": arrangement.folded,
                "maximised": self.pane_layout.maximised is not None,
                "roomy": arrangement.roomy,
                "wide": self.size.width >= WIDE,
                "broad": arrangement.broad and not arrangement.single,
            }
        )
        self.query_one(PaneBody).show(lambda pane: self.pane_layout.is_seen(pane, arrangement))
        self._resize_panes()
        self.query_one(PaneTabs).repaint()
        if isinstance(self.focused, Pane) and not self.focused.display:
            self.focus_pane(self.pane_layout.seen(arrangement.focus).pane_name)
        self._show()
        self.deferred.ask()

    def focus_pane(self, name: str) -> None:
        """Give the keys to a pane: at once, not with the next message, for keys may be typed ahead."""
        self.set_focus(next(pane for pane in self.panes if pane.pane_name == name))

    def _matrix(self) -> OverlapMatrixPane:
        return next(pane for pane in self.panes if isinstance(pane, OverlapMatrixPane))

    def _plot_here(self) -> PlotPane | str:
        pane = self._pane(self.pane_layout.here_pane())
        return pane if isinstance(pane, PlotPane) else uncapitalised(pane.heading)

    def _side_by_side(self) -> list[SideBySide]:
        return self.query_one(PaneBody).side_by_side(folded=self.has_class("folded"))

    def _resize_panes(self) -> None:
        groups = self._side_by_side()
        self.query_one(PaneBody).resize([(group, self.borders.shares(group)) for group in groups])

    # What widgets say

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self.arrange_panes()

    def on_layer_chosen(self, message: LayerChosen) -> None:
        """A layer was clicked."""
        self.layer_choice.action_select_layer(message.layer)

    def on_title_clicked(self, message: TitleClicked) -> None:
        """The title of a pane that shares its place was clicked."""
        self.pane_layout.go_on_from(type(message.pane))

    def on_border_dragged(self, message: BorderDragged) -> None:
        """A border is where the mouse has it."""
        region = message.pane.region
        by = {
            "left": message.x - region.x,
            "right": message.x - region.right + 1,
            "top": message.y - region.y,
            "bottom": message.y - region.bottom + 1,
        }[message.edge]
        self.borders.drag(message.pane.pane_name, message.edge, by, message.released)

    def on_scrubber_moved(self, message: Scrubber.Moved) -> None:
        """The scrubber was dragged."""
        self.playback.choose(message.images)

    def on_eps_slider_moved(self, message: EpsSlider.Moved) -> None:
        """The slider was moved."""
        self.choices.set_eps(message.value)

    # Leaving it

    def action_back(self) -> None:
        """From a single pane to all, from all to the list of sessions."""
        if self.pane_layout.maximised is not None:
            self.pane_layout.action_maximise()
        else:
            self.action_sessions()

    def action_sessions(self) -> None:
        """Back to the list of sessions."""
        self.dismiss()
