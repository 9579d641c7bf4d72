"""The user's folders for settings and state, in the platform's places."""

from collections.abc import Callable
from pathlib import Path

import platformdirs


def config_folder() -> Path | None:
    """Where settings are; None for users without a home folder, such as an unknown user id in a container."""
    return _in_home(lambda: platformdirs.user_config_path("subspacelens-tui", appauthor=False))


def state_folder() -> Path | None:
    """Where state is kept; None as above."""
    return _in_home(lambda: platformdirs.user_state_path("subspacelens-tui", appauthor=False))


def _in_home(ask: Callable[[], Path]) -> Path | None:
    try:
        found = ask()
    except RuntimeError:
        return None
    # Older versions of platformdirs leave the ~ where they cannot resolve it.
    return found if found.is_absolute() else None
