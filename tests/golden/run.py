"""Record what the command line says of known sessions, and compare two such records.

    python -m tests.golden.run record FOLDER [NAME…]
    python -m tests.golden.run compare OLD NEW

A record is a file for each case. Two are equal if their numbers are to 1e-8 and everything else is; what is
new in the second one, a key or a column, is allowed.
"""

import csv
import io
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from tests.golden.cases import Case, cases, plant

TOLERANCE = 1e-8
# Of a value that is a difference, such as an excess, the digits that count are those of what it is a
# difference of: exact zeros and numbers of 1e-15 are the same.
NOTHING = 1e-8


def recorded(case: Case, sessions: Path) -> dict[str, Any]:
    """What one command line gives: its exit status, its output, its files."""
    from subspacelens_tui.cli import main

    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "to"
        typed = [word.replace("{to}", str(to)) for word in case.arguments]
        out, err = io.StringIO(), io.StringIO()
        with _at_most(case.most), redirect_stdout(out), redirect_stderr(err):
            try:
                status = main([*typed, "--sessions", str(sessions)])
            except SystemExit as error:
                status = int(error.code or 0)
        said = out.getvalue().replace(str(to), "{to}")
        return {
            "status": status,
            "stderr": err.getvalue().replace(str(to), "{to}"),
            "stdout": json.loads(said) if "--json" in typed and said else said.splitlines(),
            "files": {
                str(path.relative_to(to)): _content(path) for path in sorted(to.rglob("*")) if path.is_file()
            },
        }


def _content(path: Path) -> Any:
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [{name: _number(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    return path.suffix


def _number(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell


@contextmanager
def _at_most(most: int | None) -> Iterator[None]:
    """Have sessions of more images than this be analysed as a subset."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if most and name.startswith("subspacelens_tui.analysis") and hasattr(module, "MOST_IMAGES"):
                stack.enter_context(mock.patch.object(module, "MOST_IMAGES", most))
        yield


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """A line for everything in which the new one is not as the old one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key in new:
                yield from differences(value, new[key], f"{where}/{key}")
            else:
                yield f"{where}/{key}: is not there"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{where}: {len(old)} entries, now {len(new)}"
        for place, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from differences(one, other, f"{where}/{place}")
    elif _is_number(old) and _is_number(new):
        if not math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=NOTHING):
            yield f"{where}: {old!r}, now {new!r}"
    elif type(old) is not type(new) or old != new:
        yield f"{where}: {old!r}, now {new!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def record(folder: Path, names: list[str]) -> None:
    """Record all cases, or some by the beginnings of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as sessions:
        os.environ |= {"XDG_CONFIG_HOME": f"{sessions}/config", "XDG_STATE_HOME": f"{sessions}/state"}
        plant(Path(sessions))
        for case in cases():
            if not names or case.name.startswith(tuple(names)):
                text = json.dumps(recorded(case, Path(sessions)), indent=1)
                (folder / f"{case.name}.json").write_text(text, encoding="utf-8")


def compare(old: Path, new: Path) -> int:
    """Say what differs; 1 if something does."""
    wrong = 0
    for path in sorted(new.glob("*.json")):
        before = old / path.name
        if not before.exists():
            continue
        found = list(differences(json.loads(before.read_text()), json.loads(path.read_text())))
        wrong += bool(found)
        for line in found[:6]:
            print(f"{path.stem}{line[:200]}")
        if len(found) > 6:
            print(f"{path.stem}: and {len(found) - 6} more")
    print(f"{wrong} of {len(list(new.glob('*.json')))} cases differ")
    return min(wrong, 1)


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(compare(Path(sys.argv[2]), Path(sys.argv[3])))
