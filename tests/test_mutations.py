"""The changes that `tools.mutations` makes, one trial of some, and the page of what was found."""

import ast
from pathlib import Path

import pytest

from tools.mutations.changes import changes_of
from tools.mutations.results import PAGE, Found, page, read

SOURCE = '''
LIMIT = 3 + 1


def found(rows: list[int], wide: bool = False) -> int | None:
    """How many."""
    if not rows or (
        wide
        and len(rows) < LIMIT
    ):
        return None
    for row in rows:
        if row in (1, 2):
            continue
        print(f"{row + 1}", "é" + "x")
    return len(rows) - 1 if wide else 0
'''.encode()


def test_every_change_is_python_and_leaves_the_lines_where_they_are() -> None:
    changes = changes_of("x.py", SOURCE)
    assert {change.kind for change in changes} == {
        "comparison",
        "operator",
        "and/or",
        "not dropped",
        "constant",
        "branches swapped",
        "nothing returned",
        "statement dropped",
        "break/continue",
    }
    for change in changes:
        made = change.made_to(SOURCE)
        assert made != SOURCE
        assert made.count(b"\n") == SOURCE.count(b"\n")
        ast.parse(made)


def test_nothing_is_changed_outside_functions_or_in_text() -> None:
    before = [change.before for change in changes_of("x.py", SOURCE)]
    assert "3 + 1" not in before
    assert not any(
        "row + 1" in text or text == '"é" + "x"' for text in before if not text.startswith("print")
    )


def test_the_page_has_the_committed_findings() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read())


@pytest.mark.parametrize("row", read(), ids=lambda row: f"{Path(row.file).name}:{row.line}")
def test_something_was_done_about_every_survivor(row: Found) -> None:
    assert row.killed_by or row.done
