"""The command palette: every action of the key table and every value of the controls, by name."""

from collections.abc import Callable, Iterator

from textual.command import DiscoveryHit, Hit, Hits, Provider

from subspacelens_tui.app.changed_keys import Keymap
from subspacelens_tui.app.drawing.cell_text import uncapitalised
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.selection import CHOICES
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.sessions.sanitise import plain

Command = tuple[str, str]
"""What the palette shows, and the action it runs."""


class LensCommands(Provider):
    """Commands of the screen that is open."""

    async def discover(self) -> Hits:
        """What is listed before anything is typed."""
        for name, action in self._commands():
            yield DiscoveryHit(name, self._runner(action))

    async def search(self, query: str) -> Hits:
        """What matches the typed text."""
        matcher = self.matcher(query)
        for name, action in self._commands():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), self._runner(action), text=name)

    def _commands(self) -> Iterator[Command]:
        # What a widget can do by other keys than its screen is one command.
        keys = {key.action: key for key in reversed(self._keymap.table(*getattr(self.screen, "KEYS", ())))}
        for key in reversed(keys.values()):
            if key.action != "app.command_palette":
                yield f"{key.says}  ({key.shown})", key.run
        if isinstance(self.screen, SessionScreen):
            yield from self._values()

    @property
    def _keymap(self) -> Keymap:
        setup: Setup = getattr(self.screen, "setup", None) or Setup()
        return setup.keymap

    def _values(self) -> Iterator[Command]:
        screen = self.screen
        assert isinstance(screen, SessionScreen)
        if screen.recording is None or screen.selection is None:
            return
        for name, choice in CHOICES.items():
            for index, value in enumerate(choice.values(screen.recording.manifest, screen.selection)):
                yield f"{name}: {plain(value)}", f"screen.choose('{name}', {index})"
        for pane in screen.panes:
            if pane.others:
                yield f"show: {uncapitalised(pane.heading)}", f"screen.show('{pane.id}')"
        for layer, number in enumerate(screen.recording.manifest.block_numbers):
            yield f"layer {number}", f"screen.select_layer({layer})"

    def _runner(self, action: str) -> Callable[[], None]:
        screen = self.screen

        def run() -> None:
            screen.app.call_later(screen.run_action, action)

        return run
