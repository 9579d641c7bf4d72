"""A program in a pseudo-terminal, with the screen as a person would see it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence

import pyte

PATIENCE = 600.0  # a machine may be busy; what hangs, hangs longer


class Terminal:
    """A process whose terminal we hold the other end of."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        self._size(columns, rows)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        # A shell starts what runs in the background without SIGINT; ours is in front of its own terminal.
        for ignored in (signal.SIGINT, signal.SIGQUIT):
            if signal.getsignal(ignored) is signal.SIG_IGN:
                signal.signal(ignored, signal.SIG_DFL)
        self.process = subprocess.Popen(
            list(command), stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.received = 0

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        self._size(columns, rows)
        self.screen.resize(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self, seconds: float) -> bool:
        """Take in what the program draws; False once it has ended."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.received += len(data)
        self._stream.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def wait(self, reached: Callable[[str], bool]) -> None:
        """Read until the screen is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while not reached(self.text):
            assert self.read(0.1), f"it ended too early:\n{self.text}"
            assert time.monotonic() < deadline, f"it never came:\n{self.text}"

    def wait_for(self, words: str) -> None:
        self.wait(lambda text: words in text)

    def exit_status(self) -> int:
        """Read until the program ends."""
        deadline = time.monotonic() + PATIENCE
        while self.read(0.1):
            assert time.monotonic() < deadline, f"it did not end:\n{self.text}"
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
