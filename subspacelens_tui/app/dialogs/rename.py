"""Typing a session's new name: what cannot be one gets its reason while it is typed."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions.sanitise import plain


class RenameDialog(ModalScreen[str], NeedsRoom):
    """Asks for a name; None if it was left.

    Args:
        name: that it has now.
        objection: why a name will not do, in one line; empty if it will.
        note: what else comes of it; empty if nothing does.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave it as it is", show=False)]

    def __init__(self, name: str, objection: Callable[[str], str], note: str = "") -> None:
        super().__init__()
        self._old = name
        self._objection, self._note = objection, note

    def compose(self) -> ComposeResult:
        """The input, and what is wrong with it."""
        with Vertical(classes="dialog"):
            yield Static(plain(f"New name of {self._old}"), markup=False, classes="question")
            yield Input(self._old, id="new-name", compact=True, select_on_focus=True)
            yield Static("", id="wrong", markup=False)
            if self._note:
                yield Static(plain(self._note), markup=False, classes="hint")
            yield Static("enter: rename   esc: cancel", classes="hint")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong."""
        self.query_one("#wrong", Static).update(plain(self._objection(event.value)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take it if it will do."""
        if not self._objection(event.value):
            self.dismiss(event.value)

    def action_leave(self) -> None:
        """Leave the name as it is."""
        self.dismiss(None)
