import pytest

from subspacelens_tui.sessions.sanitise import plain


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
