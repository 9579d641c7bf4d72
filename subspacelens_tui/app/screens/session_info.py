"""The page of a session: what was recorded, and the notes and tags that one writes about it."""

import asyncio
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea

from subspacelens_tui.app.drawing.cell_text import fit
from subspacelens_tui.app.drawing.painted_widget import Painted, Row, cut_row
from subspacelens_tui.app.key_table import ANYWHERE, INFO
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions import SessionError, open_session
from subspacelens_tui.sessions.facts import Fact, facts_of
from subspacelens_tui.sessions.notes import Notes, read_notes, tags_of, write_notes
from subspacelens_tui.sessions.sanitise import plain

_NAME = 14


class Facts(Painted, can_focus=True):
    """Names and what is said under them; it scrolls."""

    _facts: Sequence[Fact] = ()
    _top = _rows = 0

    def update(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        self._facts = facts
        self.repaint()

    def scroll_rows(self, by: int) -> None:
        """Show what is further down, or up."""
        self._top = max(0, min(self._top + by, self._rows - self.size.height))
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """A fact after the other, each wrapped beside its name."""
        if not self._facts:
            return self.said("reading the session …", width, height)
        rows = [row for fact in self._facts for row in self._fact(fact, width)]
        self._rows = len(rows)
        self._top = max(0, min(self._top, len(rows) - height))
        return rows[self._top : self._top + height]

    def _fact(self, fact: Fact, width: int) -> Iterable[Row]:
        name, words = map(plain, fact)
        for line in textwrap.wrap(words, max(10, width - _NAME - 2)) or [""]:
            yield cut_row([(f" {fit(name, _NAME)} ", self.ink("dim")), (line, self.ink())], width)
            name = ""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        self.scroll_rows(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        self.scroll_rows(-1)


@dataclass(frozen=True)
class _Written:
    """What stands in the fields."""

    tags: str
    text: str


class SessionInfoScreen(Screen[None], NeedsRoom):
    """Facts above, tags and notes below. What was changed is saved when the page is left.

    Args:
        path: the session's folder.
        setup: the user's settings.
    """

    KEYS: ClassVar = (INFO, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "Facts"

    def __init__(self, path: Path, setup: Setup) -> None:
        super().__init__()
        self._path, self.setup = path, setup
        self._shown: _Written | None = None
        self._unsaved: _Written | None = None

    def compose(self) -> ComposeResult:
        """Title, facts, two fields, message, keys."""
        yield Static(f" Session  {plain(self._path.resolve().name)}", id="title", markup=False)
        yield Facts()
        with Horizontal(classes="noted"):
            yield Static("tags", classes="label")
            yield Input(placeholder="words with commas between them", id="tags", compact=True, disabled=True)
        with Horizontal(classes="noted", id="text"):
            yield Static("notes", classes="label")
            area = TextArea(id="notes", compact=True, highlight_cursor_line=False, disabled=True)
            area.cursor_blink = False
            yield area
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(INFO, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Read it."""
        self.run_worker(self._read(), group="read")

    async def _read(self) -> None:
        try:
            session = await asyncio.to_thread(open_session, self._path)
            self.query_one(Facts).update(facts_of(session.manifest, session.state))
            notes = await asyncio.to_thread(read_notes, self._path)
        except SessionError as error:
            self._complain(error)
            return
        self._show_notes(notes)

    def _show_notes(self, notes: Notes) -> None:
        """Put them into the fields, as they can be shown: what is not changed there is kept as it is."""
        lines = [plain(line, len(line)) for line in notes.text.split("\n")]
        self._shown = _Written(plain(", ".join(notes.tags)), "\n".join(lines))
        tags, text = self.query_one(Input), self.query_one(TextArea)
        tags.disabled = text.disabled = False
        tags.value, text.text = self._shown.tags, self._shown.text

    @property
    def _written(self) -> _Written:
        return _Written(self.query_one(Input).value, self.query_one(TextArea).text)

    def _complain(self, error: SessionError) -> None:
        self.query_one(StatusLine).update("error", str(error).replace(f"{self._path}/", ""))

    async def _save(self) -> bool:
        """Write what was changed; False if it cannot be, which the line below says."""
        shown, written = self._shown, self._written
        if shown is None or written == shown:
            return True
        try:
            # Somebody else may have noted something meanwhile: only what was changed here is written.
            notes = await asyncio.to_thread(read_notes, self._path)
            if written.tags != shown.tags:
                notes = notes.model_copy(update={"tags": ()}).tagged(*tags_of(written.tags))
            if written.text != shown.text:
                notes = notes.saying(written.text)
            await asyncio.to_thread(write_notes, self._path, notes)
        except SessionError as error:
            self._complain(error)
            return False
        self._shown = written
        self.query_one(StatusLine).update("note", "saved")
        return True

    # What the keys do

    def action_scroll_facts(self, by: int) -> None:
        """Further down, or up."""
        self.query_one(Facts).scroll_rows(by)

    def action_edit(self) -> None:
        """Go to the tags, and from them to the notes."""
        field = TextArea if isinstance(self.focused, Input) else Input
        self.query_one(field).focus()

    def on_input_submitted(self) -> None:
        """From the tags to the notes."""
        self.action_edit()

    def action_save(self) -> None:
        """Write what was changed."""
        self.run_worker(self._save(), group="save", exclusive=True)

    def action_leave_info(self) -> None:
        """Save and go back; where it cannot be saved, the second time leave it."""
        self.run_worker(self._leave(and_quit=False), group="save", exclusive=True)

    def action_leave(self) -> None:
        """Quit as from where it was opened, once it is saved."""
        self.run_worker(self._leave(and_quit=True), group="save", exclusive=True)

    async def _leave(self, and_quit: bool) -> None:
        written = self._written
        given_up = self._unsaved == written
        if not given_up and not await self._save():
            self._unsaved = written
            return
        self.dismiss(None)
        if and_quit:
            self.app.call_later(self.app.action_quit)
