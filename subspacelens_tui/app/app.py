"""The Textual application: its screens, its commands, its looks."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.commands import LensCommands
from subspacelens_tui.app.dialogs.help import HelpScreen
from subspacelens_tui.app.drawing import palette
from subspacelens_tui.app.drawing.ascii import AsciiFilter
from subspacelens_tui.app.garbage_collection import EVERY, Collector
from subspacelens_tui.app.hang_up import leave_on_hang_up
from subspacelens_tui.app.opening import worker_on
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.terminal_graphics import TerminalReplied, listen
from subspacelens_tui.app.textual_private import ShortTraceback, pass_resize_on
from subspacelens_tui.app.worker import Worker
from subspacelens_tui.out_of_memory import memory_ran_out

# In the terminal's own colours. Rounded to sixteen, other light themes have yellow ink on white; Textual has
# this one since 8.2.
_OWN = "ansi-light"


class SubspaceLensApp(ShortTraceback, App[None]):
    """SubspaceLens in the terminal.

    Args:
        sessions: the folder of sessions.
        session: a session's folder to open at once.
        settings: to open it with.
        layer: to select in it.
        setup: the user's settings, and what else comes from outside.
        worker: that already reads the session.
    """

    TITLE = "SubspaceLens"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = App.COMMANDS | {LensCommands}
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        sessions: Path,
        session: Path | None = None,
        settings: Settings | None = None,
        layer: int | None = None,
        setup: Setup | None = None,
        worker: Worker | None = None,
    ) -> None:
        super().__init__()
        # Each frame of a scroll that glides is sent over SSH.
        self.animation_level = "none"
        self.setup = setup or Setup()
        preferences = self.setup.preferences
        palette.choose(preferences.curves, preferences.ramp)
        self._ascii = AsciiFilter() if preferences.markers == "ascii" else None
        self.set_keymap(dict(self.setup.keymap.changes))
        if preferences.pictures not in ("off", "half-blocks"):
            listen()
        self._sessions = sessions
        self._session = session
        self._settings = settings
        self._layer = layer
        if worker is None and session is not None:
            worker = worker_on(session, settings, self.setup, first=True)
        self._worker = worker
        self._garbage = Collector()
        self._theme_at_first: str | None = None

    async def on_mount(self) -> None:
        """Open the list, and the session over it if one was named."""
        if not self.is_headless:
            leave_on_hang_up(self.exit)
        self._choose_theme()
        self.set_interval(EVERY, self._garbage.collect)
        listed = self.push_screen(SessionsScreen(self._sessions, self.setup))
        if self._session is None:
            await listed
        else:
            await self.push_screen(
                SessionScreen(self._session, self._settings, self._layer, self.setup, self._worker)
            )

    async def on_event(self, event: events.Event) -> None:
        """Textual's hook: whatever happens."""
        if isinstance(event, events.InputEvent):
            self._garbage.touch()
        await super().on_event(event)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A cursor stands still: one that blinks is sent twice a second for as long as anybody looks."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_resize(self) -> None:
        """The screens hear of the new size."""
        pass_resize_on(self)

    def _choose_theme(self) -> None:
        """The theme of the settings, else the one last chosen; from then on each choice is remembered."""
        chosen, last = self.setup.preferences, self.setup.saved.now.theme
        known = last in self.available_themes and "theme" not in chosen.model_fields_set
        theme = last if last is not None and known else chosen.theme
        light = not self.available_themes[theme].dark
        if light and self.console.color_system in ("standard", "windows") and _OWN in self.available_themes:
            theme = _OWN
        self.theme = self._theme_at_first = theme
        self.theme_changed_signal.subscribe(self, self._remember_theme)

    def _remember_theme(self, theme: Theme) -> None:
        # The signal of the theme that the app starts with comes late: nobody chose that one here.
        if theme.name != self._theme_at_first:
            self._theme_at_first = None
            self.setup.saved.keep(theme=theme.name)

    @property
    def shortage(self) -> Exception | None:
        """What ended the app, if memory ran out."""
        return self.crash if memory_ran_out(self.crash) else None

    def is_told_elsewhere(self, error: Exception | None) -> bool:
        """SavedState that ran out is one line, which `run` writes once the terminal is back."""
        return bool(memory_ran_out(error))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's hook: what every row passes on its way to the terminal."""
        filters = super().get_line_filters()
        return [*filters, self._ascii] if self._ascii is not None else filters

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own commands that make sense here; ours come from the key table."""
        yield SystemCommand("theme", "change the colours", self.action_change_theme)

    def on_terminal_replied(self, message: TerminalReplied) -> None:
        """The terminal said what it can show."""
        self.setup.graphics.hear(message.reply)

    async def action_quit(self) -> None:
        """Textual's own way out must ask as well while a recording runs."""
        if isinstance(self.screen, SessionScreen):
            self.screen.recorder.action_leave()
        elif not any(isinstance(screen, SessionScreen) for screen in self.screen_stack):
            self.exit()

    def action_help(self) -> None:
        """Show the keys."""
        below = self.screen

        def chosen(action: str | None) -> None:
            if action is not None:
                self.call_later(below.run_action, action)

        if tables := getattr(below, "KEYS", None):
            self.push_screen(HelpScreen(self.setup.keymap.table(*tables)), chosen)
