"""Tamper with sessions and open them: `python -m validation.untrusted [SESSIONS] [--first SEED]`.

Each in a process that is watched from outside: a crash, a hang or much memory is counted with the seed that
leads there again. Keeps the tallies of the hundreds of seeds that were tried, and writes docs/safety.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from subspacelens_tui.app import refinement_stages, worker
from validation.untrusted.document import write_document
from validation.untrusted.mutations import mutate
from validation.untrusted.screens import look_at
from validation.untrusted.sessions import make_originals
from validation.untrusted.tally import HUNDRED, TOGETHER, Tally, write_tally
from validation.untrusted.trial import Trial, read_all

Result = dict[str, Any]

_HANG = 120.0
_NAMES = ("session", "\x1b[31mred", "[bold]x[@click=app.quit] \u202e\u200b", "狮子 a\nb")


def work(seeds: range) -> None:
    """Try the sessions of these seeds: the seed of each as it is read and as it is opened, then results."""
    # The same computations, fewer of them: a fifth of these permutations for the overlap.
    for module in (refinement_stages, worker):
        module.FEW, module.MANY = 10, 20
    with tempfile.TemporaryDirectory() as folder:
        originals, made = make_originals(Path(folder) / "originals"), Path(folder) / "sessions"
        entries = []
        for seed in seeds:
            # The recorded one is the largest; there is less to find in it for the time it takes.
            original = originals[0 if seed % 20 == 10 else 1 + seed % 2]
            session = made / f"{seed}{_NAMES[seed % len(_NAMES)]}"
            shutil.copytree(original, session)
            trial = Trial(seed, mutate(session, seed), small=original is not originals[0])
            entries.append((trial, session))
            print(seed, flush=True)
            read_all(trial, session)
        for options in ((), ("--json",)):
            entries[0][0].command("list", ["list", "--sessions", str(made), *options])
        look_at(entries, made)
        for trial, _ in entries:
            print(json.dumps(asdict(trial)), flush=True)


def try_hundred(first: int) -> Tally:
    """Run workers over the seeds, one after the other."""
    tally = Tally()
    for start in range(first, first + HUNDRED, TOGETHER):
        for result in _one_worker(range(start, start + TOGETHER)):
            tally.take(result)
    return tally


def _one_worker(seeds: range) -> list[Result]:
    """The results of a worker; if it crashes or hangs, those of one for each seed, to find which it was."""
    words = [sys.executable, "-m", "validation.untrusted", "--work", f"{seeds.start}:{seeds.stop}"]
    results: list[Result] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as worker, DefaultSelector() as selector:
        assert worker.stdout is not None
        selector.register(worker.stdout, EVENT_READ)
        while len(results) < len(seeds):
            hung = not selector.select(_HANG)
            line = "" if hung else worker.stdout.readline()
            if not line:
                worker.kill()
                fault = f"hung for {_HANG:.0f} s" if hung else f"crashed: exit status {worker.wait()}"
                break
            if isinstance(found := json.loads(line), dict):
                results.append(found)
    if len(results) == len(seeds):
        return results
    if len(seeds) == 1:
        return [{"seed": seeds.start, "faults": [fault]}]
    return [result for seed in seeds for result in _one_worker(range(seed, seed + 1))]


def main() -> int:
    """Parse the command line, and watch or work; the exit status says whether anything was found."""
    parser = argparse.ArgumentParser(prog="python -m validation.untrusted", description=__doc__)
    parser.add_argument("sessions", type=int, nargs="?", default=2000, help="how many (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help=f"the first seed, a multiple of {HUNDRED}")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(range(*map(int, chosen.work.split(":"))))
        return 0
    if chosen.first % HUNDRED or chosen.sessions % HUNDRED:
        parser.error(f"sessions are tried {HUNDRED} at a time")
    found = 0
    for first in range(chosen.first, chosen.first + chosen.sessions, HUNDRED):
        tally = try_hundred(first)
        print(f"from {first}: {tally}", flush=True)
        write_tally(first, tally)
        found += len(tally.findings)
    write_document()
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
