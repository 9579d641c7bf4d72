"""How the user wants the app to look and behave: one schema, read from a file, the environment and flags.

What the app remembers by itself (layout, selection) is kept apart, in `app.saved_state`.
"""

from subspacelens_tui.app.preferences.reading import Source, read_preferences, settings_file
from subspacelens_tui.app.preferences.schema import Preferences, PreferencesError

__all__ = ["Preferences", "PreferencesError", "Source", "read_preferences", "settings_file"]
