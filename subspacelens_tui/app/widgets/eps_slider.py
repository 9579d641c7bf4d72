"""ε on a logarithmic slider, or in the iso-rate view the rate that all layers are to have."""

import math
from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from subspacelens_tui.app.drawing.painted_widget import Row, cut_row
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.selection import nearest_of_series
from subspacelens_tui.app.widgets.slider import SLIDER_AT_LEAST, Slider

_EPS, _RATE = (0.01, 100.0), (1.0, 10_000.0)
_VALUE = 8


class EpsSlider(Slider):
    """A track over four decades, ten steps a decade; beyond its ends the handle stands at the end.

    Attributes:
        value: ε, or the rate in nats.
        iso: whether it is the rate.
    """

    keys: ClassVar[tuple[Key, ...]] = (
        Key("slider-left", "left", "eps(-1)", "ε (or R): smaller", "On the ε slider", "ε"),
        Key("slider-right", "right", "eps(1)", "ε (or R): larger", "On the ε slider"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(keys)

    class Moved(Message):
        """The handle was moved to this value."""

        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

    value = 0.5
    iso = False

    def update(self, value: float, iso: bool = False) -> None:
        """Show this."""
        self.value, self.iso = value, iso
        self.repaint()

    @property
    def _range(self) -> tuple[float, float]:
        return _RATE if self.iso else _EPS

    @property
    def _label(self) -> str:
        return " R  " if self.iso else " ε  "

    def _track(self) -> int:
        return self.size.width - len(self._label) - _VALUE

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The track with its handle, and the value."""
        label = (self._label, self.ink("accent" if self.has_focus else "dim"))
        track, written = self._track(), f"{self.value:.4g}"
        if track < SLIDER_AT_LEAST:
            yield cut_row([label, (written, self.ink("strong"))], width)
            return
        low, high = (math.log(end) for end in self._range)
        place = round((math.log(self.value) - low) / (high - low) * (track - 1))
        handle = min(track - 1, max(0, place))
        yield [
            label,
            ("─" * handle, self.ink("dim")),
            ("●", self.ink("accent")),
            ("─" * (track - 1 - handle), self.ink("dim")),
            (f" {written:<{_VALUE - 1}}", self.ink("strong")),
        ]

    def move_to(self, event: events.MouseEvent) -> None:
        """The handle was put where the mouse is."""
        track = self._track()
        if track < SLIDER_AT_LEAST:
            return
        x = event.get_content_offset_capture(self).x - len(self._label)
        share = min(1.0, max(0.0, x / (track - 1)))
        low, high = self._range
        value = nearest_of_series(low * (high / low) ** share)
        if value != self.value:
            self.post_message(self.Moved(value))
