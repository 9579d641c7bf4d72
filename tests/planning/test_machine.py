"""What a container or a job leaves a process: by files such as Linux shows, since no limits are set here."""

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from subspacelens_tui.planning import machine
from subspacelens_tui.planning.device import cpu
from subspacelens_tui.planning.machine import Memory, cores, host_memory

GIB = 2**30
NO_LIMIT = 2**63 - 4096
MOUNT = "{number} 31 0:{number} {root} {point} rw,relatime shared:9 - {kind} {kind} rw,{options}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 64 GiB and 16 cores."""
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    whole = SimpleNamespace(available=60 * GIB, total=64 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: whole)
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    return tmp_path


def write(root: Path, files: dict[str, object]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def version_2(root: Path, group: str, shown: str = "/") -> None:
    mount = MOUNT.format(number=30, root=shown, point="/sys/fs/cgroup", kind="cgroup2", options="nsdelegate")
    write(root, {"proc/self/cgroup": f"0::{group}", "proc/self/mountinfo": mount})


def version_1(root: Path, group: str, shown: str = "/") -> None:
    mounts = [("memory", "/sys/fs/cgroup/memory"), ("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct")]
    text = "".join(
        MOUNT.format(number=number, root=shown, point=point, kind="cgroup", options=options)
        for number, (options, point) in enumerate(mounts, 30)
    )
    lines = f"5:memory:{group}\n4:cpu,cpuacct:{group}\n1:name=systemd:/\n0::/"
    write(root, {"proc/self/cgroup": lines, "proc/self/mountinfo": text})


@pytest.mark.usefixtures("root")
def test_without_control_groups_it_is_the_machine() -> None:
    assert host_memory() == Memory(60 * GIB, 64 * GIB)
    assert cores() == 16


def test_a_container_has_what_its_control_group_has(root: Path) -> None:
    version_2(root, "/")
    group = {"memory.max": 8 * GIB, "memory.current": 5 * GIB, "cpu.max": "250000 100000"}
    write(root, {f"sys/fs/cgroup/{name}": text for name, text in group.items()})
    write(root, {"sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {2 * GIB}"})
    assert host_memory() == Memory(5 * GIB, 8 * GIB)
    assert (cpu().free, cpu().total) == (5 * GIB, 8 * GIB)
    assert cores() == 3


def test_the_narrowest_of_nested_groups_counts(root: Path) -> None:
    version_2(root, "/slurm/job_7/step_0")
    around, job = "sys/fs/cgroup/slurm", "sys/fs/cgroup/slurm/job_7"
    write(root, {f"{around}/memory.max": 32 * GIB, f"{around}/memory.current": 31 * GIB})
    write(
        root, {f"{job}/memory.max": 16 * GIB, f"{job}/memory.current": GIB, f"{job}/cpu.max": "400000 100000"}
    )
    write(root, {f"{job}/step_0/memory.max": "max", f"{job}/step_0/cpu.max": "max 100000"})
    assert host_memory() == Memory(GIB, 16 * GIB)
    assert cores() == 4


@pytest.mark.parametrize("shown", ["/", "/docker/f00"])
def test_version_1_whether_its_mount_shows_the_whole_tree_or_our_group(root: Path, shown: str) -> None:
    version_1(root, "/docker/f00", shown)
    below = "docker/f00/" if shown == "/" else ""
    kept, files = f"inactive_file 1\ntotal_inactive_file {GIB}", "sys/fs/cgroup"
    group = {"memory.limit_in_bytes": 4 * GIB, "memory.usage_in_bytes": 3 * GIB, "memory.stat": kept}
    write(root, {f"{files}/memory/{below}{name}": text for name, text in group.items()})
    if below:
        write(root, {f"{files}/memory/memory.limit_in_bytes": NO_LIMIT})
    quota = {"cpu.cfs_quota_us": 150000, "cpu.cfs_period_us": 100000}
    write(root, {f"{files}/cpu,cpuacct/{below}{name}": text for name, text in quota.items()})
    assert host_memory() == Memory(2 * GIB, 4 * GIB)
    assert cores() == 2


def test_no_limit_in_version_1_is_the_machine(root: Path) -> None:
    version_1(root, "/")
    write(root, {"sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT})
    write(root, {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": -1})
    assert host_memory() == Memory(60 * GIB, 64 * GIB)
    assert cores() == 16


def test_what_is_used_up_leaves_nothing(root: Path) -> None:
    version_2(root, "/")
    write(root, {"sys/fs/cgroup/memory.max": GIB, "sys/fs/cgroup/memory.current": 2 * GIB})
    assert host_memory().available == 0


@pytest.mark.usefixtures("root")
def test_the_processors_of_a_job_are_those_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 7}, raising=False)
    assert cores() == 2
    # As on macOS.
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 16
