"""Heads over the columns of a matrix: what is read over each column."""

import pytest

from subspacelens_tui.app.panes.matrix_heads import Heads, head_lines, heads_for

NAMES = ["animals", "buildings", "food", "vehicles", "landscapes"]
LEFT = 11


def rows(names: list[str], cell: int, heads: Heads) -> list[str]:
    """The rows as they stand over the columns, those of the corner's width filled."""
    lines = ["".join(text for text, _ in line) for line in head_lines(heads, names, cell, LEFT)]
    return [line.rjust(LEFT + cell * len(names)) for line in lines]


@pytest.mark.parametrize("cell", range(5, 14))
def test_names_are_whole_where_there_are_rows_for_them(cell: int) -> None:
    shown = rows(NAMES, cell, heads_for(NAMES, cell, LEFT, 3))
    text = "\n".join(shown)
    assert all(name in text for name in NAMES)
    # Names never touch, and the corner before the last row stays free.
    assert sorted(word for row in shown for word in row.replace("╷", " ").split()) == sorted(NAMES)
    assert shown[-1][:LEFT].isspace()


def test_a_name_is_over_its_column_and_a_leader_goes_down_to_it() -> None:
    above, below = rows(NAMES, 9, heads_for(NAMES, 9, LEFT, 2))
    for column, name in enumerate(NAMES):
        middle = LEFT + 9 * column + 4
        row = above if column % 2 == 0 else below
        start = row.index(name)
        assert start <= middle < start + len(name)
        assert (below[middle] == "╷") == (column % 2 == 0)


def test_one_row_where_names_fit_beside_each_other() -> None:
    assert heads_for(NAMES, 11, LEFT, 3) == Heads(1)
    assert rows(NAMES, 11, Heads(1))[0].split() == NAMES


def test_narrow_cells_have_their_names_written_downwards() -> None:
    heads = heads_for(NAMES, 3, LEFT, 12)
    assert heads == Heads(10, down=True)
    shown = rows(NAMES, 3, heads)
    for column, name in enumerate(NAMES):
        assert "".join(row[LEFT + 3 * column + 1] for row in shown).strip() == name


def test_without_rows_names_are_cut() -> None:
    assert heads_for(NAMES, 5, LEFT, 1) == Heads(1)
    assert rows(NAMES, 5, Heads(1))[0].split() == [name[:4] for name in NAMES]


def test_what_is_too_long_for_any_number_of_rows_is_cut() -> None:
    names = ["a lion that sleeps in the sun " * 3, "b", "c"]
    heads = heads_for(names, 5, LEFT, 2)
    shown = rows(names, 5, heads)
    assert "…" in "".join(shown)
    assert {len(row) for row in shown} == {LEFT + 15}
