"""Notes and tags: kept as they were written, and a stranger's checked like the rest of a session."""

import json
from pathlib import Path

import pytest

from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.catalog import list_sessions
from subspacelens_tui.sessions.notes import Notes, read_notes, tags_of, write_notes
from tests.conftest import PlantedSessionFactory
from tests.sessions.hostile import NOT_PLAIN, TEXTS


@pytest.fixture
def folder(planted: PlantedSessionFactory) -> Path:
    return planted(layers=1, width=2, seeds=1).path


def test_what_is_noted_is_read_again(folder: Path) -> None:
    assert read_notes(folder) == Notes()
    noted = (
        Notes()
        .saying("  two lines,\r\nof which one is 狮子 \n")
        .tagged("baseline", "with blanks", "baseline")
    )
    assert noted.text == "two lines,\nof which one is 狮子"
    assert noted.tags == ("baseline", "with blanks")
    write_notes(folder, noted)
    assert read_notes(folder) == noted
    assert read_notes(folder).untagged("with  blanks").tags == ("baseline",)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("word", ["", " ", "\u200b", "a,b", "x" * 41])
def test_what_is_no_tag_is_refused(word: str) -> None:
    with pytest.raises(SessionError, match="is no tag: use 1 to 40 characters, and no comma"):
        Notes().tagged(word)


def test_too_much_and_what_is_not_there_is_refused() -> None:
    assert tags_of(" a , b ") == ("a", "b")
    with pytest.raises(SessionError, match="at most 50 tags, not 51"):
        Notes().tagged(*map(str, range(51)))
    with pytest.raises(SessionError, match="there is no tag 'c' to take off: it has a, b"):
        Notes(tags=("a", "b")).untagged("c")
    with pytest.raises(SessionError, match="at most 10000 are kept"):
        Notes().saying("x" * 10_001)


def test_half_a_character_loses_nothing(folder: Path) -> None:
    write_notes(folder, Notes(text="before"))
    with pytest.raises(SessionError, match="not UTF-8"):
        write_notes(folder, Notes().saying("\udcff"))
    assert read_notes(folder).text == "before"


@pytest.mark.parametrize("kind", sorted(NOT_PLAIN))
def test_nothing_but_a_plain_file_is_read(folder: Path, kind: str) -> None:
    write_notes(folder, Notes(text="mine"))
    NOT_PLAIN[kind](folder / "notes.json")
    with pytest.raises(SessionError, match="not a plain file"):
        read_notes(folder)
    assert "not a plain file" in list_sessions(folder.parent)[0].problems[-1]


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"text": ' + b"[" * 100_000,
        b"[]",
        b'{"text": 3}',
        b'{"text": "' + b"x" * 20_000 + b'"}',
        b"x" * 2**21,
        b"\xff\xfe\xff",
        json.dumps({"tags": ["x"] * 51}).encode(),
        json.dumps({"tags": [""]}).encode(),
        json.dumps({"tags": ["x" * 41]}).encode(),
        json.dumps({"tags": {"a" * 10_000: 1}}).encode(),
    ],
)
def test_a_damaged_file_is_one_line_and_the_session_opens(folder: Path, content: bytes) -> None:
    (folder / "notes.json").write_bytes(content)
    with pytest.raises(SessionError) as raised:
        read_notes(folder)
    assert len(str(raised.value)) < 500
    assert "\n" not in str(raised.value)
    (listing,) = list_sessions(folder.parent)
    assert listing.problem is None
    assert listing.problems == (str(raised.value),)
    assert listing.notes == Notes()


def test_hostile_texts_are_kept_as_they_are(folder: Path) -> None:
    for text in TEXTS:
        (folder / "notes.json").write_text(json.dumps({"text": text, "tags": [text[:40]], "more": 1}))
        assert read_notes(folder) == Notes(text=text, tags=(text[:40],))
