"""The app on a terminal that is not UTF-8: drawn in ASCII, with keys read in the terminal's encoding.

Textual writes to stderr in the encoding of that stream, but reads keys as UTF-8: another byte ended the app.
"""

import codecs
import contextlib
from functools import partial
from typing import Any, TextIO

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
    """Have Textual write what the terminal's encoding has, and read what is typed in it.

    Reading builds on a private part; without it keys are read as UTF-8.
    """
    encode_alike(terminal)
    decoder = partial(codecs.getincrementaldecoder(terminal.encoding), errors="replace")
    with contextlib.suppress(ImportError, AttributeError):
        from textual.drivers import linux_driver

        driver: Any = linux_driver
        driver.getincrementaldecoder  # noqa: B018
        driver.getincrementaldecoder = lambda encoding: decoder
