"""What can go wrong outside the program: disks."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.sessions import Phase, open_session


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 800 kB: room for two batches of the demo model."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a tmpfs needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_the_recording_and_loses_nothing(small_disk: Path) -> None:
    command = [sys.executable, "-m", "subspacelens_tui", "record", "--headless", "--seeds", "2", "--steps"]
    command += ["5", "--sessions", str(small_disk), "--name", "full"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("subspacelens-tui: No space left on device")
    session = open_session(small_disk / "full")
    assert session.state.phase is Phase.FAILED
    assert session.state.detail.startswith("No space left on device")
    assert session.state.recorded in (10, 15)
    assert session.problems == []
    assert np.isfinite(session.features(11)).all()
    assert not list((session.path / "features").glob(".*"))
