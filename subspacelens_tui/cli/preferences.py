"""The user's settings, and flags that win over them.

Each function imports what it needs: `--help` is instant.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from subspacelens_tui.options.common import APPEARANCE

if TYPE_CHECKING:
    from subspacelens_tui.app.setup import Setup


def flags_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given as flags."""
    return {
        option.name: getattr(arguments, option.name)
        for option in APPEARANCE
        if hasattr(arguments, option.name)
    }


def fill_in(arguments: argparse.Namespace) -> None:
    """The folder of sessions from the settings file, where neither a flag nor a variable names one.

    Raises:
        PreferencesError: if the file is wrong.
    """
    from subspacelens_tui.sessions.catalog import ENVIRONMENT

    if arguments.sessions is None and not os.environ.get(ENVIRONMENT):
        from subspacelens_tui.app.preferences import read_preferences, settings_file

        if (path := settings_file()) is not None and path.is_file():
            arguments.sessions = read_preferences()[0].sessions


def setup(arguments: argparse.Namespace) -> Setup:
    """What the app is given: settings, keys, saved state, and the way to start a recorder.

    Raises:
        PreferencesError: with one clear line, if a setting is wrong.
    """
    from subspacelens_tui.app.preferences import read_preferences
    from subspacelens_tui.app.saved_state import SavedState, state_file
    from subspacelens_tui.app.setup import Setup
    from subspacelens_tui.recording.spawn import start_recorder, start_steering

    preferences, sources = read_preferences(flags_of(arguments))
    found = Setup(
        preferences,
        SavedState(state_file()),
        start_recorder,
        sources.get("keys", ""),
        start_steering=start_steering,
    )
    if preferences.keys:
        _ = found.keymap  # what is wrong with it is said before anything is started
    return found
