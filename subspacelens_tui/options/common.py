"""Options that many commands take."""

import argparse

from subspacelens_tui.options.option import Group, Option, switch

SESSIONS = Option(
    "--sessions",
    "DIR",
    "folder of sessions (default: $SUBSPACELENS_SESSIONS, or ./sessions)",
    default=argparse.SUPPRESS,
)
SESSION = Option("session", "SESSION", "a name in the sessions folder, or a path")
JSON = switch("--json", "as JSON")

_LOOKS = Group("appearance", "`subspacelens-tui settings` prints the values in effect")


def _look(flag: str, metavar: str | None, help: str, action: type[argparse.Action] | None = None) -> Option:
    return Option(flag, metavar, help, default=argparse.SUPPRESS, action=action, group=_LOOKS)


# Settings that one may want to change for once: docs/settings.md says what they are.
APPEARANCE = (
    _look("--theme", "NAME", "Textual theme; textual-light for a light background"),
    _look("--markers", "KIND", "braille, blocks, or ascii for the whole screen in ASCII"),
    _look("--pictures", "HOW", "auto, kitty, sixel, half-blocks or off"),
    _look("--curves", "NAME", "colours of curves: okabe-ito or tol-bright"),
    _look("--ramp", "NAME", "colours of matrices: viridis, cividis or greys"),
    _look("--refresh", "SECONDS", "seconds between refreshes of a live session"),
    _look("--digits", None, "numbers in the cells of matrices", argparse.BooleanOptionalAction),
)
