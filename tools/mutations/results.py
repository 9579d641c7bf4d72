"""What was found of each change, kept in a file, and the page that shows it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.pages import escaped

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
PAGE = ROOT / "docs" / "mutations.md"
_SHOWN = 60  # characters of changed code


@dataclass(frozen=True)
class Found:
    """A change and the test that failed with it: none where it survived, "(hung)" if tests did not end."""

    file: str
    line: int
    kind: str
    before: str
    after: str
    tests: int
    killed_by: str | None
    done: str = ""  # about a survivor

    @property
    def room(self) -> str:
        """`app` of `subspacelens_tui/app/…`."""
        return self.file.split("/")[1]


def read() -> list[Found]:
    """All that was found so far."""
    return (
        [Found(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))] if RESULTS.exists() else []
    )


def write(found: list[Found]) -> None:
    """Keep these, and nothing else."""
    rows = [asdict(row) for row in sorted(found, key=lambda row: (row.file, row.line, row.after))]
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def page(found: list[Found]) -> str:
    """docs/mutations.md."""
    rooms = sorted({row.room for row in found})
    survivors = [row for row in found if row.killed_by is None]
    lines = [
        "# Mutation tests",
        "",
        "The code is changed in one place at random: a comparison or a sign is reversed, `and` becomes `or`, a `not`",
        "is dropped, a constant is raised by one, branches are swapped, a statement is dropped, or nothing is",
        "returned. Then the tests of the same package that execute the line are run, fastest first, until one fails",
        "or they have used 10 s. `python -m tools.mutations` explains how to repeat this; with `page` it writes this",
        "page.",
        "",
        "Packages that are not in the table have not been tested yet. For `app/` only the tests of individual",
        "controllers, drawings and widgets were run, not those of whole screens. For `models/` the tests in",
        "`tests/recording` that load and run pipelines were not run, and for `recording/` only eight of its test",
        "files were, unless the last column says so.",
        "",
        "| package | mutations | caught | of which hung | survived |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for room in rooms:
        of_room = [row for row in found if row.room == room]
        hung = sum(row.killed_by == "(hung)" for row in of_room)
        missed = sum(row.killed_by is None for row in of_room)
        lines.append(f"| `{room}/` | {len(of_room)} | {len(of_room) - missed} | {hung} | {missed} |")
    lines += [
        "",
        "## Survivors, and what was done about them",
        "",
        "| file, line | original | mutated | action |",
    ]
    lines += ["| --- | --- | --- | --- |"]
    for row in survivors:
        lines.append(f"| {_place(row)} | {_code(row.before)} | {_code(row.after)} | {escaped(row.done)} |")
    lines += ["", "## All mutations", "", "| file, line | kind | original | mutated | caught by |"]
    lines += ["| --- | --- | --- | --- | --- |"]
    for row in found:
        noticed = row.killed_by or f"none of {row.tests} test{'s' * (row.tests > 1)}"
        cells = (_place(row), row.kind, _code(row.before), _code(row.after), escaped(noticed.split("[")[0]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _place(row: Found) -> str:
    return f"{row.file.removeprefix('subspacelens_tui/')}:{row.line}"


def _code(text: str) -> str:
    line = " ".join(text.split())
    return f"`{escaped(line if len(line) <= _SHOWN else line[: _SHOWN - 1] + '…')}`"
