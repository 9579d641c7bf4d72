"""The main job as a user sees it: `demo` in a real terminal, from the first screen to the last."""

import sys
import time
from pathlib import Path

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.sessions import Phase, open_session
from tests.terminal import PATIENCE, Terminal

COMMAND = [sys.executable, "-m", "subspacelens_tui"]


def curves(text: str) -> int:
    """How many cells hold braille dots, which only curves are made of."""
    return sum("\u2801" <= char <= "\u28ff" for char in text)


def test_demo_from_start_to_finished_session(tmp_path: Path, terminals: list[Terminal]) -> None:
    options = ["--seeds", "8", "--steps", "8", "--sessions", str(tmp_path)]
    live = Terminal([*COMMAND, "demo", *options, "--name", "live"])
    terminals.append(live)
    live.wait_for("loading model")
    live.wait_for("recording")
    live.wait(lambda text: curves(text) > 20)
    early = live.text

    second = Terminal([*COMMAND, "replay", "live", "--sessions", str(tmp_path)], columns=80, rows=24)
    terminals.append(second)
    second.wait(lambda text: curves(text) > 20)

    # Every control answers while it records.
    for key, answer in (
        ("l", "· fine"),
        ("b", "uncond"),
        ("b", "both"),
        ("b", "difference"),
        ("b", "cond"),
        ("s", "[0 (t 999)]"),
        ("S", "[7 (t "),
        ("f", "[centred]"),
        ("F", "[raw]"),
        ("-", "[0.4]"),
        ("+", "[0.5]"),
        ("l", "· coarse"),
        ("e", "coding precision"),
    ):
        live.type(key)
        live.wait_for(answer)
    live.type("0.25\r")
    live.wait_for("[0.25]")
    live.type("?")
    live.wait_for("  Analysis")
    live.type("\x1b")
    live.wait(lambda text: "  Analysis" not in text)
    live.type("q")
    live.wait_for("A recording is running.")
    live.type("\x1b")
    live.wait(lambda text: "A recording is running." not in text)
    live.wait_for("finished 200/200")
    assert live.text != early
    second.wait_for("finished 200/200")

    session = open_session(tmp_path / "live")
    assert session.state.phase is Phase.FINISHED
    # What both viewers show of the last layer is what replay computes from the finished session.
    last = Analyzer(session).result(Settings(eps=0.25)).layers[11]
    assert last.delta_R is not None
    assert last.ratio is not None
    row = f"{last.delta_R:.3g}"
    live.wait(
        lambda text: any(line.lstrip("│▶ ").startswith("11") and row in line for line in text.splitlines())
    )
    for terminal in (live, second):
        terminal.type("q")
        assert terminal.exit_status() == 0


def test_quitting_may_leave_the_recording_running_or_stop_it(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    command = [
        *COMMAND,
        "demo",
        "--seeds",
        "40",
        "--steps",
        "4",
        "--sessions",
        str(tmp_path),
        "--name",
        "run",
    ]
    live = Terminal(command)
    terminals.append(live)
    live.wait(lambda text: curves(text) > 20)
    live.type("q")
    live.wait_for("A recording is running.")
    live.type("k")
    assert live.exit_status() == 0
    assert "run goes on recording" in live.text
    session = open_session(tmp_path / "run")
    assert session.state.phase is Phase.RECORDING

    again = Terminal([*COMMAND, "replay", "run", "--sessions", str(tmp_path)])
    terminals.append(again)
    again.wait(lambda text: curves(text) > 20)
    again.type("q")
    again.wait_for("A recording is running.")
    again.type("s")
    assert again.exit_status() == 0
    deadline = time.monotonic() + PATIENCE
    while session.state.phase is not Phase.STOPPED:
        assert time.monotonic() < deadline, session.state
        session.refresh()


def test_a_recording_started_from_the_empty_list(tmp_path: Path, terminals: list[Terminal]) -> None:
    app = Terminal([*COMMAND, "--sessions", str(tmp_path / "sessions")], columns=80, rows=24)
    terminals.append(app)
    app.wait_for("Press n to record one")
    app.type("n")
    app.wait_for("500 images in all")
    # Typed ahead, as over a slow line: each field gets its own text.
    app.type("\x1b[B\x1b[B1\r4\r\x1b[B0,3" + "\x1b[B" * 9 + "fromform")
    app.wait_for("= 25 images in all")
    app.wait_for("fromform")
    app.type("\x13")
    app.wait_for("loading model")
    app.wait_for("finished 25/25")
    app.type("q")
    assert app.exit_status() == 0
    session = open_session(tmp_path / "sessions" / "fromform")
    assert session.state.phase is Phase.FINISHED
    assert (session.manifest.steps, session.manifest.capture_steps) == (4, [0, 3])
