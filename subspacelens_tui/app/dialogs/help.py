"""Help, made from the key table, so that it cannot lie."""

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from subspacelens_tui.analysis.quantities import glossary
from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.widgets.too_small import NeedsRoom

_KEYS = 14
# As in the style sheet: columns of the dialog, and of what is around its text.
_WIDEST, _FRAME = 92, 10
_READING = """\
ΔR, the rate reduction, is the coding rate of all images minus that within the classes (MCR², nats). It
grows with scale and with any labels: read the excess over permuted labels. ε is the coding precision,
not squared. The shaded band holds the central 95 % of the permutations; a hollow point lies inside it,
even where its one-sided p is below .05. Overlap is the mean squared cosine between class subspaces."""


class HelpScreen(ModalScreen[str], NeedsRoom):
    """All keys of the screen it was asked on; a click on one does what it does, and returns its action."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", show=False)]

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__()
        self._closes = next(key.keys for key in keys if key.action == "app.help").split(",")
        self._keys = sorted(keys, key=lambda key: key.group == "Everywhere")

    def compose(self) -> ComposeResult:
        """The lines, and how to go on."""
        with VerticalScroll(classes="dialog help") as lines:
            lines.border_title = "Keys · how to read it · abbreviations"
            lines.border_subtitle = "↑ ↓ scroll · click a line to do it · esc close"
            yield Static(self._text(self.app.size.width), id="help-lines")

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        self.query_one("#help-lines", Static).update(self._text(event.size.width))

    def _text(self, width: int) -> Text:
        """Group by group, on a screen of this width."""
        room = max(_KEYS, min(_WIDEST, width * 9 // 10) - _FRAME - _KEYS - 2)
        text = Text()
        for group in dict.fromkeys(key.group for key in self._keys):
            text.append(f"{group}\n", "bold")
            for key in (key for key in self._keys if key.group == group):
                click = Style.from_meta({"@click": f"screen.choose('{key.name}')"})
                _append(text, key.shown, key.says, room, click)
            text.append("\n")
        text.append("How to read it\n", "bold")
        text.append(_READING.replace("\n", " "))
        text.append("\n\nAbbreviations\n", "bold")
        for short, label in glossary().items():
            _append(text, short, label, room)
        return text

    def on_key(self, event: events.Key) -> None:
        """What opens it closes it."""
        if event.key in self._closes:
            event.stop()
            self.dismiss(None)

    def action_choose(self, name: str) -> None:
        """What a line says is to be done."""
        self.dismiss(next(key.run for key in self._keys if key.name == name))


def _append(text: Text, name: str, says: str, room: int, click: Style | None = None) -> None:
    """A name and what it says beside it, on as many lines as that takes."""
    click = click or Style()
    for line in textwrap.wrap(says, room):
        text.append(f"  {name:<{_KEYS}}", Style(bold=True) + click)
        text.append(line, click)
        text.append("\n")
        name = ""
