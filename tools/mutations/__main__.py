"""Change the code at random, one place at a time, and see whether a test notices.

    python -m tools.mutations ROOM COUNT SEED TEST…   e.g. sessions 20 1 tests/sessions
    python -m tools.mutations page                    writes docs/mutations.md from what was found

The tests named are run once, to learn which lines of `subspacelens_tui/ROOM` each of them runs. Of all
changes to these lines COUNT are drawn. For each, the tests that run its line are run until one fails, the
quickest first, as many as take 10 s of the processor together. All happens in a copy of the last commit. The
results go to `tools/mutations/results.json`, in the place of earlier ones of that room; what was done about a
survivor is written there by hand.
"""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.mutations import trial
from tools.mutations.changes import Change, changes_of
from tools.mutations.results import PAGE, ROOT, Found, page, read, write
from tools.pages import write_or_check

_BUDGET = 10.0


def main() -> int:
    """Do what the command line asks for; its exit status."""
    match sys.argv[1:]:
        case ["page"]:
            return write_or_check(PAGE, page(read()))
        case [room, count, seed, *tests] if tests:
            found = []
            with tempfile.TemporaryDirectory() as folder:
                for row in _tried(Path(folder), room, int(count), int(seed), tests):
                    found.append(row)
                    write([other for other in read() if other.room != room] + found)
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def _tried(copy: Path, room: str, count: int, seed: int, tests: list[str]) -> Iterator[Found]:
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", copy], input=archive, check=True)
    trial.adopt_orphans()
    trial.import_tests(copy, tests)
    lines = trial.lines_of(copy, room, tests)
    runs: dict[tuple[str, int], list[str]] = {}
    for test in sorted(lines, key=lambda test: lines[test][0]):
        for file, line in lines[test][1]:
            runs.setdefault((str(Path(file).relative_to(copy)), line), []).append(test)
    files = sorted({file for file, _ in runs})
    possible = [change for file in files for change in changes_of(file, (copy / file).read_bytes())]
    possible = [change for change in possible if (change.file, change.line) in runs]
    print(f"{len(lines)} tests, {len(possible)} changes to the lines that they run", flush=True)
    drawn = random.Random(seed).sample(possible, min(count, len(possible)))
    for change in drawn:
        yield _found(copy, change, _affordable(runs[change.file, change.line], lines))


def _affordable(tests: list[str], lines: trial.Lines) -> list[str]:
    chosen, used = tests[:1], lines[tests[0]][0]
    for test in tests[1:]:
        if (used := used + lines[test][0]) > _BUDGET:
            break
        chosen.append(test)
    return chosen


def _found(copy: Path, change: Change, tests: list[str]) -> Found:
    killed_by = trial.first_failure(copy, change, tests)
    print(f"{change.file}:{change.line} {change.before!r} -> {change.after!r}: {killed_by}", flush=True)
    where = change.file, change.line, change.kind, change.before, change.after
    return Found(*where, tests=len(tests), killed_by=killed_by)


if __name__ == "__main__":
    sys.exit(main())
