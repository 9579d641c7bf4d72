"""What all commands share: the program's name, and mistakes in using it."""

import contextlib
import os
import resource
import sys
from typing import TextIO

from subspacelens_tui.out_of_memory import ShortageError

PROGRAM = "subspacelens-tui"

# Terminals that cannot move the cursor, and names that say nothing. Under any other name Textual sends the
# sequences of xterm, so an unknown one is no reason to refuse it.
_NO_CURSOR = ("", "dumb", "unknown")

# What NumPy, SciPy and Textual take to show a small session: 484 MiB were seen.
_ADDRESS_SPACE = 512 * 2**20


class UsageError(Exception):
    """The command line is wrong; exit status 2."""


def say(line: object) -> None:
    """A line on stderr; names and reasons in it may be a stranger's."""
    from subspacelens_tui.sessions.sanitise import plain

    with contextlib.suppress(OSError):
        print(f"{PROGRAM}: {plain(line)}", file=sys.stderr, flush=True)


def need_address_space() -> None:
    """Refuse to start where the libraries cannot be loaded: `ulimit -v`, h_vmem of Grid Engine.

    An OpenBLAS that is loaded with too little tries again for ever, where no signal but SIGKILL reaches it.

    Raises:
        ShortageError: with how much is needed.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    if limit < _ADDRESS_SPACE:
        raise ShortageError(
            f"the address space is limited to {limit >> 20} MiB, and at least {_ADDRESS_SPACE >> 20} MiB are "
            "needed: raise the limit (`ulimit -v`, or h_vmem of the job)"
        )
    # Each thread takes 80 MiB of it, and the analysis uses one (analysis/blas.py).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def need_terminal(what: str) -> None:
    """Refuse to open the app where nobody would see it.

    Args:
        what: is to be shown, and after a colon what to do instead.

    Raises:
        UsageError: without a terminal, or on one that cannot place the cursor.
    """
    # Keys are read from stdin; who redirects stdout expects the screen there. Messages may go to a file.
    streams = {"input": sys.stdin, "output": sys.stdout}
    if elsewhere := [name for name, stream in streams.items() if not stream.isatty()]:
        are = "are" if len(elsewhere) > 1 else "is"
        raise UsageError(
            f"standard {' and '.join(elsewhere)} {are} not a terminal, and one is needed to show {what}"
        )
    if (term := os.environ.get("TERM", "")) in _NO_CURSOR:
        found = f"TERM is {term}" if term else "TERM is not set"
        raise UsageError(f"{found}, but a terminal that can move the cursor is needed to show {what}")


def is_dumb(stream: TextIO) -> bool:
    """Whether a stream is no terminal, or one on which a line cannot be written over."""
    return not stream.isatty() or os.environ.get("TERM", "") in _NO_CURSOR
