"""The app as a process: in a real pseudo-terminal, and what it imports."""

import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from subspacelens_tui.sessions.control import requested
from tests.conftest import PlantedSessionFactory as Planted
from tests.terminal import PATIENCE, Terminal

START = """
import sys
from pathlib import Path
from subspacelens_tui.app.main import run
session = Path(sys.argv[1])
status = run(session.parent, session if session.name != "-" else None)
heavy = {"torch", "diffusers", "transformers", "accelerate"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else status)
"""

# Modes of the terminal that the app switches, as xterm numbers them.
CURSOR, FOCUS, ALTERNATE_SCREEN, PASTE = 25, 1004, 1049, 2004
MOUSE = (1000, 1003, 1006, 1015)


def start(session: Path, columns: int = 120, rows: int = 40) -> Terminal:
    return Terminal([sys.executable, "-c", START, str(session)], columns, rows)


def press(terminal: Terminal, *steps: tuple[str, str]) -> None:
    """Type each key, and wait for the words that it brings."""
    for key, words in steps:
        terminal.type(key)
        terminal.wait_for(words)


def test_a_session_from_open_to_quit(planted: Planted, terminals: list[Terminal]) -> None:
    session = planted().start().record(2)
    terminal = start(session.path)
    terminals.append(terminal)
    terminal.wait_for("×20")
    press(
        terminal,
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
    )
    terminal.type("\x1b")
    # Panes show beside the dialog. A key sent before it is gone makes one Alt chord with the Escape.
    terminal.wait(lambda text: "ε, the coding precision" not in text)
    press(
        terminal,
        ("7", "7 Log"),
        ("z", "1 Layers"),
        ("?", "  Analysis"),
    )
    terminal.type("\x1b")
    terminal.wait_for("images ━")
    session.record(1)
    terminal.wait_for("recording 27/36")
    terminal.resize(80, 24)
    terminal.wait_for("[1 Layers]")
    terminal.resize(20, 5)
    terminal.wait_for("too small")
    terminal.resize(120, 40)
    terminal.wait_for("6 Metrics")
    terminal.type("q")
    terminal.wait_for("A recording is running")
    terminal.type("k")
    assert terminal.exit_status() == 0
    assert requested(session.path) == "run"


def test_the_terminal_is_believed_not_the_environment(
    planted: Planted, terminals: list[Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    terminal = start(planted().start().record().path, 120, 40)
    terminals.append(terminal)
    terminal.wait_for("6 Metrics")
    terminal.resize(20, 5)
    terminal.wait_for("too small")


def test_nothing_is_sent_while_nothing_changes(planted: Planted, terminals: list[Terminal]) -> None:
    terminal = start(planted().start().record().path)
    terminals.append(terminal)
    terminal.wait_for("×200")
    quiet_since = time.monotonic()
    deadline = quiet_since + PATIENCE
    # Longer than two polls of a finished session.
    while time.monotonic() - quiet_since < 4.5:
        terminal.received = 0
        terminal.read(0.5)
        if terminal.received:
            quiet_since = time.monotonic()
            assert quiet_since < deadline, "it keeps drawing"


def let_settle(terminal: Terminal) -> None:
    """Wait for what the last keys lead to, and until nothing more is drawn."""
    for words in ("[cond]", "animals × food", "×200"):
        terminal.wait_for(words)
    while terminal.read(1.5) and terminal.received:
        terminal.received = 0


def test_what_is_sent_in_parts_is_what_is_drawn_whole(planted: Planted, terminals: list[Terminal]) -> None:
    session = planted(layers=12).start().record(1)
    followed = start(session.path)
    terminals.append(followed)
    followed.wait_for("×")
    for keys in ("jjj", "5\x1b[C\x1b[B", "l", "b"):
        followed.type(keys)
        session.record(1)
        followed.read(0.3)
    followed.wait_for("finished 36/36")
    followed.type("bbbl5\x1b[D\x1b[A1\x1b[H")
    let_settle(followed)
    # It opens as the other was left, so not before.
    fresh = start(session.path)
    terminals.append(fresh)
    let_settle(fresh)
    deadline = time.monotonic() + PATIENCE
    while followed.text != fresh.text:  # on a busy machine either may still be drawing
        assert time.monotonic() < deadline, f"{followed.text}\n\n{fresh.text}"
        followed.read(0.1)
        fresh.read(0.1)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_hang_up_ends_the_app(planted: Planted, terminals: list[Terminal], number: signal.Signals) -> None:
    terminal = start(planted().start().record(1).path)
    terminals.append(terminal)
    terminal.wait_for("1 Layers")
    terminal.process.send_signal(number)
    assert terminal.exit_status() == 0


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGABRT]
)
def test_whatever_signal_ends_the_app_leaves_a_sane_terminal(
    planted: Planted, terminals: list[Terminal], number: signal.Signals, early: bool
) -> None:
    terminal = start(planted().start().record(1).path)
    terminals.append(terminal)
    before = termios.tcgetattr(terminal.master)
    if early:  # before the app is ready to leave by itself
        terminal.wait(lambda text: ALTERNATE_SCREEN << 5 in terminal.screen.mode)
    else:
        terminal.wait_for("1 Layers")
    terminal.process.send_signal(number)
    assert terminal.exit_status() in (0, 1, -number)
    switched_on = {mode >> 5 for mode in terminal.screen.mode}
    assert not switched_on & {ALTERNATE_SCREEN, *MOUSE, FOCUS, PASTE}
    assert CURSOR in switched_on
    assert termios.tcgetattr(terminal.master) == before


def test_a_terminal_that_vanishes_in_the_middle_of_drawing_ends_the_app(planted: Planted) -> None:
    terminal = start(planted().start().record().path)
    terminal.wait_for("1 Layers")
    for _ in range(100):  # nobody reads: the app is stuck in a write when the terminal goes
        terminal.type("jkzz")
    time.sleep(1)
    os.close(terminal.master)
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


def test_where_only_messages_are_redirected_the_screen_is_drawn(
    planted: Planted, terminals: list[Terminal], tmp_path: Path
) -> None:
    session, messages = planted().start().record(), tmp_path / "messages"
    shell = f'exec "$0" -c "$1" "$2" 2> "{messages}"'
    terminal = Terminal(["sh", "-c", shell, sys.executable, START, str(session.path)])
    terminals.append(terminal)
    terminal.wait_for("6 Metrics")
    terminal.type("q")
    assert terminal.exit_status() == 0
    assert messages.read_text() == ""


def test_a_crash_leaves_a_status_and_a_sane_terminal(planted: Planted, terminals: list[Terminal]) -> None:
    session = planted().start().record(1)
    broken = START.replace(
        "session = Path",
        "from subspacelens_tui.app.widgets.run_bar import RunBar\n"
        "def paint(*_):\n    local_variable = list(range(10**6))\n    1 / 0\n"
        "RunBar.paint = paint\nsession = Path",
    )
    terminal = Terminal([sys.executable, "-c", broken, str(session.path)])
    terminals.append(terminal)
    assert terminal.exit_status() == 1
    assert "ZeroDivisionError" in terminal.text
    assert "local_variable" not in terminal.text
    assert 1049 << 5 not in terminal.screen.mode
