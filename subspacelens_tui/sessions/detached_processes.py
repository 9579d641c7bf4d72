"""Processes that outlive the terminal: how they are started, and that one of a kind works on a folder."""

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import subspacelens_tui
from subspacelens_tui.sessions.files import append_plain

# The last is ENOTSUPP, the kernel's own, which the file systems of some clusters let through.
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524)


def start_detached(
    module: str,
    folder: Path,
    options: Sequence[str],
    log: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
) -> "subprocess.Popen[bytes]":
    """Start `python -m module COMMAND FOLDER OPTIONS` in a process of its own session.

    A plain child or a worker thread would die with the terminal when an SSH connection drops.

    Args:
        module: of this package.
        folder: what it works on.
        options: what it is told besides.
        log: the file in the folder that takes what it prints.
        environment: variables besides ours.
        command: words before the folder.

    Raises:
        OSError: it cannot be started.
        SessionError: the log is no plain file.
    """
    with append_plain(folder, log) as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *command, str(folder.resolve()), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**_environment(), **(environment or {})},
            start_new_session=True,
        )


def _environment() -> dict[str, str]:
    """Ours, but `python -m` imports nothing from the working folder, where the user may have a random.py."""
    try:
        run_from_here = Path(subspacelens_tui.__file__).parent.parent.samefile(Path.cwd())
    except OSError:  # the working folder was deleted
        run_from_here = False
    return {**os.environ} if run_from_here else {**os.environ, "PYTHONSAFEPATH": "1"}


def leave_deleted_folder() -> None:
    """Go to the root folder if the working folder was deleted; torch's MKL would end the process there."""
    try:
        Path.cwd()
    except OSError:
        os.chdir("/")


# From a terminal; from a scheduler before time is up (Slurm, Grid Engine, LSF); from a limit on CPU time.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
"""What asks a recorder or a trainer to stop when it has finished what it is doing."""


def take_signals(remember: Callable[[int], None]) -> None:
    """Hand the signals to stop to a function, for good; a lost connection is none of them."""

    def handle(number: int, frame: FrameType | None) -> None:
        remember(number)

    for number in STOP_SIGNALS:
        signal.signal(number, handle)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextlib.contextmanager
def sole_process(folder: Path, name: str) -> Iterator[None]:
    """Hold a lock in a folder, which the system releases however this process ends.

    Raises:
        BlockingIOError: another process holds it.
        SessionError: the lock is no plain file.
    """
    with append_plain(folder, name) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            # Some cluster file systems are mounted without locks; whole files by rename work there too.
            if error.errno not in _NO_LOCKS_HERE:
                raise
        yield
