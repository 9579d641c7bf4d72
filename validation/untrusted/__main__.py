"""Tamper with sessions and open them: `python -m validation.untrusted [SESSIONS] [--first SEED]`.

Each in a process that is watched from outside: a crash, a hang or much memory is counted with the seed that
leads there again. Prints the table of docs/safety.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from subspacelens_tui.analysis import export
from subspacelens_tui.app import analyst
from validation.untrusted.mutations import mutate
from validation.untrusted.sessions import make_originals
from validation.untrusted.trial import run_trial

_HANG = 120.0
_SLOW, _MEMORY = 5.0, 1024.0
# A process starts anew after so many, so that what one leaves behind does not hide in the next.
_A_PROCESS = 50


def work(seeds: range) -> None:
    """Try the sessions of these seeds, a line of JSON on stdout for each."""
    # The same computations, fewer of them.
    analyst.PERMUTATIONS = (2, 4)
    export.EXPORT_PERMUTATIONS = 4
    with tempfile.TemporaryDirectory() as folder:
        originals = make_originals(Path(folder) / "originals")
        for seed in seeds:
            session = Path(folder) / "sessions" / _name(seed)
            session.parent.mkdir()
            # The recorded one is the largest; there is less to find in it for the time it takes.
            original = originals[0 if seed % 10 == 0 else 1 + seed % 2]
            shutil.copytree(original, session)
            mutations = mutate(session, seed)
            _forget_peak()
            trial = run_trial(session, seed, thorough=original is not originals[0])
            result = {"seed": seed, "mutations": mutations, "MB": _peak(), **asdict(trial)}
            print(json.dumps(result), flush=True)
            shutil.rmtree(session.parent)


def _name(seed: int) -> str:
    return ("session", "\x1b[31mred", "[bold]x[@click=app.quit] \u202e\u200b", "狮子 a\nb")[seed // 7 % 4]


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """The most memory since `_forget_peak`, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def watch(seeds: range) -> list[dict[str, object]]:
    """Run workers over the seeds, one after the other."""
    results: list[dict[str, object]] = []
    at = seeds.start
    while at < seeds.stop:
        results += _one_worker(range(at, min(at + _A_PROCESS, seeds.stop)))
        at = seeds.start + len(results)
        print(f"\r{len(results)}/{len(seeds)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def _one_worker(seeds: range) -> list[dict[str, object]]:
    """The results of a worker; the last one may say that it crashed or hung."""
    words = [sys.executable, "-m", "validation.untrusted", "--work", f"{seeds.start}:{seeds.stop}"]
    results: list[dict[str, object]] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as worker, DefaultSelector() as selector:
        assert worker.stdout is not None
        selector.register(worker.stdout, EVENT_READ)
        while len(results) < len(seeds):
            seed = seeds.start + len(results)
            if not selector.select(_HANG):
                worker.kill()
                return [*results, {"seed": seed, "faults": [f"hung for {_HANG:.0f} s"]}]
            line = worker.stdout.readline()
            if not line:
                return [*results, {"seed": seed, "faults": [f"crashed: exit status {worker.wait()}"]}]
            results.append(json.loads(line))
    return results


def report(results: list[dict[str, object]]) -> int:
    """Print what was seen; the exit status says whether anything was at fault."""
    done = [result for result in results if "seconds" in result]
    seconds = {what: max(r["seconds"].get(what, 0.0) for r in done) for what in done[0]["seconds"]}  # type: ignore
    faults = [(r["seed"], fault) for r in results for fault in r["faults"]]  # type: ignore[attr-defined]
    slow = [
        (r["seed"], f"{what} took {s:.1f} s") for r in done for what, s in r["seconds"].items() if s > _SLOW
    ]  # type: ignore
    large = [(r["seed"], f"took {r['MB']:.0f} MB") for r in done if r["MB"] > _MEMORY]  # type: ignore[operator]
    print(f"sessions: {len(results)}, of which {sum(bool(r['opened']) for r in done)} could be opened")
    print(f"kinds of damage: {dict(Counter(name for r in done for name in r['mutations']))}")  # type: ignore
    print(f"slowest, in seconds: { ({what: round(s, 2) for what, s in seconds.items()}) }")
    print(f"most memory: {max(r['MB'] for r in done):.0f} MB")  # type: ignore[type-var]
    print(f"faults: {len(faults)}, beyond {_SLOW:.0f} s: {len(slow)}, beyond {_MEMORY:.0f} MB: {len(large)}")
    for seed, what in faults + slow + large:
        print(f"  seed {seed}: {what}")
    return bool(faults or slow or large)


def main() -> int:
    """Parse the command line, and watch or work."""
    parser = argparse.ArgumentParser(prog="python -m validation.untrusted", description=__doc__)
    parser.add_argument("sessions", type=int, nargs="?", default=2000, help="how many (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        work(range(*map(int, chosen.work.split(":"))))
        return 0
    return report(watch(range(chosen.first, chosen.first + chosen.sessions)))


if __name__ == "__main__":
    sys.exit(main())
