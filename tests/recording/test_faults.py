"""What can go wrong outside the program: disks, kills, and sessions that lead elsewhere."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.process import start_recorder
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.sessions import Phase, SessionError, open_session
from tests.recording.conftest import Planned
from validation.reliability.harness import damage, left_over, same_features, start_python
from validation.reliability.recorder_faults import DIES_WRITING


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


def test_a_recorder_killed_while_it_writes_loses_nothing_and_goes_on_as_if_undisturbed(
    planned: Planned,
) -> None:
    killed, whole = planned("killed"), planned("whole")
    # The request, session.json, five pictures and their features: the ninth file is of the second batch.
    assert start_python(DIES_WRITING, str(killed), "9", "0.5").wait() == -signal.SIGKILL
    session = open_session(killed)
    assert (session.state.phase, session.images()) == (Phase.FAILED, [0, 1, 2, 3, 4])
    assert left_over(killed) == 1
    assert damage(killed) == 0
    assert Recorder(killed).run() == Recorder(whole).run() == 0
    assert same_features(killed, whole)
    assert left_over(killed) == 0


@pytest.mark.parametrize("name", ["recorder.lock", "events.jsonl", "recorder.log", "features", "images"])
def test_a_recording_that_goes_on_writes_nothing_outside_its_session(planned: Planned, name: str) -> None:
    folder = planned()
    outside = folder.parent / "outside"
    if (folder / name).is_dir():
        (folder / name).rename(outside)
        (outside / ".mine.tmp").touch()
    else:
        outside.write_text("mine")
    (folder / name).symlink_to(outside)
    with pytest.raises(
        (RecordingError, SessionError), match=r"not a plain|Too many levels of symbolic links"
    ):
        # The log is opened by whoever starts the process.
        start_recorder(folder) if name == "recorder.log" else Recorder(folder).run()
    assert (outside / ".mine.tmp").exists() if outside.is_dir() else outside.read_text() == "mine"
