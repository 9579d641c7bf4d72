"""What forms share: a row for each field, checked while it is typed, and a start once nothing is wrong."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from subspacelens_tui.app.key_table import FORM
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.field_note import FieldNote
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.text_lines import TextLines
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.options.option import FormOption
from subspacelens_tui.sessions import SessionError

_NARROW, _BROAD = 76, 110
# Long enough for the next key to come, too short to be waited for.
_PAUSE = 0.15


class Form(Protocol):
    """What came of the texts."""

    @property
    def errors(self) -> Mapping[str, str]:
        """One line for each field that is wrong."""

    @property
    def notes(self) -> Mapping[str, str]:
        """One line for each field whose meaning can be said now."""


F = TypeVar("F", bound=Form)
R = TypeVar("R")


class _Fields(VerticalScroll, inherit_bindings=False):
    """Scrolls, and leaves the arrow keys to the form."""


class FormScreen(Screen[R], NeedsRoom, Generic[R, F]):
    """Fields; dismissed with what was started, or with None.

    Attributes:
        fields: in their order; set before the screen is composed.
        heading: of the screen.
        texts_at_first: of the fields by name.
    """

    KEYS: ClassVar = (FORM,)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#form Input"
    fields: Sequence[FormOption] = ()
    heading = ""
    texts_at_first: Mapping[str, str] = {}

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup
        self._complaint: str | None = None
        self._wrong = 0
        self._starting = False

    def known(self) -> Mapping[str, Sequence[str]]:
        """What fields suggest, by their names."""
        raise NotImplementedError

    def read_texts(self, texts: Mapping[str, str]) -> F:
        """Check what is typed; not in the thread of the screen."""
        raise NotImplementedError

    def lines(self, form: F) -> list[tuple[str, bool]]:
        """What it will take, a line each, with whether it is a warning."""
        raise NotImplementedError

    async def begin(self, form: F) -> R:
        """Start what a form without errors says.

        Raises:
            SessionError: it cannot be started, in one line.
        """
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """A row for each field, what it will take, two buttons."""
        yield Static(self.heading, id="title", markup=False)
        known = self.known()
        with _Fields(id="form", can_focus=False):
            for field in self.fields:
                with Horizontal(classes="field"):
                    yield Static(field.label, classes="label", markup=False)
                    yield Input(
                        value=self.texts_at_first.get(field.name),
                        placeholder=field.placeholder,
                        id=f"field-{field.name}",
                        compact=True,
                        suggester=SuggestFromList(known[field.name]) if field.name in known else None,
                    )
                    yield FieldNote(field.says, id=f"note-{field.name}")
            yield TextLines(id="estimate")
        with Horizontal(id="buttons"):
            yield Button("start", id="start", compact=True)
            yield Button("leave", id="leave", compact=True)
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(FORM)), id="keys")

    def on_mount(self) -> None:
        """Plan what is there."""
        self._check()

    def on_resize(self, event: events.Resize) -> None:
        """Notes beside the fields, or below them where there is no room."""
        self.update_classes({"narrow": self.size.width < _NARROW, "broad": self.size.width >= _BROAD})

    @property
    def _texts(self) -> dict[str, str]:
        return {field.name: self.query_one(f"#field-{field.name}", Input).value for field in self.fields}

    def on_input_changed(self) -> None:
        """Check what is typed."""
        self._complaint = None
        self._check()

    def _check(self) -> None:
        # Not the coroutine: one that is cancelled before it begins would never be awaited.
        _: Worker[None] = self.run_worker(self._read, group="form", exclusive=True)

    async def _read(self) -> None:
        await asyncio.sleep(_PAUSE)
        self._show(await asyncio.to_thread(self.read_texts, self._texts))

    def _show(self, form: F) -> None:
        for field in self.fields:
            note = self.query_one(f"#note-{field.name}", FieldNote)
            note.update(form.errors.get(field.name), form.notes.get(field.name))
        if lines := self.lines(form):
            self.query_one(TextLines).update(lines)
        self._wrong = len(form.errors)
        self._say()

    def on_descendant_focus(self) -> None:
        """Another field has the keys."""
        self._say()

    def _say(self) -> None:
        """What went wrong, else what is cut beside the field, else how many fields are wrong."""
        status, here = self.query_one(StatusLine), self._note_here()
        if self._complaint:
            status.update("error", self._complaint)
        elif here is not None and here.is_cut:
            status.update("note" if here.error is None else "error", here.words)
        else:
            fields = "field" if self._wrong == 1 else "fields"
            status.update(*(("note", f"{self._wrong} {fields} to fix") if self._wrong else ("none", "")))

    def _note_here(self) -> FieldNote | None:
        """The note of the field that has the keys, where it is beside it."""
        field = self.focused.parent if isinstance(self.focused, Input) else None
        notes = field.query(FieldNote) if field is not None else ()
        return next((note for note in notes if note.size.width), None)

    def action_enter_field(self) -> None:
        """On to the next field; after the last come the buttons."""
        if isinstance(self.focused, Button):
            self.focused.press()
        else:
            self.action_next_field(1)

    def action_next_field(self, by: int) -> None:
        """To the field below or above."""
        if by > 0:
            self.focus_next("Input, Button")
        else:
            self.focus_previous("Input, Button")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start, or leave."""
        if event.button.id == "start":
            self.action_start()
        else:
            self.action_leave_form()

    def action_start(self) -> None:
        """Start what is typed."""
        if not self._starting:
            self._starting = True
            self.run_worker(self._start(), group="start")

    async def _start(self) -> None:
        """Start what is typed, if nothing is wrong."""
        self.workers.cancel_group(self, "form")
        form = await asyncio.to_thread(self.read_texts, self._texts)
        self._show(form)
        if form.errors:
            first = next(field.name for field in self.fields if field.name in form.errors)
            self.query_one(f"#field-{first}").focus()
        else:
            try:
                started = await self.begin(form)
            except SessionError as error:
                self._complaint = str(error)
            else:
                self.dismiss(started)
                return
        self._starting = False
        self._say()

    def action_leave_form(self) -> None:
        """Back; nothing was started."""
        self.dismiss(None)
