"""Versions of the packages that record."""

from collections.abc import Iterable
from importlib import metadata

from subspacelens_tui import __version__

OURS = "subspacelens-tui"
# What a session says of what recorded it.
RECORDED_WITH = (OURS, "torch", "diffusers", "transformers", "numpy")
_UNKNOWN = "unknown"


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """The version of each package that is installed under its name.

    Packages run without their metadata as well: this one from a checkout, torch as a cluster's module has it.
    """
    return {name: __version__ if name == OURS else _version(name) for name in names}


def _version(name: str) -> str:
    try:
        # None where the metadata is there but damaged.
        return metadata.version(name) or _UNKNOWN
    except metadata.PackageNotFoundError:
        return _UNKNOWN
