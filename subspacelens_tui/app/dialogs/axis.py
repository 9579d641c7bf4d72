"""Typing the range of an axis: two numbers, or nothing for what fits."""

import math
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from subspacelens_tui.app.drawing.axis import LARGEST
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions.sanitise import plain

Limits = tuple[float, float] | None


class AxisDialog(ModalScreen[tuple[Limits]], NeedsRoom):
    """Asks for the range; the answer is a tuple of it, or None if it was left.

    Args:
        heading: of the plot.
        limits: that it has now; None for what fits.
        log: whether the axis is logarithmic.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave the axis as it is", show=False)
    ]

    def __init__(self, heading: str, limits: Limits, log: bool) -> None:
        super().__init__()
        self._heading, self._limits, self._log = heading, limits, log

    def compose(self) -> ComposeResult:
        """The input, and what is wrong with it."""
        now = "" if self._limits is None else "{:g} {:g}".format(*self._limits)
        with Vertical(classes="dialog"):
            yield Static(
                plain(f"y range of {self._heading}, at least: from and to"), markup=False, classes="question"
            )
            yield Input(now, placeholder="fits the values", id="limits", compact=True, select_on_focus=True)
            yield Static("", id="wrong", markup=False)
            yield Static("enter: apply   empty: fit the values   esc: cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Apply a valid range."""
        try:
            self.dismiss((parse_limits(event.value, self._log),))
        except ValueError as error:
            self.query_one("#wrong", Static).update(plain(error))

    def action_leave(self) -> None:
        """Leave the axis as it is."""
        self.dismiss(None)


def parse_limits(text: str, log: bool = False) -> Limits:
    """The range that was typed: "0 5" or "0, 5"; None for nothing.

    Raises:
        ValueError: with one line, if it is not a range.
    """
    words = text.replace(";", " ").replace(", ", " ").split()
    if not words:
        return None
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise ValueError(f"a range is two numbers such as 0 5, not {text.strip()!r}") from None
    if not (math.isfinite(low) and math.isfinite(high) and max(abs(low), abs(high)) <= LARGEST):
        raise ValueError("both ends must be finite numbers")
    if low >= high:
        raise ValueError(f"{low:g} is not below {high:g}")
    if log and low <= 0:
        raise ValueError("a logarithmic axis starts above zero")
    return low, high
