"""Starting trainers, detached like recorders; this file does not import torch."""

import subprocess
from pathlib import Path

from subspacelens_tui.sessions.detached_processes import start_detached
from subspacelens_tui.sessions.errors import SessionError

LOG = "trainer.log"
# glibc gives large blocks back after every operation, and asking for them again was a third of the time.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "2000000000"}


def start_trainer(folder: Path) -> "subprocess.Popen[bytes]":
    """Start or resume the training in a job's folder, in a process of its own session.

    Raises:
        SessionError: it cannot be started.
    """
    try:
        return start_detached("subspacelens_tui.training", folder, (), LOG, _KEEP_MEMORY)
    except OSError as error:
        raise SessionError(f"the training of {folder} cannot be started: {error.strerror or error}") from None
