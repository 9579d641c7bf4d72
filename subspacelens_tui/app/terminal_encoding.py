"""The app on a terminal that is not UTF-8: drawn in ASCII, with keys read in the terminal's encoding.

Textual writes to stderr in the encoding of that stream, but reads keys as UTF-8: another byte ended the app.
"""

from typing import TextIO

from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.ascii_fallback import encode_alike, is_unicode


def as_encoded(preferences: Preferences, stream: TextIO) -> Preferences:
    """The settings as far as a stream that is drawn on can keep to them.

    Where it is not Unicode, all is drawn in ASCII, and not by Kitty's placeholders, which are characters.
    """
    if is_unicode(stream):
        return preferences
    pictures = "half-blocks" if preferences.pictures in ("auto", "kitty") else preferences.pictures
    return preferences.model_copy(update={"markers": "ascii", "pictures": pictures})


def take_terminal(terminal: TextIO) -> None:
    """Have Textual write what the terminal's encoding has, and read what is typed in it."""
    # Imported now: the settings are looked at before Textual is imported.
    from subspacelens_tui.app.textual_private import read_keys_in

    encode_alike(terminal)
    read_keys_in(terminal.encoding)
