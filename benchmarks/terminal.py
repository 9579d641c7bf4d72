"""A program in a pseudo-terminal, and what its screen shows."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence

import pyte

_PACKET = 1024


class Terminal:
    """A child process with a screen of its own; every read counts its bytes.

    Args:
        command: what to run.
        columns, rows: of the screen.
        link: bytes a second that the connection carries; as fast as they come unless given.
    """

    def __init__(
        self, command: Sequence[str], columns: int = 120, rows: int = 40, link: float | None = None
    ) -> None:
        self._link = link
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.bytes = 0
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            for name in ("SSH_CONNECTION", "NO_COLOR", "COLUMNS", "LINES"):
                environment.pop(name, None)
            if link is not None:
                environment["SSH_CONNECTION"] = "192.0.2.1 50000 192.0.2.2 22"
            os.execvpe(command[0], list(command), environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float) -> int:
        """Take in what arrives within a time; the number of bytes."""
        before, deadline = self.bytes, time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self._fd], [], [], left)[0] and not self._take():
                break
        return self.bytes - before

    def wait(self, reached: Callable[[str], bool], patience: float = 120) -> float:
        """Read until the screen's text is as wanted; the seconds since the start of the program."""
        deadline = time.perf_counter() + patience
        while not reached(self.text):
            if time.perf_counter() > deadline:
                raise TimeoutError(self.text)
            if select.select([self._fd], [], [], 0.5)[0] and not self._take():
                raise RuntimeError(f"the program ended:\n{self.text}")
        return time.perf_counter() - self.began

    def type(self, keys: str) -> None:
        """Send keys."""
        os.write(self._fd, keys.encode())

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.screen.display)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGTERM)
        while self._take():
            pass
        os.close(self._fd)
        os.waitpid(self.pid, 0)

    def _take(self) -> bool:
        try:
            data = os.read(self._fd, 1 << 16 if self._link is None else _PACKET)
        except OSError:
            return False
        if self._link is not None:
            time.sleep(len(data) / self._link)
        self.bytes += len(data)
        self._stream.feed(data)
        return bool(data)
