"""One session, live or replayed: all panes, the controls, and what the keys do."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.analyst import Analyst
from subspacelens_tui.app.arrangement import LEAST_HEIGHT, LEAST_WIDTH, Arrangement, arrange
from subspacelens_tui.app.keys import ANYWHERE, SESSION, bindings, in_footer
from subspacelens_tui.app.screens.ask import Ask, Option
from subspacelens_tui.app.screens.eps import EpsDialog
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.view import (
    CHOICES,
    MEASURES,
    Measure,
    View,
    first_view,
    stepped_eps,
    with_eps,
    with_images,
    with_rank,
)
from subspacelens_tui.app.widgets.controls import ControlsBar
from subspacelens_tui.app.widgets.inspector import Inspector
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.layer_list import LayerList
from subspacelens_tui.app.widgets.log_pane import LogPane
from subspacelens_tui.app.widgets.overlap import OverlapPane
from subspacelens_tui.app.widgets.pane import LayerChosen, Pane
from subspacelens_tui.app.widgets.pane_tabs import PaneTabs
from subspacelens_tui.app.widgets.rank import RankPane
from subspacelens_tui.app.widgets.rates import ExcessPane, RatesPane
from subspacelens_tui.app.widgets.run_bar import RunBar
from subspacelens_tui.app.widgets.scrubber import Scrubber
from subspacelens_tui.app.widgets.status_line import Level, StatusLine
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.control import Request, ask

_POLL_LOCAL, _POLL_SSH = 0.25, 0.5
_FRAME, _FRAMES_A_ROUND, _FASTEST = 0.1, 8, 8


class SessionScreen(Screen[None]):
    """A session. Data flows one way: analyst → here → widgets.

    Attributes:
        recording: how the session stands, as last read.
        analysis: the figures shown, as last computed.
        view: what the user has chosen; None until the session is open.
        selected: the layer that all panes share.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(SESSION, ANYWHERE)
    AUTO_FOCUS = "#layers"

    def __init__(self, path: Path, settings: Settings | None = None, layer: int | None = None) -> None:
        super().__init__()
        with contextlib.suppress(ImportError):
            # It builds on a private part of Textual; without it updates are wider, not wrong.
            from subspacelens_tui.app.narrow import NarrowCompositor

            self._compositor = NarrowCompositor()
        self._path = path
        self._settings = settings or Settings()
        self._asked_layer = layer
        self.recording: Recording | None = None
        self.analysis: Analysis | None = None
        self.view: View | None = None
        self.selected = 0
        self.measure: Measure = "both"
        self._active = "excess"
        self._maximised: str | None = None
        self._trouble: str | None = None
        self._complaint: str | None = None
        self._notice: str | None = None
        self._player: Timer | None = None
        self._speed, self._frames = 1, 0
        self.analyst = Analyst(
            path,
            _POLL_SSH if "SSH_CONNECTION" in os.environ else _POLL_LOCAL,
            self._take_recording,
            self._take_analysis,
            self._take_trouble,
        )

    def compose(self) -> ComposeResult:
        """Bars above and below, the panes between."""
        self._layers = LayerList(id="layers")
        self._plots = [ExcessPane(id="excess"), RatesPane(id="rates"), RankPane(id="rank")]
        self._overlap, self._log = OverlapPane(id="overlap"), LogPane(id="log")
        self.panes: list[Pane] = [
            self._layers,
            *self._plots,
            self._overlap,
            Inspector(id="inspector"),
            self._log,
        ]
        yield RunBar(id="run-bar")
        yield PaneTabs(self.panes, id="tabs")
        with Horizontal(id="body"):
            yield self._layers
            with Vertical(id="middle"):
                yield from self._plots
            with Vertical(id="right"):
                yield from self.panes[4:]
        yield Scrubber(id="scrubber")
        yield ControlsBar(id="controls")
        yield StatusLine(id="status")
        yield KeyBar(in_footer(tuple(reversed(ANYWHERE)), SESSION), id="keys")
        yield Static(f"too small: {LEAST_WIDTH} columns and {LEAST_HEIGHT} rows are needed", id="too-small")

    def on_mount(self) -> None:
        """Start to follow the session."""
        self.run_worker(self.analyst.run(), group="analyst")

    def on_unmount(self) -> None:
        """Let the background thread go."""
        self.analyst.close()

    # What the analyst brings

    def _take_recording(self, recording: Recording) -> None:
        first = self.recording is None
        self.recording = recording
        if first:
            self.view, complaints = first_view(self._settings, recording.manifest)
            self._complaint = "; ".join(complaints) or None
            self.analyst.look(self.view)
        if self._asked_layer is not None and recording.blocks:
            self._choose_asked_layer(recording.blocks)
        self._show()

    def _choose_asked_layer(self, blocks: int) -> None:
        asked, self._asked_layer = self._asked_layer or 0, None
        self.selected = min(max(0, asked), blocks - 1)
        if self.selected != asked:
            self._complaint = f"there is no layer {asked}: the session has {blocks} layers"

    def _take_analysis(self, analysis: Analysis) -> None:
        if analysis.view == self.view:
            self.analysis = analysis
            self._show()

    def _take_trouble(self, message: str | None) -> None:
        if message != self._trouble:
            self._trouble = message
            self._show()

    # Showing

    def _show(self) -> None:
        """Give every widget what it shows now."""
        if not self.is_mounted:
            return
        for pane in self.panes:
            pane.update(self.recording, self.analysis, self.selected)
        self.query_one(RunBar).update(self.recording)
        self.query_one(ControlsBar).update(self.recording, self.view, self.analysis)
        level, message = self.message()
        self.query_one(StatusLine).update(level, message.replace(f"{self._path}/", ""))
        if self.recording is not None and self.view is not None:
            settings = self.view.settings
            self.query_one(Scrubber).update(
                recorded=self._recorded,
                planned=self._planned,
                chosen=settings.images,
                live=self.recording.state.phase.running,
            )

    @property
    def _recorded(self) -> int:
        """Recorded images of the chosen guidance scale."""
        if self.recording is None or self.view is None or self.view.settings.guidance is None:
            return 0
        return self.recording.recorded.get(self.view.settings.guidance, 0)

    @property
    def _planned(self) -> int:
        if self.recording is None or self.view is None:
            return 0
        scale = self.view.settings.guidance
        return sum(image.guidance == scale for image in self.recording.manifest.images)

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
        if state.detail:
            return "note", f"{state.phase}: {state.detail}"
        main = self.analysis.main if self.analysis else None
        return ("note", "  ·  ".join(main.notes)) if main and main.notes else ("none", "")

    # Where the panes are

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self._arrange()

    def _arrangement(self) -> Arrangement:
        return arrange(self.size.width, self.size.height, self._active, self._maximised, self.measure)

    def _arrange(self) -> None:
        arrangement = self._arrangement()
        self.set_class(arrangement.too_small, "too-small")
        self.set_class(arrangement.folded, "folded")
        self.set_class(self._maximised is not None, "maximised")
        self.set_class(arrangement.roomy, "roomy")
        self.set_class(arrangement.broad and not arrangement.single, "broad")
        for pane in self.panes:
            pane.display = pane.id in arrangement.visible
        for column in ("#middle", "#right"):
            container = self.query_one(column)
            container.display = any(child.display for child in container.children)
        self.query_one(PaneTabs).repaint()
        if isinstance(self.focused, Pane) and not self.focused.display:
            self._focus(arrangement.focus)
        self._show()

    def _focus(self, pane: str) -> None:
        # At once, not with the next message: keys may be typed ahead.
        self.set_focus(self.query_one(f"#{pane}"))

    def action_jump(self, pane: str) -> None:
        """Go to a pane, showing it if it is not seen."""
        if self._maximised is not None:
            self._maximised = pane
        if pane != "layers" or self._arrangement().single:
            self._active = pane
        if pane not in self._arrangement().visible:
            if pane in ("excess", "rates"):
                self.measure = "excess" if pane == "excess" else "delta_R"
            else:
                self._maximised = pane
        self._arrange()
        self._focus(pane)

    def action_pane(self, by: int) -> None:
        """Go to the next pane or the one before."""
        names = [str(pane.id) for pane in self.panes]
        arrangement = self._arrangement()
        if not arrangement.folded and self._maximised is None:
            names = [name for name in names if name in arrangement.visible]
        here = self._maximised or str(self.focused.id if isinstance(self.focused, Pane) else self._active)
        place = names.index(here) if here in names else -1
        self.action_jump(names[(place + by) % len(names)])

    def action_maximise(self) -> None:
        """Show the pane alone, or all again."""
        if self._maximised is not None:
            self._maximised = None
        else:
            self._maximised = str(self.focused.id) if isinstance(self.focused, Pane) else self._active
        self._arrange()
        self._focus(self._maximised or self._arrangement().focus)

    def action_back(self) -> None:
        """From a single pane to all, from all to the list of sessions."""
        if self._maximised is not None:
            self.action_maximise()
        else:
            self.action_sessions()

    def action_sessions(self) -> None:
        """Back to the list of sessions."""
        self.dismiss()

    def action_next_measure(self) -> None:
        """Excess, ΔR, or both."""
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        if self._active in ("excess", "rates") and self.measure != "both":
            self._active = "excess" if self.measure == "excess" else "rates"
        elif self._arrangement().folded:
            self._active = "rates" if self._active == "excess" else "excess"
        self._arrange()

    def action_copy(self) -> None:
        """Copy the focused pane's text to the clipboard of the terminal."""
        pane = self.focused if isinstance(self.focused, Pane) else self.query_one(f"#{self._active}", Pane)
        self.app.copy_to_clipboard(pane.as_text())
        self._notice = f"copied: {pane.heading}"
        self._show()

    # The layer

    def on_layer_chosen(self, message: LayerChosen) -> None:
        """A pane was clicked."""
        self._select(message.layer)

    def action_layer(self, by: int) -> None:
        """The layer before or after, in the order of the list."""
        order: Sequence[int] = self._layers.order() or range(self._blocks)
        if not order:
            return
        place = order.index(self.selected) if self.selected in order else 0
        self._select(order[min(len(order) - 1, max(0, place + by))])

    def action_first_layer(self) -> None:
        """The first layer."""
        self._select(0)

    def action_last_layer(self) -> None:
        """The last layer."""
        self._select(self._blocks - 1)

    def action_select_layer(self, layer: int) -> None:
        """A layer by its index."""
        self._select(layer)

    def action_sort_layers(self, column: int) -> None:
        """Sort the list of layers by a column."""
        self._layers.sort_by(column)

    @property
    def _blocks(self) -> int:
        return self.recording.blocks if self.recording else 0

    def _select(self, layer: int) -> None:
        layer = min(max(0, layer), max(0, self._blocks - 1))
        if layer != self.selected:
            self.selected = layer
            for pane in self.panes:
                pane.update(self.recording, self.analysis, layer)

    # What is analysed

    def _look(self, view: View) -> None:
        if view != self.view:
            self.view = view
            self._complaint = self._notice = None
            self.analyst.look(view)
            self._show()

    def action_next_choice(self, name: str, by: int) -> None:
        """The next value of a control, or the one before."""
        if self.view is not None and self.recording is not None:
            self._look(CHOICES[name].moved(self.view, self.recording.manifest, by))

    def action_choose(self, name: str, index: int) -> None:
        """A value of a control."""
        if self.view is not None and self.recording is not None:
            self._look(CHOICES[name].choose(self.view, self.recording.manifest, index))

    def action_eps(self, by: int) -> None:
        """ε one step up or down."""
        if self.view is not None:
            self._look(with_eps(self.view, stepped_eps(self.view.settings.eps, by)))

    def action_type_eps(self) -> None:
        """Type ε."""

        def chosen(eps: float | None) -> None:
            if eps is not None and self.view is not None:
                self._look(with_eps(self.view, eps))

        if self.view is not None:
            self.app.push_screen(EpsDialog(self.view.settings.eps), chosen)

    def action_rank(self, by: int) -> None:
        """The dimension of the class subspaces, one more or less."""
        main = self.analysis.main if self.analysis else None
        if self.view is None or main is None or main.settings.rank is None:
            return
        self._look(with_rank(self.view, min(max(1, main.settings.rank + by), max(main.class_sizes))))

    def action_together(self) -> None:
        """All label schemes in the curves, or the chosen one."""
        if self.view is not None:
            self._look(replace(self.view, together=not self.view.together))

    def action_digits(self) -> None:
        """Numbers in the matrix, or colours only."""
        self._overlap.digits = not self._overlap.digits
        self._overlap.repaint()

    def action_cell(self, rows: int, columns: int) -> None:
        """Move the selected cell of the matrix."""
        self._overlap.move(rows, columns)

    def action_scroll_log(self, rows: int) -> None:
        """Look further back in the log, or forward."""
        self._log.scroll_back(rows)

    # Which images

    def on_scrubber_moved(self, message: Scrubber.Moved) -> None:
        """The scrubber was dragged."""
        if self.view is not None:
            self._look(with_images(self.view, message.images))

    def action_follow(self) -> None:
        """Follow the newest images, or stay at these."""
        if self.view is None or not self._recorded:
            return
        following = self.view.settings.images is None
        self._look(with_images(self.view, self._recorded if following else None))

    def action_images(self, by: int) -> None:
        """So many images more or less; beyond the last, follow."""
        if self.view is None or not self._recorded:
            return
        images = (self.view.settings.images or self._recorded) + by
        self._look(with_images(self.view, None if images > self._recorded else max(1, images)))

    def action_rounds(self, by: int) -> None:
        """To the end of the round of prompts before or after: there the classes are balanced."""
        if self.view is None or self.recording is None or not self._recorded:
            return
        prompts = len(self.recording.manifest.prompts)
        images = self.view.settings.images or self._recorded
        rounds = (images - 1) // prompts if by < 0 else images // prompts + 1
        wanted = max(min(prompts, self._recorded), rounds * prompts)
        self._look(with_images(self.view, None if wanted > self._recorded else wanted))

    def action_play(self) -> None:
        """Show the images come in again, or stop that."""
        if self._player is not None:
            self._stop_playing()
            return
        if self.view is None or self.recording is None or not self._recorded:
            return
        if self.view.settings.images is None:
            self.action_images_first()
        self._player = self.set_interval(_FRAME, self._play_on)
        self._show()

    def action_images_first(self) -> None:
        """Only the first round of prompts."""
        if self.view is not None and self.recording is not None and self._recorded:
            prompts = len(self.recording.manifest.prompts)
            self._look(with_images(self.view, min(prompts, self._recorded)))

    def action_faster(self) -> None:
        """Twice as fast; after the fastest the slowest."""
        self._speed = self._speed * 2 if self._speed < _FASTEST else 1
        self._show()

    def _play_on(self) -> None:
        """The next round, once the figures of this one are seen."""
        if self.view is None or self.view.settings.images is None:
            self._stop_playing()
        elif self.analysis is not None and self.analysis.view == self.view:
            self._frames += self._speed
            if self._frames >= _FRAMES_A_ROUND:
                self._frames = 0
                self.action_rounds(1)
                if self.view.settings.images is None:
                    self._stop_playing()

    def _stop_playing(self) -> None:
        if self._player is not None:
            self._player.stop()
        self._player = None
        self._show()

    # The recording

    async def _ask(self, request: Request) -> None:
        try:
            await asyncio.to_thread(ask, self._path, request)
            self._complaint = None
        except SessionError as error:
            self._complaint = str(error)
        self.analyst.nudge()
        self._show()

    async def action_pause_recording(self) -> None:
        """Pause the recording, or let it go on."""
        if not self._can_control():
            return
        assert self.recording is not None
        paused = self.recording.state.phase is Phase.PAUSED or self.recording.asked == "pause"
        await self._ask("run" if paused else "pause")

    def _can_control(self) -> bool:
        if not self._may_run:
            self._complaint = "nothing is being recorded here: there is nothing to pause or stop"
            self._show()
        return self._may_run

    @property
    def _may_run(self) -> bool:
        """Whether a recorder runs, or may: a silent one can still be at work."""
        if self.recording is None:
            return False
        phase = self.recording.state.phase
        return phase.running or phase is Phase.STALE

    def action_stop_recording(self) -> None:
        """Stop the recording, after asking."""
        if not self._can_control():
            return
        question = "Stop the recording? What is recorded stays."
        options = (Option("stop", "s", "stop it"), Option("cancel", "escape", "let it go on"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self.run_worker(self._ask("stop"))

        self.app.push_screen(Ask(question, options), answered)

    def action_leave(self) -> None:
        """Quit; asks what becomes of a recording that runs."""
        if not self._may_run:
            self.app.exit()
            return
        options = (
            Option("keep", "k", "quit, the recording goes on"),
            Option("stop", "s", "stop the recording and quit"),
            Option("cancel", "escape", "stay here"),
        )
        self.app.push_screen(Ask("A recording is running.", options), self._leave)

    def _leave(self, answer: str | None) -> None:
        if answer == "keep":
            self.app.exit()
        elif answer == "stop":
            self.run_worker(self._stop_and_leave())

    async def _stop_and_leave(self) -> None:
        await self._ask("stop")
        if self._complaint is None:
            self.app.exit()
