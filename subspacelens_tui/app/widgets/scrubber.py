"""The images the metrics are of: follow the newest, or stay at the first so many."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from subspacelens_tui.app.drawing.painted_widget import Row, cut_row
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.widgets.slider import SLIDER_AT_LEAST, Slider

_LABEL = " images "


class Scrubber(Slider):
    """A track of the recorded images with a handle.

    Attributes:
        recorded: images there are.
        planned: images there will be.
        chosen: images the metrics are to be of; None follows.
        live: whether more may come.
        behind: images the metrics are still of, if they follow and more have come since.
    """

    keys: ClassVar[tuple[Key, ...]] = (
        Key("scrubber-left", "left", "images(-1)", "one fewer image", "In the scrubber", "image"),
        Key("scrubber-right", "right", "images(1)", "one more image", "In the scrubber"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(keys)

    class Moved(Message):
        """The handle was moved to this many images; None to follow."""

        def __init__(self, images: int | None) -> None:
            super().__init__()
            self.images = images

    recorded = planned = 0
    chosen: int | None = None
    live = False
    behind: int | None = None

    def update(
        self, recorded: int, planned: int, chosen: int | None, live: bool, behind: int | None = None
    ) -> None:
        """Show this."""
        self.recorded, self.planned, self.chosen, self.live = recorded, planned, chosen, live
        self.behind = behind
        self.repaint()

    @property
    def _shown(self) -> int:
        """Images the metrics are of, or are about to be."""
        following = self.recorded if self.behind is None else self.behind
        return following if self.chosen is None else self.chosen

    @property
    def _tail(self) -> str:
        width = len(str(self.planned))
        word = "all images" if not self.live else "following"
        if self.chosen is not None:
            word = f"of {self.recorded}" if self.recorded != self.planned else ""
        return f" {self._shown:>{width}}/{self.planned} {word:<12}"

    def _track(self) -> int:
        return max(0, self.size.width - len(_LABEL) - len(self._tail))

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The track: chosen, recorded, still to come."""
        label = (_LABEL, self.ink("accent" if self.has_focus else "dim"))
        track = self._track()
        ink = self.ink("warning" if self.chosen is not None and self.live else "strong")
        if track < SLIDER_AT_LEAST or self.planned < 1:
            yield cut_row([label, (self._tail.strip(), ink)], width)
            return
        handle = min(track - 1, round(self._shown / self.planned * (track - 1)))
        recorded = min(track - 1, round(self.recorded / self.planned * (track - 1)))
        yield [
            label,
            ("━" * handle, self.ink("accent")),
            ("●" if self.chosen is not None else "╸", self.ink("accent")),
            ("━" * (recorded - handle), self.ink("dim")),
            ("┄" * (track - 1 - max(recorded, handle)), self.ink("faint")),
            (self._tail, ink),
        ]

    def move_to(self, event: events.MouseEvent) -> None:
        """The handle was put where the mouse is."""
        offset = event.get_content_offset_capture(self)
        track = self._track()
        if track < SLIDER_AT_LEAST or self.recorded < 1:
            return
        share = (offset.x - len(_LABEL)) / (track - 1)
        images = round(share * self.planned)
        self.post_message(self.Moved(max(1, images) if images < self.recorded else None))
