"""The app as a process: in a real pseudo-terminal, and what it imports."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from subspacelens_tui.sessions.control import requested
from tests.conftest import PlantedSessionFactory as Planted

PATIENCE = 30.0
START = """
import sys
from pathlib import Path
from subspacelens_tui.app.main import run
session = Path(sys.argv[1])
status = run(session.parent, session if session.name != "-" else None)
heavy = {"torch", "diffusers", "transformers", "accelerate"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else status)
"""


class Terminal:
    """A process in a pseudo-terminal, with the screen as a person would see it."""

    def __init__(self, session: Path, columns: int = 120, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        self._size(columns, rows)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(session)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.received = 0

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self._size(columns, rows)
        self.screen.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> bool:
        """Take in what the program draws; False once it has ended."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.received += len(data)
        self._stream.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            assert self.read(0.1), f"it ended without {words!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.text}"

    def wait(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while self.read(0.1):
            assert time.monotonic() < deadline
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_a_session_from_open_to_quit(planted: Planted, terminals: list[Terminal]) -> None:
    session = planted().start().record(2)
    terminal = Terminal(session.path)
    terminals.append(terminal)
    terminal.wait_for("null 200")
    for key, words in (
        ("l", "[fine]"),
        ("+", "[0.63]"),
        ("b", "[uncond]"),
        ("s", "[5]"),
        ("f", "[centred]"),
        ("j", "transformer_blocks.1"),
        ("5\x1b[C", "lion × octopus"),
        ("z", "5 Overlap"),
        ("\x1b[A", "lion × octopus"),
        ("z", "1 Layers"),
        ("e", "ε, the coding precision"),
        ("0\r", "ε must be a positive number"),
        ("\x1b", "4 Effective rank"),
        ("7", "7 Log"),
        ("z", "1 Layers"),
        ("?", "What is analysed"),
    ):
        terminal.type(key)
        terminal.wait_for(words)
    terminal.type("\x1b")
    terminal.wait_for("images ━")
    session.record(1)
    terminal.wait_for("recording 27/36")
    terminal.resize(80, 24)
    terminal.wait_for("[1 Layers]")
    terminal.resize(20, 5)
    terminal.wait_for("too small")
    terminal.resize(120, 40)
    terminal.wait_for("6 Figures")
    terminal.type("q")
    terminal.wait_for("A recording is running")
    terminal.type("k")
    assert terminal.wait() == 0
    assert requested(session.path) == "run"


def test_nothing_is_sent_while_nothing_changes(planted: Planted, terminals: list[Terminal]) -> None:
    terminal = Terminal(planted().start().record().path)
    terminals.append(terminal)
    terminal.wait_for("null 200")
    quiet_since = time.monotonic()
    deadline = quiet_since + PATIENCE
    # Longer than two polls of a finished session.
    while time.monotonic() - quiet_since < 4.5:
        terminal.received = 0
        terminal.read(0.5)
        if terminal.received:
            quiet_since = time.monotonic()
            assert quiet_since < deadline, "it keeps drawing"


def test_a_hang_up_ends_the_app(planted: Planted, terminals: list[Terminal]) -> None:
    terminal = Terminal(planted().start().record(1).path)
    terminals.append(terminal)
    terminal.wait_for("1 Layers")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.wait() == 0


def test_a_terminal_that_vanishes_in_the_middle_of_drawing_ends_the_app(planted: Planted) -> None:
    terminal = Terminal(planted().start().record().path)
    terminal.wait_for("1 Layers")
    for _ in range(100):  # nobody reads: the app is stuck in a write when the terminal goes
        terminal.type("jkzz")
    time.sleep(1)
    os.close(terminal._master)
    try:
        assert terminal.process.wait(PATIENCE) in (0, 129, -signal.SIGHUP)
    finally:
        terminal.process.kill()


def test_without_a_terminal_there_is_one_clear_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path / "-")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr


def test_a_crash_leaves_a_status_and_a_sane_terminal(planted: Planted, terminals: list[Terminal]) -> None:
    session = planted().start().record(1)
    broken = START.replace(
        "session = Path",
        "from subspacelens_tui.app.widgets.run_bar import RunBar\n"
        "RunBar.paint = lambda *_: 1 / 0\nsession = Path",
    )
    terminal = Terminal.__new__(Terminal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.START", broken)
        Terminal.__init__(terminal, session.path)
    terminals.append(terminal)
    assert terminal.wait() == 1
    assert "ZeroDivisionError" in terminal.text
    assert 1049 << 5 not in terminal.screen.mode
