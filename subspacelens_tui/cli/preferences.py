"""The user's settings on the command line: flags that win over the file, and a command that prints them all.

Each function imports what it needs: `--help` is instant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subspacelens_tui.app.setup import Setup

FLAGS = ("theme", "markers", "digits", "pictures", "curves", "ramp", "refresh")


def add_flags(command: argparse.ArgumentParser) -> None:
    """Flags for the settings that one may want to change for once."""
    looks = command.add_argument_group(
        "appearance", "`subspacelens-tui settings` prints the values in effect"
    )
    for name, metavar, says in (
        ("theme", "NAME", "Textual theme; textual-light for a light background"),
        ("markers", "KIND", "braille, blocks, or ascii for the whole screen in ASCII"),
        ("pictures", "HOW", "auto, kitty, sixel, half-blocks or off"),
        ("curves", "NAME", "colours of curves: okabe-ito or tol-bright"),
        ("ramp", "NAME", "colours of matrices: viridis, cividis or greys"),
        ("refresh", "SECONDS", "seconds between refreshes of a live session"),
    ):
        looks.add_argument(f"--{name}", metavar=metavar, default=argparse.SUPPRESS, help=says)
    looks.add_argument(
        "--digits",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="numbers in the cells of matrices",
    )


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in FLAGS if hasattr(arguments, name)}


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
    from subspacelens_tui.recording.spawn import start_recorder

    preferences, sources = read_preferences(_given(arguments))
    found = Setup(preferences, SavedState(state_file()), start_recorder, sources.get("keys", ""))
    if preferences.keys:
        _ = found.keymap  # what is wrong with it is said before anything is started
    return found


def show(arguments: argparse.Namespace) -> int:
    """Print the settings in effect as TOML, with the place of the file and the source of each."""
    from subspacelens_tui.app.key_table import EVERY_KEY
    from subspacelens_tui.app.keymap import Keymap
    from subspacelens_tui.app.preferences import read_preferences, settings_file
    from subspacelens_tui.app.saved_state import state_file
    from subspacelens_tui.app.terminal_encoding import as_encoded
    from subspacelens_tui.sessions.catalog import sessions_folder

    found, sources = read_preferences(_given(arguments))
    preferences = as_encoded(found, sys.stdout)
    for name in preferences.model_fields_set:
        if getattr(preferences, name) != getattr(found, name):
            sources[name] = f"the output is {sys.stdout.encoding}"
    keymap = Keymap(preferences.keys, sources.get("keys", ""))
    path = settings_file()
    if path is None:
        print("# settings file: none, because there is no home folder; HOME or XDG_CONFIG_HOME names one")
    else:
        print(f"# settings file: {path}{'' if path.is_file() else ' (not there)'}")
    print(f"# what the app remembers: {state_file() or 'nothing, because there is no home folder'}")
    values = preferences.model_dump(exclude={"keys"}) | {"sessions": str(sessions_folder(arguments.sessions))}
    if arguments.sessions is not None:
        sources["sessions"] = sources.get("sessions", "--sessions")
    for name, value in values.items():
        line = f"{name} = {json.dumps(value, ensure_ascii=False)}" if value is not None else f"# {name} ="
        print(f"{line:<34}# {sources.get(name, 'default')}")
    print("\n[keys]")
    for key in keymap.table(EVERY_KEY):
        print(f"{key.name} = {json.dumps(key.keys.split(','))}".ljust(52) + f"# {key.says}")
    return 0
