import pytest

from subspacelens_tui.sessions.sanitise import plain, some_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a lion", "a lion"),
        ("Löwe 狮子 🦁", "Löwe 狮子 🦁"),
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("two\nlines\t.", "two lines ."),
        ("\u202eevil", "�evil"),
        ("zero\u200bwidth", "zero�width"),
        ("\x9b31m", "�31m"),
        ("[bold]markup[/]", "[bold]markup[/]"),
    ],
)
def test_nothing_but_visible_characters_is_left(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_text_is_cut() -> None:
    assert len(plain("x" * 10_000)) == 2000


def test_of_a_long_list_the_first_and_the_last_are_named() -> None:
    assert some_of(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"
    assert some_of(range(1000)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …, 999 (1000 in all)"
