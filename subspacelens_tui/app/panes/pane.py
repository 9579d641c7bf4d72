"""The base of the panes: a frame with a number to jump by, metrics to show, one selected layer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import uncapitalised
from subspacelens_tui.app.drawing.painted_widget import Painted, Row
from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.selection import Measure
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.sessions.sanitise import plain

if TYPE_CHECKING:
    from subspacelens_tui.analysis.output import Plot

Numbers = Sequence[Mapping[str, Any]]
"""A table: rows of the same columns."""

COMPUTING = "computing …"
WAITING = "…"
"""In the place of one value that is computed."""

# What is left of the frame on both sides of a title, with its blanks; and the digit before the upper one.
_CORNERS = 4
_JUMP = 2


class LayerChosen(Message):
    """A layer was chosen in a pane; all panes share it."""

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.layer = layer


class TitleClicked(Message):
    """The title of a pane that shares its place was clicked."""

    def __init__(self, pane: "Pane") -> None:
        super().__init__()
        self.pane = pane


Edge = Literal["left", "right", "top", "bottom"]
Column = Literal["left", "middle", "right"]


class Deferred(Enum):
    """What costs seconds for all layers or steps, and is computed only while a pane that shows it is seen."""

    SPLIT_HALVES = "overlap of halves of the classes in every layer"
    LEAST_OVERLAP_BY_STEP = "the layer of least overlap at each captured step"
    CKA = "CKA of all pairs of layers"
    PAIRS = "the overlap of every two classes at the selected layer under permuted labels"
    OVER_EPS = "the excess of the selected layer at other ε"
    CONTROL = "the same metrics of the session's control at random weights"
    SPARSE = "what tokens take under each lens, in every layer"


class BorderDragged(Message):
    """A border of a pane is dragged to a place of the screen, or let go there."""

    def __init__(self, pane: "Pane", edge: Edge, x: int, y: int, released: bool) -> None:
        super().__init__()
        self.pane, self.edge, self.x, self.y, self.released = pane, edge, x, y, released


class Pane(Painted, can_focus=True):
    """A pane of the session screen.

    What a pane is, it declares in its class, and `panes.registry` lists the classes: layout, table of keys,
    tabs and saved state know of panes from there only.

    Attributes:
        pane_name: by which it is known there; the id of its widget unless another is given.
        heading, tab: its name in its frame and in the row of tabs.
        jump: the digit that jumps to its place.
        says: what that key does, for the help; empty for all but the first pane of a place.
        place: what panes share of which one is seen at a time.
        in_column: where on the screen the place is.
        measure: the choice of curves that it is seen for; None for any.
        on_request: whether it is seen beside others only after somebody went to it.
        of_a_step: whether its metrics are of the selected denoising step.
        of_a_layer: whether they are of the selected layer alone.
        needs: what is computed only while it is seen.
        keys: what can be done in it by keys, beside what can be done anywhere.
        others: how to see the others of its place, if there are any.
        recording, analysis, selected: what it shows and which layer, set by the screen through `update`.
    """

    pane_name: ClassVar[str] = ""
    heading: ClassVar[str] = ""
    tab: ClassVar[str] = ""
    jump = ""
    says: ClassVar[str] = ""
    place: ClassVar[str] = ""
    in_column: ClassVar[Column] = "right"
    measure: ClassVar[Measure | None] = None
    on_request: ClassVar[bool] = False
    of_a_step: ClassVar[bool] = False
    of_a_layer: ClassVar[bool] = False
    needs: ClassVar[frozenset[Deferred]] = frozenset()
    keys: ClassVar[tuple[Key, ...]] = ()
    others = ""
    recording: Recording | None = None
    analysis: Analysis | None = None
    selected: int = 0
    _titled = ""
    _title_seen: str | None = None
    _subtitled = ""
    _frames_subtitle = False
    _edge: Edge | None = None
    _dragged = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id or self.pane_name or None)

    def on_mount(self) -> None:
        """Name the frame."""
        self.refresh_title()

    def actions(self) -> dict[str, Callable[..., Any]]:
        """What can be done in it, for the screen that has it: its methods named `action_…`."""
        names = (name for name in dir(self) if name.startswith("action_") and not hasattr(Widget, name))
        return {name: getattr(self, name) for name in names}

    def update(self, recording: Recording | None, analysis: Analysis | None, layer: int) -> None:
        """Show this; the screen calls it whenever something of it changed."""
        self.recording, self.analysis, self.selected = recording, analysis, layer
        self.refresh_title()
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """A click on the title shows what else the pane has."""
        if self.others and event.y == 0 and event.widget is self:
            self.post_message(TitleClicked(self))

    @classmethod
    def tab_in_words(cls) -> str:
        """Its name within a line."""
        return uncapitalised(cls.tab)

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """Of each layer the number of its block in the model."""
        return self.recording.manifest.block_numbers if self.recording else ()

    def number_of(self, layer: int) -> int:
        """The number of a layer's block in the model."""
        numbers = self.layer_numbers
        return numbers[layer] if layer < len(numbers) else layer

    def name_of(self, layer: int) -> str:
        """A layer as it is called on the screen."""
        return f"L{self.number_of(layer)}"

    def title_detail(self) -> str:
        """What the frame says after the heading."""
        return ""

    def subtitles(self) -> Sequence[str]:
        """What the frame says below beside `sample`, the longest first: the one that fits is shown."""
        return ()

    def sample(self) -> str:
        """How many images the pane's metrics are of: while a recording runs, panes differ."""
        main = self.analysis.main if self.analysis else None
        return f"N {main.images}" if main is not None and main.layers else ""

    def on_resize(self) -> None:
        """Another subtitle may fit."""
        self.refresh_title()

    def refresh_title(self) -> None:
        """Write the frame's title, if it changed: that repaints the whole pane, so it names no layer."""
        details = [*plain(self.title_detail()).split(" · "), self._step_detail()]
        parts = [self.heading, *filter(None, details)]
        self._titled = " · ".join(parts)
        room = max(0, self.size.width - _CORNERS)
        # What there is no room for goes from the end, and whole.
        forms = (" · ".join(parts[:count]) for count in range(len(parts), 0, -1))
        seen = next((form for form in forms if cell_len(form) + _JUMP <= room), self.heading)
        if seen != self._title_seen:
            self._title_seen = seen
            self.border_title = Text.assemble((self.jump, "bold"), " ", seen)
        below = (" · ".join(filter(None, (self.sample(), words))) for words in (*self.subtitles(), ""))
        subtitle = next((words for words in below if cell_len(words) <= room), "")
        if subtitle != self._subtitled:
            self._subtitled = subtitle
            self._frames_subtitle = True
            self.border_subtitle = Text(subtitle)
            self._frames_subtitle = False

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Textual's hook: another subtitle changes one row of the frame, not what is in it."""
        if self._frames_subtitle:
            regions = (Region(-1, self.size.height, self.outer_size.width, 1),)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _step_detail(self) -> str:
        main = self.analysis.main if self.analysis else None
        return f"step {main.step_name}" if main is not None and self.of_a_step else ""

    @property
    def title_text(self) -> str:
        """The frame's title as plain text, with the denoising step whether there is room for it or not."""
        return self._titled or self.heading

    def as_text(self) -> str:
        """The pane's title and rows as plain text."""
        return "\n".join([self.title_text, super().as_text()]).rstrip() + "\n"

    def numbers(self) -> Numbers:
        """The numbers behind what the pane shows; no rows where there are none."""
        return ()

    def publication(self, name: str) -> "Plot | None":
        """The metric as a plot for publication whose files have this name, if there is one."""
        return None

    def lines(self, width: int, height: int) -> Iterable[Row]:
        """What is shown: why there are no metrics, that there is too little room, or the metrics."""
        if words := self.absence():
            return self.said(words, width, height)
        return super().lines(width, height)

    def absence(self) -> str:
        """Why there are no metrics; empty if there are some."""
        main = self.analysis.main if self.analysis else None
        if main is not None and main.layers:
            return ""
        if self.analysis is not None and self.analysis.error:
            return plain(self.analysis.error)
        if self.recording is None:
            return "reading the session …"
        phase, recorded = self.recording.state.phase, self.recording.recorded
        if not any(recorded.values()):
            waiting = "the first curves come with the second image"
            if phase.running:
                return f"{phase}: {waiting}"
            detail = plain(self.recording.state.detail)
            return f"{phase}: nothing was recorded" + (f": {detail}" if detail else "")
        if words := self._absent():
            return words
        scale = self.analysis.selection.settings.guidance if self.analysis else None
        if scale is not None and not recorded.get(scale):
            return f"no images at guidance {scale:g}{' yet' if phase.running else ''}"
        return COMPUTING

    def no_difference(self) -> str:
        """Why there is no difference although one of its branches has metrics; empty if that is not so."""
        return self._absent() if self.analysis is not None and self.analysis.lacks_a_side else ""

    def _absent(self) -> str:
        absent = self.analysis.absent if self.analysis is not None else ""
        return f"no values: {plain(absent)}" if absent else ""

    def why_missing(self, *metrics: str) -> str:
        """Why there are values of none of some metrics: that they are on their way, or the reason."""
        assert self.analysis is not None
        if words := self.no_difference():
            return words
        main = self.analysis.main
        reasons = [main.why_missing(metric) for metric in metrics] if main is not None else []
        if found := next(filter(None, reasons), ""):
            return plain(found)
        return COMPUTING if self.analysis.refining else "no values at these settings"

    @property
    def blank(self) -> str:
        """What stands for a value that there is not, or not yet."""
        return WAITING if self.analysis is not None and self.analysis.refining else numbers.NONE

    def _edge_at(self, x: int, y: int) -> Edge | None:
        width, height = self.outer_size
        # The frame's sides go before its top, where the title is clicked to focus the pane.
        if x in (0, width - 1):
            return "left" if x == 0 else "right"
        if y in (0, height - 1):
            return "top" if y == 0 else "bottom"
        return None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border."""
        self._dragged = False
        self._edge = self._edge_at(event.x, event.y)
        if self._edge is not None:
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag it."""
        if self._edge is not None:
            self._dragged = True
            self.post_message(BorderDragged(self, self._edge, event.screen_x, event.screen_y, released=False))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let it go."""
        if self._edge is not None:
            self.capture_mouse(False)
            if self._dragged:
                self.post_message(
                    BorderDragged(self, self._edge, event.screen_x, event.screen_y, released=True)
                )
        self._edge = None

    async def on_event(self, event: events.Event) -> None:
        """Textual's hook: the click that ends a drag means nothing else."""
        if isinstance(event, events.Click) and self._dragged:
            return
        await super().on_event(event)
