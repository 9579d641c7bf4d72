"""The form of a new recording: checked while it is typed, with what it will take, before it starts."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from subspacelens_tui.app.key_table import FORM
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.new_run_form import NewRunForm, read_form
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.field_note import FieldNote
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.text_lines import TextLines
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.options.recording import FIELDS
from subspacelens_tui.planning import shipped_prompt_sets
from subspacelens_tui.planning.device import nvidia_gpus
from subspacelens_tui.planning.plan import DTYPES
from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.writer import create_new_session

_NARROW, _BROAD = 76, 110
# Long enough for the next key to come, too short to be waited for.
_PAUSE = 0.15


class _Fields(VerticalScroll, inherit_bindings=False):
    """Scrolls, and leaves the arrow keys to the form."""


class NewRunScreen(Screen[Path], NeedsRoom):
    """The fields of a recording; dismissed with the session's folder once a recorder runs.

    Args:
        folder: of sessions.
        setup: holds how a recorder is started.
        models: to suggest.
    """

    KEYS: ClassVar = (FORM,)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#field-model"

    def __init__(self, folder: Path, setup: Setup, models: Sequence[str] = ()) -> None:
        super().__init__()
        self._folder = folder
        self.setup = setup
        self._models = tuple(dict.fromkeys([*BUNDLED, *models]))
        self._complaint: str | None = None
        self._starting = False

    def compose(self) -> ComposeResult:
        """A row for each field, what it will take, two buttons."""
        yield Static(" SubspaceLens  new recording", id="title", markup=False)
        with _Fields(id="form", can_focus=False):
            for field in FIELDS:
                with Horizontal(classes="field"):
                    yield Static(field.label, classes="label", markup=False)
                    yield Input(
                        placeholder=field.placeholder,
                        id=f"field-{field.name}",
                        compact=True,
                        suggester=self._suggester(field.name),
                    )
                    yield FieldNote(field.says, id=f"note-{field.name}")
            yield TextLines(id="estimate")
        with Horizontal(id="buttons"):
            yield Button("start", id="start", compact=True)
            yield Button("leave", id="leave", compact=True)
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(FORM)), id="keys")

    def _suggester(self, name: str) -> SuggestFromList | None:
        known: Mapping[str, Sequence[str]] = {
            "model": self._models,
            "prompts": shipped_prompt_sets(),
            "device": ("cpu", "cuda", *(gpu.name for gpu in nvidia_gpus())),
            "dtype": DTYPES,
        }
        return SuggestFromList(known[name]) if name in known else None

    def on_mount(self) -> None:
        """Plan what the defaults come to."""
        self._check()

    def on_resize(self, event: events.Resize) -> None:
        """Notes beside the fields, or below them where there is no room."""
        self.update_classes({"narrow": self.size.width < _NARROW, "broad": self.size.width >= _BROAD})

    @property
    def _texts(self) -> dict[str, str]:
        return {field.name: self.query_one(f"#field-{field.name}", Input).value for field in FIELDS}

    def on_input_changed(self) -> None:
        """Check what is typed."""
        self._complaint = None
        self._check()

    def _check(self) -> None:
        self.run_worker(self._read(), group="form", exclusive=True)

    async def _read(self) -> None:
        await asyncio.sleep(_PAUSE)
        self._show(await asyncio.to_thread(read_form, self._texts, self._folder))

    def _show(self, form: NewRunForm) -> None:
        for field in FIELDS:
            note = self.query_one(f"#note-{field.name}", FieldNote)
            note.update(form.errors.get(field.name), form.notes.get(field.name))
        wrong = len(form.errors)
        if form.estimate is not None:
            warnings = form.estimate.warnings
            lines = [(line, True) for line in form.remarks]
            self.query_one(TextLines).update(
                [*lines, *((line, line in warnings) for line in form.estimate.lines)]
            )
        self._say(f"{wrong} field{'s' if wrong > 1 else ''} to put right" if wrong else None)

    def _say(self, note: str | None = None) -> None:
        if self._complaint:
            self.query_one(StatusLine).update("error", self._complaint)
        else:
            self.query_one(StatusLine).update("note" if note else "none", note or "")

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
        """Start the recording."""
        if not self._starting:
            self._starting = True
            self.run_worker(self._start(), group="start")

    async def _start(self) -> None:
        """Make the session and start its recorder, if nothing is wrong."""
        self.workers.cancel_group(self, "form")
        form = await asyncio.to_thread(read_form, self._texts, self._folder)
        self._show(form)
        start = self.setup.start_recorder
        if form.manifest is not None and start is not None:
            try:
                path = await asyncio.to_thread(create_new_session, self._folder, form.name, form.manifest)
                await asyncio.to_thread(start, path)
            except SessionError as error:
                self._complaint = str(error)
            else:
                self.dismiss(path)
                return
        elif form.errors:
            first = next(field.name for field in FIELDS if field.name in form.errors)
            self.query_one(f"#field-{first}").focus()
        elif start is None:
            self._complaint = "no recorder can be started from here: use `subspacelens-tui record`"
        self._starting = False
        self._say()

    def action_leave_form(self) -> None:
        """Back to the list; nothing was started."""
        self.dismiss(None)
