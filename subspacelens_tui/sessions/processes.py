"""Whether the process that a session names is alive, where that can be told."""

import functools
import os
from pathlib import Path

import psutil

_SAME_START_SECONDS = 2.0


@functools.cache
def process_space() -> str | None:
    """Where process numbers mean what they mean here: this boot of this kernel, this PID namespace.

    A name of a host does not say that: containers may have that of their host, and machines be called alike.
    None where the system does not tell.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, UnicodeDecodeError):
        return None


def alive(pid: int, began: float | None, since_boot: float | None) -> bool | None:
    """Whether a process of this machine is alive; None if another user's processes are hidden from us.

    Args:
        pid: its number, which may have been given to another program since.
        began: when it started, by the clock.
        since_boot: when it started, in seconds after boot, which a clock that is set does not change.
    """
    try:
        # In this order: some versions of psutil keep the time of boot that they saw last.
        boot = psutil.boot_time()
        process = psutil.Process(pid)
        found = process.create_time()
        if since_boot is not None:
            began, found = since_boot, found - boot
        if began is not None and abs(found - began) > _SAME_START_SECONDS:
            return False
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return None if _hidden(pid) else False
    except (OverflowError, ValueError):
        return False


def _hidden(pid: int) -> bool:
    """Whether there is such a process, of another user: /proc may be mounted so that it hides those (hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
