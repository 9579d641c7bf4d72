"""What the app is given from outside: how the user wants it, what it remembers, how a recorder is started.

It is made before Textual is imported, so what needs it is made on first use.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.saved_state import SavedState

if TYPE_CHECKING:
    from subspacelens_tui.app.changed_keys import Keymap
    from subspacelens_tui.app.terminal_graphics import Graphics

StartRecorder = Callable[[Path], object]
"""Starts a detached recorder of the session in a folder; raises SessionError if it cannot."""


class StartedSteering(Protocol):
    """A steering run in a process of its own."""

    def failure(self) -> str | None:
        """Why it ended, in one line; None while it runs, and if it ended well."""

    def stop(self) -> bool:
        """Ask it to stop; False if it has ended already."""


StartSteering = Callable[[Path, Sequence[str]], StartedSteering]
"""Starts a detached `steer` of the session in a folder with some options; SessionError if it cannot."""


@dataclass(frozen=True)
class Setup:
    """All of it. The app imports no recorder, so it is handed the way to start one.

    Attributes:
        preferences: the user's settings.
        saved: what the app remembers from one time to the next.
        start_recorder: how a recording is started; None where none can be.
        start_steering: how a steering run is started, likewise.
        keys_from: what the keys were read from, for messages.
        labels_file: adds label schemes to the session that the app was started on.
        over_ssh: whether every byte to the terminal crosses a network.
    """

    preferences: Preferences = field(default_factory=Preferences)
    saved: SavedState = field(default_factory=SavedState)
    start_recorder: StartRecorder | None = None
    keys_from: str = "keys"
    labels_file: Path | None = None
    start_steering: StartSteering | None = None
    over_ssh: bool = field(default_factory=lambda: "SSH_CONNECTION" in os.environ)

    @cached_property
    def keymap(self) -> "Keymap":
        """The key table with the user's changes.

        Raises:
            PreferencesError: if they do not fit it.
        """
        from subspacelens_tui.app.changed_keys import Keymap

        return Keymap(self.preferences.keys, self.keys_from)

    @cached_property
    def graphics(self) -> "Graphics":
        """What the terminal can show beside text."""
        from subspacelens_tui.app.terminal_graphics import Graphics

        return Graphics()
