"""Typing ε: what is no positive number gets a message that stays, and changes nothing."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from subspacelens_tui.analysis.settings import SettingsError
from subspacelens_tui.app.view import parse_eps
from subspacelens_tui.sessions.plain import plain


class EpsDialog(ModalScreen[float]):
    """Asks for ε; None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave ε as it is", show=False)]

    def __init__(self, eps: float) -> None:
        super().__init__()
        self._eps = eps

    def compose(self) -> ComposeResult:
        """The input, what it wants, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(
                "ε, the coding precision, in the unit of the features (not squared)", classes="question"
            )
            yield Input(f"{self._eps:g}", id="eps", compact=True, select_on_focus=True)
            yield Static("", id="wrong", markup=False)
            yield Static("enter: take it   esc: leave it", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it if it is a positive number."""
        try:
            self.dismiss(parse_eps(event.value))
        except SettingsError as error:
            self.query_one("#wrong", Static).update(plain(error))

    def action_leave(self) -> None:
        """Leave ε as it is."""
        self.dismiss(None)
