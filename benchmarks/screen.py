"""The real program in a pseudo-terminal: `python benchmarks/screen.py`.

Time to the first curves of a finished 500 × 28 session against an empty Textual app with the same imports;
key to changed screen, at once and over a slow link; bytes when nothing changes and for each live update; the
app's share of a core, and what it costs the recorder it watches.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from planted import growing_session, write_session
from ratios import summary
from terminal import Terminal

PROGRAM = [sys.executable, "-m", "subspacelens_tui"]
# All that the program has imported when it draws its first curves.
IMPORTS = "import subspacelens_tui.cli, subspacelens_tui.app.app"
# Seconds of a core in two seconds: to look at the folder takes less.
_IDLE = 0.1
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
    return Terminal([*PROGRAM, "replay", str(session)])


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
    """Wait until nothing is drawn and nothing computed: error bars by recomputation take half a minute."""
    app.wait(has_curves)
    process, busy = psutil.Process(app.pid), True
    while busy:
        before = seconds_of(process)
        busy = app.read(2.0) > 0 or seconds_of(process) - before > _IDLE


def seconds_of(process: psutil.Process) -> float:
    """Seconds of a core that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def keys_and_bytes(session: Path) -> None:
    """Key to changed screen, and what an idle app sends."""
    app = replay(session)
    settled(app)
    print(f"{'bytes in 5 s with nothing changing':58} {app.read(5.0):7}")
    print_waits("key to changed screen, ms: median, p95", [answer(app, key) for key in ["j", "k"] * 20])
    app.close()


def answer(app: Terminal, key: str) -> float:
    """Milliseconds from a key that selects another layer to the list that shows it."""
    before, began = selected(app.text), time.perf_counter()
    app.type(key)
    app.wait(lambda text: selected(text) != before)
    waited = 1000 * (time.perf_counter() - began)
    app.read(0.3)
    return waited


def selected(text: str) -> str:
    """The row of the selected layer, as far as its number."""
    return next((line.partition("▶")[2][:4] for line in text.splitlines() if "▶" in line), "")


def print_waits(name: str, waits: list[float]) -> None:
    p95 = statistics.quantiles(waits, n=20)[-1]
    print(f"{name:58} {statistics.median(waits):7.1f} {p95:7.1f}")


def slow_link(bytes_a_second: float, keys: int) -> None:
    """Keys over a slow connection while a 28-layer session grows by two batches a second."""
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "session"
        batches = growing_session(session, seeds=40, blocks=28, width=1152, batch=5)
        over = threading.Event()

        def grow() -> None:
            for _ in batches:
                if over.wait(0.5):
                    return

        recorder = threading.Thread(target=grow)
        recorder.start()
        while not list(session.glob("features/*.safetensors")):
            time.sleep(0.1)
        app = Terminal([*PROGRAM, "replay", str(session)], link=bytes_a_second)
        app.wait(has_curves)
        app.read(6.0)  # the first screen is on its way for some seconds
        waits = [answer(app, key) for key in itertools.islice(itertools.cycle("jk"), keys)]
        app.close()
        over.set()
        recorder.join()
    name = f"the same live over {bytes_a_second / 1000:.0f} kB/s"
    print_waits(f"{name}, first half", waits[: keys // 2])
    print_waits(f"{name}, second half", waits[keys // 2 :])


def recorder_seconds(folder: Path, name: str, seeds: int, watched: bool) -> float:
    """Seconds that the recorder spends generating, on one core, with or without the app on the other."""
    cores = sorted(os.sched_getaffinity(0))
    options = ["--model", "demo", "--seeds", str(seeds), "--steps", "8", "--headless", "--name", name]
    recorder = subprocess.Popen(
        [*PROGRAM, "record", *options, "--sessions", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, cores[:1]),
    )
    session = folder / name
    while not (session / "events.jsonl").exists():
        time.sleep(0.05)
    app = None
    if watched:
        os.sched_setaffinity(0, cores[1:] or cores)
        app = replay(session)
        os.sched_setaffinity(0, cores)
    while recorder.poll() is None:
        app.read(0.25) if app else time.sleep(0.25)
    if app:
        app.close()
    events = [json.loads(line) for line in (session / "events.jsonl").read_text().splitlines()]
    return sum(event["seconds"] for event in events if event["event"] == "batch")


def watching(rounds: int, seeds: int) -> None:
    """What the app costs the recorder, interleaved."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            (
                recorder_seconds(Path(folder), f"watched-{i}", seeds, True),
                recorder_seconds(Path(folder), f"alone-{i}", seeds, False),
            )
            for i in range(rounds)
        ]
    summary("generating with the app attached / without", pairs)


def keys_beside_a_recording(seeds: int) -> None:
    """Key to changed screen while the demo model generates on the same cores."""
    with tempfile.TemporaryDirectory() as folder:
        app = Terminal([*PROGRAM, "demo", "--seeds", str(seeds), "--sessions", folder, "--name", "live"])
        app.wait(has_curves)
        app.read(3.0)
        waits = [answer(app, key) for key in ["j", "k"] * 20]
        over = "finished" in app.text
        print_waits(f"the same beside a recording{' that ended too early' if over else ''}", waits)
        app.close()
        while not over:
            time.sleep(0.5)
            over = "finished" in (Path(folder) / "live" / "events.jsonl").read_text()


def live(seeds: int) -> None:
    """The app beside a recording of the demo model."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--seeds", str(seeds), "--sessions", folder, "--name", "live"]
        app = Terminal([*PROGRAM, "demo", *options])
        app.wait(has_curves)
        process = psutil.Process(app.pid)
        before, began = seconds_of(process), time.perf_counter()
        updates = []
        while "finished" not in app.text and time.perf_counter() - began < 60:
            updates.append(app.read(0.25))
        share = (seconds_of(process) - before) / (time.perf_counter() - began)
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
    keys_beside_a_recording(arguments.seeds)
    live(arguments.seeds)
    slow_link(30_000, 60)
    watching(arguments.rounds, arguments.seeds)


if __name__ == "__main__":
    main()
