"""Typing ε, or the rate of the iso-rate view: what is no positive number gets a message that stays."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.app.selection import parse_eps, parse_rate, stepped_eps
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions.sanitise import plain

_EPS = "ε, the coding precision, in the unit of the features (not squared)"
_RATE = "R, the coding rate in nats that each layer's ε is chosen for"


class EpsDialog(ModalScreen[float], NeedsRoom):
    """Asks for ε, or for the rate; None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave ε as it is", show=False),
        Binding("enter", "take", "take what the slider says", show=False),
    ]

    def __init__(self, value: float, iso: bool = False) -> None:
        super().__init__()
        self._value = value
        self._iso = iso

    def compose(self) -> ComposeResult:
        """The input, a slider, what it wants, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(_RATE if self._iso else _EPS, classes="question")
            yield Input(f"{self._value:g}", id="eps", compact=True, select_on_focus=True)
            yield EpsSlider(id="eps-slider")
            yield Static("", id="wrong", markup=False)
            yield Static("enter: apply   tab: slider   esc: cancel", classes="hint")

    def on_mount(self) -> None:
        """The slider where the value is."""
        self.query_one(EpsSlider).update(self._value, self._iso)

    def _parsed(self, text: str) -> float:
        return parse_rate(text) if self._iso else parse_eps(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The slider follows what is typed, as far as it is a value."""
        try:
            self._value = self._parsed(event.value)
        except SettingsError:
            return
        self.query_one(EpsSlider).update(self._value, self._iso)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it if it is a positive number."""
        try:
            self.dismiss(self._parsed(event.value))
        except SettingsError as error:
            self.query_one("#wrong", Static).update(plain(error))

    def on_eps_slider_moved(self, message: EpsSlider.Moved) -> None:
        """What is typed follows the slider."""
        self.query_one(Input).value = f"{message.value:g}"

    def action_eps(self, by: int) -> None:
        """The slider one step up or down."""
        self.query_one(Input).value = f"{stepped_eps(self._value, by):g}"

    def action_take(self) -> None:
        """Take what the slider says."""
        self.dismiss(self._value)

    def action_leave(self) -> None:
        """Leave ε as it is."""
        self.dismiss(None)
