"""What can go wrong outside the program: disks, kills, and sessions that lead elsewhere."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.recorder import Recorder
from subspacelens_tui.recording.spawn import start_recorder
from subspacelens_tui.recording.versions import versions_of
from subspacelens_tui.sessions import Phase, SessionError, open_session
from tests.recording.conftest import PATIENCE, Planned, prompt_file
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
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


@pytest.mark.usefixtures("cold_start")
def test_a_detached_recorder_imports_nothing_from_the_working_folder(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planned(prompts=prompt_file(tmp_path, "lion"))
    for name in ("random", "numpy", "torch"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this is the user\\'s own')")
    monkeypatch.chdir(tmp_path)
    assert start_recorder(folder).wait(PATIENCE) == 0
    assert open_session(folder).state.phase is Phase.FINISHED


@pytest.mark.usefixtures("cold_start")
def test_a_recorder_can_start_in_a_folder_that_was_deleted_where_warnings_are_errors(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a shell was left with: neither has to do with the recording."""
    folder = planned(prompts=prompt_file(tmp_path, "lion"))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    assert start_recorder(folder).wait(PATIENCE) == 0
    assert open_session(folder).state.phase is Phase.FINISHED


@pytest.mark.usefixtures("own_signals")
def test_a_copy_without_empty_folders_can_be_recorded(planned: Planned, tmp_path: Path) -> None:
    folder = planned(prompts=prompt_file(tmp_path, "lion"))
    (folder / "features").rmdir()
    (folder / "images").rmdir()
    assert Recorder(folder).run() == 0
    assert open_session(folder).state.phase is Phase.FINISHED


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, 524])
def test_a_file_system_without_locks_can_be_recorded_to(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_lock(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    folder = planned(prompts=prompt_file(tmp_path, "lion"))
    monkeypatch.setattr(fcntl, "flock", no_lock)
    assert Recorder(folder).run() == 0


def test_what_a_recorder_appends_to_may_be_written_by_the_group_that_shares_it(
    planned: Planned, tmp_path: Path
) -> None:
    umask = os.umask(0o002)
    try:
        folder = planned(prompts=prompt_file(tmp_path, "lion"))
        assert start_recorder(folder).wait(PATIENCE) == 0
    finally:
        os.umask(umask)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"recorder.log", "recorder.lock", "events.jsonl", "control"} < {path.name for path in files}
    assert [path.name for path in files if not path.stat().st_mode & 0o020] == []


def test_packages_without_their_metadata_have_no_known_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert versions_of(["subspacelens-tui", "torch"]) == {"subspacelens-tui": "0.1.0", "torch": "unknown"}


@pytest.mark.usefixtures("own_signals")
def test_a_pillow_without_webp_is_refused_before_anything_is_generated(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planned(prompts=prompt_file(tmp_path, "lion"))
    monkeypatch.setattr("PIL.features.check", lambda name: False)
    with pytest.raises(RecordingError, match="Pillow was built without WebP, in which pictures are kept"):
        Recorder(folder).run()
