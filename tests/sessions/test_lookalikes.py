"""Names that look the same are the same, and it is said which were taken so."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subspacelens_tui.sessions.lookalikes import canonical, label_notes, look_alikes


@pytest.mark.parametrize(
    "written",
    [
        "un café",
        "un cafe\u0301",  # decomposed
        "un\u00a0café",  # no-break space
        "  un \t café\u2003",
        "un café\u200b",  # zero-width space
        "\ufeffun café",
        "un caf\u00ade\u0301",  # soft hyphen
        "un cafe\u034f\u0301",  # grapheme joiner, which keeps accents from composing
        "un\u2800café\u3164",  # blanks that are counted among symbols and letters
        "un café\x00\x1b",
    ],
)
def test_what_is_not_seen_does_not_count(written: str) -> None:
    assert canonical(written) == "un café"


@pytest.mark.parametrize(("a", "b"), [("Café", "café"), ("cafe", "café"), ("ﬁne", "fine"), ("a1", "a²")])
def test_what_is_seen_does(a: str, b: str) -> None:
    assert canonical(a) != canonical(b)


@given(st.text())
def test_the_form_is_final(text: str) -> None:
    form = canonical(text)
    assert canonical(form) == form == form.strip()
    assert unicodedata.is_normalized("NFC", form)


def test_different_spellings_are_told_apart() -> None:
    assert list(look_alikes(["café", "cat", "cafe\u0301", "cat", "cat "])) == [
        (r"'caf\xe9' and 'cafe\u0301'", "café"),
        ("'cat' and 'cat '", "cat"),
    ]


def test_labels_that_were_joined_and_such_as_were_not_are_said() -> None:
    assert list(label_notes("kind", ["Cat", "cat", "cat\u200b", "dog", "STRASSE", "straße"])) == [
        r"the labels 'cat' and 'cat\u200b' of 'kind' look alike: they are taken as one class, 'cat'",
        "the labels 'Cat' and 'cat' of 'kind' differ in case only: they stay separate classes",
        "the labels 'STRASSE' and 'straße' of 'kind' differ in case only: they stay separate classes",
    ]
    assert list(label_notes("kind", ["cat", " dog "])) == []
