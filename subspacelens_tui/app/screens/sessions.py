"""The list of sessions: open, filter, rename, delete, record a new one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.dialogs.ask import Ask, Option
from subspacelens_tui.app.dialogs.rename import RenameDialog
from subspacelens_tui.app.key_table import ANYWHERE, LIST
from subspacelens_tui.app.keys import bindings, in_footer
from subspacelens_tui.app.screens.open_steering import open_steering
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.key_bar import KeyBar
from subspacelens_tui.app.widgets.session_table import SessionTable
from subspacelens_tui.app.widgets.status_line import StatusLine
from subspacelens_tui.app.widgets.too_small import NeedsRoom
from subspacelens_tui.sessions import Phase, SessionError
from subspacelens_tui.sessions.catalog import SessionList, delete_session, rename_session
from subspacelens_tui.sessions.listing import ORDERS, Listing
from subspacelens_tui.sessions.names import control_path, has_as_control, session_path
from subspacelens_tui.sessions.sanitise import plain

_POLL = 2.0
_EMPTY = (
    "No sessions here yet. A session is one recorded run of a model.",
    "",
    "Press {new} to record one: the bundled model, or one of yours.",
    "",
    "From a shell:",
    "  subspacelens-tui demo            record the bundled model and watch it",
    "  subspacelens-tui record --help   record a model of yours",
    "and it appears here by itself.",
)


class SessionsScreen(Screen[None], NeedsRoom):
    """The sessions of one folder, read anew every other second."""

    KEYS: ClassVar = (LIST, ANYWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(*KEYS)
    AUTO_FOCUS = "#sessions"

    def __init__(self, folder: Path, setup: Setup) -> None:
        super().__init__()
        self._folder = folder
        self._list = SessionList(folder)
        self.setup = setup
        self._listings: Sequence[Listing] | None = None
        self._trouble: str | None = None
        self._complaint: str | None = None
        self._marked: Listing | None = None

    def compose(self) -> ComposeResult:
        """Title, filter, table, message, keys."""
        yield Static("", id="title", markup=False)
        yield Input(
            placeholder="filter: name, model, state, prompts, steps, guidance, tags, notes",
            id="filter",
            compact=True,
        )
        yield SessionTable(id="sessions")
        yield StatusLine(id="status")
        yield KeyBar(in_footer(self.setup.keymap.table(LIST, ANYWHERE)), id="keys")

    def on_mount(self) -> None:
        """Read now and every other second."""
        self.query_one("#filter").display = False
        self._show_title()
        self.set_interval(_POLL, self.read)
        self.read()

    def _show_title(self) -> None:
        order = self.query_one(SessionTable).order.name
        words = f" SubspaceLens  sessions sorted by {order}  in {plain(self._folder)}"
        self.query_one("#title", Static).update(words)

    def on_screen_resume(self) -> None:
        """Read at once when coming back to it."""
        self.read()

    def read(self) -> None:
        """Read the folder, off the event loop."""
        # Not `is_current`: to Textual the screen below is current too, and what it repaints is sent again
        # with the whole screen above.
        if self.app.screen is self:
            self.run_worker(self._read(), group="read", exclusive=True)

    async def _read(self) -> None:
        try:
            listings: Sequence[Listing] = await asyncio.to_thread(self._list.read)
            self._trouble = None
        except (SessionError, OSError) as error:
            listings, self._trouble = (), str(error)
        if not self.display:  # Textual hides what it is removing
            return
        if listings != self._listings:
            self._listings = listings
            self.query_one(SessionTable).update(listings, self._advice)
        self._show_message()

    @property
    def _advice(self) -> Sequence[str]:
        """What to do where there are no sessions."""
        return [line.format(new=self.setup.keymap.first("new")) for line in _EMPTY]

    def _show_message(self) -> None:
        line = self.query_one(StatusLine)
        folder = f"{self._folder}/"
        chosen = self.query_one(SessionTable).chosen
        if message := self._complaint or self._trouble:
            line.update("error", message.replace(folder, ""))
        elif self._marked is not None:
            key = self.setup.keymap.first("compare-sessions")
            line.update("note", f"compare {self._marked.name} with: choose a session and press {key} again")
        elif chosen is not None and chosen.problem:
            line.update("warning", chosen.problem.replace(folder, ""))
        elif chosen is not None and chosen.problems:
            line.update("warning", chosen.problems[0].replace(folder, ""))
        elif chosen is not None and chosen.state is not None and chosen.state.detail:
            line.update("note", f"{chosen.state.words}: {chosen.state.detail}")
        else:
            line.update("none", "")

    def action_move(self, by: int) -> None:
        """Select another session."""
        self.query_one(SessionTable).move(by)
        self._complaint = None
        self._show_message()

    def action_open(self) -> None:
        """Open the selected session."""
        chosen = self.query_one(SessionTable).chosen
        if chosen is None:
            return
        if chosen.problem is not None:
            self._complaint = chosen.problem
            self._show_message()
            return
        self.app.push_screen(SessionScreen(chosen.path, setup=self.setup))

    def on_session_table_opened(self) -> None:
        """A session was clicked twice."""
        self.action_open()

    def action_filter(self) -> None:
        """Filter as you type."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter by what is typed so far."""
        self.query_one(SessionTable).filter(event.value)
        self._show_message()

    def on_input_submitted(self) -> None:
        """Back to the table, filtered."""
        self.query_one(SessionTable).focus()

    def action_clear_filter(self) -> None:
        """Show all again, and no marks."""
        self._marked = None
        self.query_one(SessionTable).unmark()
        self._show_message()
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self.query_one(SessionTable).focus()

    def action_sort(self, by: int) -> None:
        """Order the list by what comes next."""
        table, names = self.query_one(SessionTable), list(ORDERS)
        place = names.index(table.order.name) + by
        table.sort(ORDERS[names[place % len(names)]])
        self._show_title()
        self._show_message()

    def action_info(self) -> None:
        """What was recorded in the selected session, with its notes and tags."""
        chosen = self.query_one(SessionTable).chosen
        if chosen is None:
            return
        if chosen.problem is not None:
            self._complaint = chosen.problem
            self._show_message()
            return
        from subspacelens_tui.app.screens.session_info import SessionInfoScreen

        self.app.push_screen(SessionInfoScreen(chosen.path, self.setup))

    def action_steering(self) -> None:
        """The steering runs that were fitted to the selected session, or that it is of."""
        chosen = self.query_one(SessionTable).chosen
        if chosen is not None:
            self.run_worker(open_steering(self, chosen.path, self.setup, self._told, {}), group="steering")

    def _told(self, words: str) -> None:
        self._complaint = words
        self._show_message()

    def action_delete(self) -> None:
        """Delete the selected session, after asking."""
        chosen = self.query_one(SessionTable).chosen
        if chosen is None:
            return
        if chosen.state is not None and chosen.state.phase.running:
            self._complaint = f"{chosen.name} is being recorded: stop the recording first"
            self._show_message()
            return
        options = (
            Option("delete", "d", f"delete {chosen.name} for good"),
            Option("cancel", "escape", "keep it"),
        )

        def answered(answer: str | None) -> None:
            if answer == "delete":
                self.run_worker(self._delete(chosen))

        self.app.push_screen(Ask(f"Delete the session {chosen.name}?", options), answered)

    async def _delete(self, listing: Listing) -> None:
        try:
            await asyncio.to_thread(delete_session, listing.path)
            self.setup.saved.keep_selection(listing.path, None)
            self._complaint = None
        except SessionError as error:
            self._complaint = str(error)
        await self._read()

    def action_rename(self) -> None:
        """Rename the selected session."""
        chosen = self.query_one(SessionTable).chosen
        if chosen is None:
            return
        if chosen.state is not None and (chosen.state.phase.running or chosen.state.phase is Phase.STALE):
            self._complaint = f"{chosen.name} is being recorded: stop the recording first"
            self._show_message()
            return

        def objection(name: str) -> str:
            try:
                paths = [session_path(chosen.path.parent, name)]
            except SessionError as error:
                return str(error)
            if control_path(chosen.path).exists():
                paths.append(control_path(paths[0]))
            taken = next((path.name for path in paths if name != chosen.name and path.exists()), None)
            return f"there is a {taken} already: choose another name" if taken else ""

        def answered(name: str | None) -> None:
            if name is not None:
                self.run_worker(self._rename(chosen, name))

        self.app.push_screen(RenameDialog(chosen.name, objection, _with_its_control(chosen.path)), answered)

    async def _rename(self, listing: Listing, name: str) -> None:
        saved = self.setup.saved
        try:
            renamed = await asyncio.to_thread(rename_session, listing.path, name)
            for old, new in renamed.items():
                saved.keep_selection(new, saved.selection(old))
                if new != old:
                    saved.keep_selection(old, None)
            self.query_one(SessionTable).choose(name)
            self._complaint = None
        except SessionError as error:
            self._complaint = str(error)
        await self._read()

    def action_mark(self) -> None:
        """Mark the selected session, or take its mark away."""
        self.query_one(SessionTable).mark()
        self._show_message()

    def action_compare(self) -> None:
        """Compare the marked sessions; without marks, this one with the next that is chosen."""
        table = self.query_one(SessionTable)
        if len(several := table.marked_listings) > 1:
            self._open_comparison(several)
            return
        chosen = table.chosen
        if chosen is None or chosen.problem is not None:
            return
        marked, self._marked = self._marked or next(iter(several), None), None
        if marked is None:
            self._marked = chosen
        else:
            self._open_comparison([marked, chosen])
        self._show_message()

    def _open_comparison(self, listings: Sequence[Listing]) -> None:
        """Two sessions side by side, more over each other."""
        from subspacelens_tui.app.screens.compare import CompareScreen, Side
        from subspacelens_tui.app.screens.overlaid import LETTERS, OverlaidScreen

        paths = [listing.path for listing in listings]
        if len(paths) > len(LETTERS):
            self._complaint = f"{len(paths)} sessions are marked: at most {len(LETTERS)} can be overlaid"
            self._show_message()
        elif len(paths) > 2:
            self.app.push_screen(OverlaidScreen(paths, self.setup))
        else:
            settings = Settings(eps=self.setup.preferences.eps)
            a, b = (Side(path, settings) for path in paths)
            self.app.push_screen(CompareScreen(a, b, self.setup))

    def action_new_run(self) -> None:
        """Record something new."""
        # Imported now: planning is not needed to look at sessions, and costs time to import.
        from subspacelens_tui.app.screens.new_run import NewRunScreen

        models = [listing.model for listing in self._listings or () if listing.problem is None]

        def started(folder: Path | None) -> None:
            if folder is not None:
                self.query_one(SessionTable).choose(folder.name)
                self.app.push_screen(SessionScreen(folder, setup=self.setup))

        self.app.push_screen(NewRunScreen(self._folder, self.setup, models), started)

    def action_leave(self) -> None:
        """Quit. Recordings go on: they are processes of their own."""
        self.app.exit()


def _with_its_control(path: Path) -> str:
    """What else is renamed with a session, or lost by it; empty if nothing is."""
    if control_path(path).exists():
        return f"Its control {control_path(path).name} is renamed with it."
    of = has_as_control(path)
    return "" if of is None else f"It is the control of {of.name}, which would have none."
