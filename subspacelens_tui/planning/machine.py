"""The memory and the processors that this process may use: what its container or job has of the machine's.

Docker, Kubernetes and Slurm limit a process by its control group, and `/proc/meminfo`, which psutil reads, is
that of the whole machine all the same: a process that plans with it is killed without a word.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

_ROOT = Path("/")
# Number, parent, device, root, mount point, options, any number of optional fields, type, source, options
# (proc_pid_mountinfo(5)).
_MOUNT = re.compile(r"^\d+ \d+ \S+ (\S+) (\S+) \S+ (?:\S+ )*?- (cgroup2?) \S+ (\S+)$", re.MULTILINE)
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Memory:
    """Bytes of memory: what can be had now, and how much there is."""

    available: int
    total: int


def host_memory() -> Memory:
    """The memory that this process may use."""
    machine = psutil.virtual_memory()
    available, total = machine.available, machine.total
    for group in _groups("memory"):
        limit = _number(group, "memory.max", "memory.limit_in_bytes")
        if limit is None:
            continue
        used = _number(group, "memory.current", "memory.usage_in_bytes") or 0
        # The kernel gives back files that it keeps before it kills anyone.
        left = limit - max(0, used - _kept_files(group))
        available, total = min(available, max(0, left)), min(total, limit)
    return Memory(available, total)


def cores() -> int:
    """The processors that this process may use: physical ones, those it is bound to, its quota of time."""
    found = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        found = min(found, len(os.sched_getaffinity(0)))
    quotas = [quota for group in _groups("cpu") if (quota := _quota(group)) is not None]
    return max(1, min([found, *(math.ceil(quota) for quota in quotas)]))


def _groups(controller: str) -> Iterator[Path]:
    """The folders of the control groups, of either version, that limit this process."""
    mounts = _MOUNT.findall(_text(_ROOT / "proc/self/mountinfo"))
    for line in _text(_ROOT / "proc/self/cgroup").splitlines():
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        for root, point, kind, options in mounts:
            # Version 2 has one tree for all controllers, whose line names none.
            named = controller in controllers.split(",") and controller in options.split(",")
            if not (named if kind == "cgroup" else not controllers):
                continue
            mounted = _ROOT / _plain(point).lstrip("/")
            inside = _inside(group, _plain(root))
            yield from (mounted.joinpath(*inside.parts[:depth]) for depth in range(len(inside.parts) + 1))


def _inside(group: str, root: str) -> PurePosixPath:
    """Where a group is below its mount; the mount itself in a container that sees only its own group."""
    path = PurePosixPath(group)
    return path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()


def _kept_files(group: Path) -> int:
    found = dict(line.split(" ", 1) for line in _text(group / "memory.stat").splitlines() if " " in line)
    # In version 1 the first is without the groups below, whose memory the limit counts.
    words = found.get("total_inactive_file", found.get("inactive_file", ""))
    return int(words) if words.isdecimal() else 0


def _quota(group: Path) -> float | None:
    quota, _, period = _text(group / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = (_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    # No limit is "max" in version 2, -1 in version 1.
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def _number(group: Path, *names: str) -> int | None:
    words = next(filter(None, (_text(group / name).strip() for name in names)), "")
    return int(words) if words.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _plain(field: str) -> str:
    """A path of mountinfo, in which white space is octal."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)
