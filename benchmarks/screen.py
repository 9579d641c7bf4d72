"""The real program in a pseudo-terminal: `python benchmarks/screen.py`.

Time to the first curves of a finished 500 × 28 session against an empty Textual app with the same imports;
key to changed screen; bytes when nothing changes and for each live update; the app's share of a core.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from planted import write_session
from ratios import summary
from terminal import Terminal

IMPORTS = "import subspacelens_tui.cli, subspacelens_tui.app.app"
EMPTY = f"""
{IMPORTS}
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("ready")
Empty().run()
"""


def has_curves(text: str) -> bool:
    """Whether braille dots are drawn, which only curves are made of."""
    return sum("\u2801" <= char <= "\u28ff" for char in text) > 20


def replay(session: Path) -> Terminal:
    """The app on a session."""
    return Terminal([sys.executable, "-m", "subspacelens_tui", "replay", str(session)])


def first_curves(session: Path, rounds: int) -> None:
    """From the start of the process to the first painted curves."""
    pairs = []
    for _ in range(rounds + 1):
        app = replay(session)
        curves = app.wait(has_curves)
        app.close()
        empty = Terminal([sys.executable, "-c", EMPTY])
        pairs.append((curves, empty.wait(lambda text: "ready" in text)))
        empty.close()
    summary("first curves of 500 × 28 / empty app, same imports", pairs[1:])


def settled(app: Terminal) -> None:
    """Wait until nothing has been drawn for two seconds."""
    app.wait(has_curves)
    while app.read(2.0):
        pass


def keys_and_bytes(session: Path) -> None:
    """Key to changed screen, and what an idle app sends."""
    app = replay(session)
    settled(app)
    print(f"{'bytes in 5 s with nothing changing':58} {app.read(5.0):7}")
    waits = []
    for key in ["j", "k"] * 20:
        before, began = app.text, time.perf_counter()
        app.type(key)
        app.wait(lambda text, before=before: text != before)
        waits.append(1000 * (time.perf_counter() - began))
        app.read(0.3)
    p95 = statistics.quantiles(waits, n=20)[-1]
    print(f"{'key to changed screen, ms: median, p95':58} {statistics.median(waits):7.1f} {p95:7.1f}")
    app.close()


def live(seeds: int) -> None:
    """The app beside a recording of the demo model."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "subspacelens_tui",
            "demo",
            "--seeds",
            str(seeds),
            "--sessions",
            folder,
        ]
        app = Terminal([*command, "--name", "live"])
        app.wait(has_curves)
        process = psutil.Process(app.pid)
        before, began = process.cpu_times(), time.perf_counter()
        updates = []
        while "finished" not in app.text and time.perf_counter() - began < 60:
            updates.append(app.read(0.25))
        after, seconds = process.cpu_times(), time.perf_counter() - began
        share = (after.user + after.system - before.user - before.system) / seconds
        painted = [update for update in updates if update]
        print(f"{'bytes of a live update at 120×40, median':58} {statistics.median(painted):7.0f}")
        print(f"{'share of a core while recording':58} {share:7.2f}")
        app.type("\x1b")
        app.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        session = write_session(Path(folder) / "session")
        first_curves(session, arguments.rounds)
        keys_and_bytes(session)
    live(arguments.seeds)


if __name__ == "__main__":
    main()
