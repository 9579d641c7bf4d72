"""Typing the path of a label file."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from subspacelens_tui.app.widgets.too_small import NeedsRoom


class LabelFileDialog(ModalScreen[str], NeedsRoom):
    """Asks for a path; None if it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel", show=False)]

    def compose(self) -> ComposeResult:
        """The input, and what it is for."""
        with Vertical(classes="dialog"):
            yield Static("Label file: TOML that adds label schemes (docs/prompt-sets.md)", classes="question")
            yield Input(id="label-file", placeholder="path", compact=True)
            yield Static("enter: add   esc: cancel", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed, if anything."""
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Add none."""
        self.dismiss(None)
