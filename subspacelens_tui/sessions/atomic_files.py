"""Files that are whole once they are there: written beside their place, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".tmp"


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path to write to; at the end it takes the place of `target`, or goes if something failed."""
    temporary = temporary_beside(target)
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_beside(target: Path) -> Path:
    """A hidden name in the same folder, which no other process uses, on whatever machine.

    Drawn at random: containers on several machines may agree in the name of the host and in the process number.
    """
    return target.with_name(f".{target.name}.{os.urandom(8).hex()}{_SUFFIX}")


def discard_unfinished(*folders: Path) -> None:
    """Delete what writers that were killed left behind. Nobody may be writing there meanwhile."""
    for folder in folders:
        for path in folder.glob(f".*{_SUFFIX}"):
            path.unlink(missing_ok=True)
