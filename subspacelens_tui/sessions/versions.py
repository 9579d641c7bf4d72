"""Versions of `session.json`: what an older one says, put as the present one would say it.

Reading goes in three steps: parse, upgrade from version to version, check (`sessions.format`). Whoever changes
the format in a way that an older program would misread raises FORMAT_VERSION, and adds the step from the
version before to UPGRADES; docs/session-format.md says what changed.
"""

from collections.abc import Callable
from typing import Any

Content = dict[str, Any]

FORMAT_VERSION = 3


def _to_2(content: Content) -> Content:
    """Version 1 knew pipelines with one denoiser, in which every scale above 1 has two branches."""
    if not content.get("blocks"):
        return content
    branches = [["cond", "uncond"] if scale > 1 else ["cond"] for scale in content["guidance"]]
    return content | {"guidance_branches": branches, "denoisers": ["transformer"]}


def _to_3(content: Content) -> Content:
    """Version 2 knew no images that were steered."""
    return content


# Version n → what turns its content into that of version n + 1. Of damaged content it may
# raise what comes, or leave the damage to the check.
UPGRADES: dict[int, Callable[[Content], Content]] = {1: _to_2, 2: _to_3}
# So many digits are a version; more are a mistake or an attempt to fill the screen.
_LARGEST_VERSION = 10**6


class VersionError(ValueError):
    """The content is of no version that can be read; the message says which, and what to do."""


def upgraded(content: Content) -> Content:
    """The content of a `session.json` in the present version, whatever version it was written in.

    Raises:
        VersionError: if its version is newer, or none at all.
    """
    version = content.get("format_version")
    # True is an int to Python.
    if type(version) is not int or not 1 <= version <= _LARGEST_VERSION:
        raise VersionError("it has no format version that a session can have")
    if version > FORMAT_VERSION:
        raise VersionError(
            f"it has format version {version}, this program reads up to {FORMAT_VERSION}: "
            "update subspacelens-tui"
        )
    for older in range(version, FORMAT_VERSION):
        try:
            content = UPGRADES[older](content) | {"format_version": older + 1}
        except (LookupError, TypeError, ValueError, AttributeError):
            raise VersionError(f"it is damaged: it does not hold what version {older} holds") from None
    return content
