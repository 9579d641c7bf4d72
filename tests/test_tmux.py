"""The app inside tmux, where terminals differ most from a bare one."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.conftest import PlantedSessionFactory as Planted
from tests.terminal import PATIENCE

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of our own with one pane."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        environment |= {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
        command = ["tmux", "-L", self._name, "-f", os.devnull, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    def wait_for(self, words: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while words not in (text := self("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"{words!r} never came:\n{text}"
            time.sleep(0.1)
        return text


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    server = Tmux(f"subspacelens-{os.getpid()}")
    yield server
    server("kill-server")


def test_open_use_resize_and_quit(planted: Planted, tmux: Tmux) -> None:
    session = planted().start().record()
    command = shlex.join([sys.executable, "-m", "subspacelens_tui", "replay", str(session.path)])
    tmux("new-session", "-d", "-x", "120", "-y", "40", f"{command}; echo left with $?; cat")
    tmux.wait_for("1 Layers")
    for key, words in (
        ("l", "[fine]"),
        ("b", "[uncond]"),
        ("5", "lion × penguin"),
        ("?", "  Analysis"),
    ):
        tmux("send-keys", key)
        tmux.wait_for(words)
    tmux("send-keys", "Escape")
    for columns, rows, words in ((80, 24, "[1 Layers]"), (20, 6, "too small"), (200, 60, "6 Metrics")):
        tmux("resize-window", "-x", str(columns), "-y", str(rows))
        lines = tmux.wait_for(words).splitlines()
        assert all(len(line) <= columns for line in lines)
    tmux("send-keys", "q")
    tmux.wait_for("left with 0")
