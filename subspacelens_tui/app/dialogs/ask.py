"""A question with a few answers, each a key and a button."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from subspacelens_tui.app.keys import key_name
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions.sanitise import plain


@dataclass(frozen=True)
class Option:
    """An answer: what it returns, its key, and what it says."""

    answer: str
    key: str
    says: str


class Ask(ModalScreen[str], NeedsRoom):
    """Asks; the answer is the chosen option's. Arrows and enter work as well as the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,left", "app.focus_previous", show=False),
        Binding("down,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, options: Sequence[Option]) -> None:
        super().__init__()
        self._question = question
        self._options = list(options)

    def compose(self) -> ComposeResult:
        """The question over its answers."""
        with Vertical(classes="dialog"):
            yield Static(plain(self._question), markup=False, classes="question")
            for option in self._options:
                yield Button(
                    Content(f"{key_name(option.key)}  {plain(option.says)}"),
                    id=option.answer,
                    compact=True,
                )

    def on_key(self, event: events.Key) -> None:
        """Answer by key."""
        for option in self._options:
            if event.key == option.key:
                event.stop()
                self.dismiss(option.answer)
                return

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        self.dismiss(event.button.id)
