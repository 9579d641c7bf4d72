"""Starting recorders and the program as a user does, and looking at what they left."""

import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from subspacelens_tui.planning import Request, plan
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.pictures import read_picture
from subspacelens_tui.sessions.writer import create_session

STEPS = 3
PATIENCE = 300.0
PROGRAM = (sys.executable, "-m", "subspacelens_tui")


@dataclass
class Row:
    """One fault.

    Attributes:
        what: what was done.
        times: how often.
        must: what has to be so every time → how often it was.
        never: what must not be → how often it was.
        notes: other counts.
    """

    what: str
    times: int
    must: dict[str, int] = field(default_factory=dict)
    never: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)

    def count(self, label: str, so: bool) -> None:
        """Count one case of what has to be so."""
        self.must[label] = self.must.get(label, 0) + so

    @property
    def broken(self) -> list[str]:
        """What was not as it has to be, in a line each."""
        seldom = [f"{label}: {n} of {self.times}" for label, n in self.must.items() if n != self.times]
        return seldom + [f"{label}: {n}" for label, n in self.never.items() if n]


@contextmanager
def folder_of_sessions() -> Iterator[Path]:
    """A fresh folder."""
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        yield Path(folder)


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system in memory of this size; needs root."""
    with folder_of_sessions() as folder:
        remount(folder, "-t", "tmpfs", "-o", f"size={size}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def remount(folder: Path, *options: str) -> None:
    """Mount a tmpfs there, or change one that is there."""
    subprocess.run(["mount", *options, "tmpfs", folder], check=True)


def may_mount() -> bool:
    """Whether this process may mount file systems."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    try:
        with small_disk("100k"):
            return True
    except subprocess.CalledProcessError:
        return False


def planned(folder: Path, seeds: int, name: str = "run", batch_size: int = 5) -> Path:
    """A session of the bundled model that is still to be recorded."""
    path = folder / name
    create_session(path, plan(Request(seeds=seeds, steps=STEPS, batch_size=batch_size)))
    return path


def quick(folder: Path, name: str, seeds: int = 2) -> list[str]:
    """Options of `record` for the same."""
    size = ["--seeds", str(seeds), "--steps", str(STEPS), "--batch-size", "5"]
    return ["--sessions", str(folder), "--name", name, *size]


def start_recorder(path: Path, **environment: str) -> "subprocess.Popen[bytes]":
    """A recorder as the app starts it."""
    from subspacelens_tui.recording.spawn import log_file

    with log_file(path).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "subspacelens_tui.recording", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **environment},
        )


def start_python(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """A program of a few lines in a process of its own, whose output nobody reads."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def program(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        env={**os.environ, **environment},
    )


def one_line(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether a command failed as it should: status 1, one line on stderr that says why."""
    told = [line for line in done.stderr.splitlines() if line.startswith("subspacelens-tui: ")]
    return done.returncode == 1 and len(told) == 1 and "Traceback" not in done.stderr


def resume(path: Path) -> bool:
    """Go on with a session; whether that finished it."""
    done = program("record", "--headless", "--sessions", str(path.parent), "--resume", path.name)
    session = open_session(path)
    return done.returncode == 0 and len(session.images()) == len(session.manifest.images)


class Screen:
    """The program in a terminal of its own, which nobody looks at."""

    def __init__(self, command: Sequence[str]) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        )
        os.close(slave)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        try:
            while os.read(self.master, 1 << 16):
                pass
        except OSError:
            return

    def close(self) -> None:
        """Let go of the terminal, as a terminal emulator does when its window is closed."""
        os.close(self.master)


def wait_until(reached: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether it comes to that in time."""
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def session_there(path: Path) -> Session:
    """A session that is being made."""
    assert wait_until((path / "session.json").exists), f"{path} never came"
    return open_session(path)


def grows_to(session: Session, images: int) -> bool:
    """Wait until so many images are recorded."""

    def there() -> bool:
        session.refresh()
        return session.state.recorded >= images

    return wait_until(there)


def recorder_of(session: Session) -> psutil.Process:
    """The process that says it records a session."""
    session.refresh()
    return psutil.Process(next(event["pid"] for event in session.log if event["event"] == "started"))


def damage(path: Path, images: Sequence[int] | None = None) -> int:
    """How many of a session's files are not whole: features cannot be read, pictures not decoded.

    Args:
        path: the session.
        images: whose pictures are looked at; all that are recorded unless given.
    """
    session = open_session(path)
    found = len(session.problems)
    for file in session.files:
        for layer in session.read(file, "cond", None, range(len(session.manifest.blocks))):
            found += not np.isfinite(layer).all()
    for image in session.images() if images is None else images:
        try:
            read_picture(session, image, 256)
        except Exception:
            found += 1
    return found


def left_over(path: Path) -> int:
    """Temporary files in a session."""
    return sum(1 for file in path.rglob(".*.tmp"))


def same_features(one: Path, other: Path) -> bool:
    """Whether two sessions hold the same features, bit for bit."""
    a, b = open_session(one), open_session(other)
    if a.images() != b.images():
        return False
    layers = range(len(a.manifest.blocks))
    return all(
        np.array_equal(a.features(layer, branch), b.features(layer, branch))
        for layer in layers
        for branch in a.manifest.branches
    )
