"""Print the settings, and where they are kept."""

from __future__ import annotations

import argparse
import json
import sys

from subspacelens_tui.cli.command import Command
from subspacelens_tui.cli.preferences import flags_of
from subspacelens_tui.options.common import APPEARANCE


def run(arguments: argparse.Namespace) -> int:
    """Those in effect as TOML, with the place of the file and the source of each."""
    from subspacelens_tui.app.changed_keys import Keymap
    from subspacelens_tui.app.key_table import EVERY_KEY
    from subspacelens_tui.app.preferences import read_preferences, settings_file
    from subspacelens_tui.app.saved_state import state_file
    from subspacelens_tui.app.terminal_encoding import as_encoded
    from subspacelens_tui.sessions.catalog import sessions_folder

    found, sources = read_preferences(flags_of(arguments))
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


COMMAND = Command(
    "settings",
    "print the settings and where they are kept",
    run,
    APPEARANCE,
    order=110,
    needs_arrays=False,
)
