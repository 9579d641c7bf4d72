"""The page of a session: what was recorded, and notes and tags that are kept."""

import json

from textual.widgets import Input, TextArea

from subspacelens_tui.app.screens.session_info import SessionInfoScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.sessions.notes import Notes, read_notes, write_notes
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted
from tests.sessions.hostile import ESCAPES, TEXTS


async def test_notes_and_tags_are_written_and_found(open_app: OpenApp, planted: Planted) -> None:
    other = planted("other", layers=1, seeds=1).path
    path = planted("seen", layers=1, seeds=1, timesteps=tuple(range(950, -50, -50))).start().record().path
    strange = f"{ESCAPES}\n[bold]x"
    write_notes(path, Notes(text=strange, tags=("first",)))
    async with open_app(path.parent, size=(100, 50)) as app:
        await app.press(*"/seen", "enter", "N")
        page = app.app.screen
        assert isinstance(page, SessionInfoScreen)
        for words in ("finished", "float32", "PixArtAlphaPipeline", "5 (t 700), 19 (t 0)", "1: 0", "a sushi"):
            assert words in app.text(), words
        assert "␛[2J" in app.text()
        assert "\x1b" not in app.text()
        await app.press("enter", "end", *", Second")
        await app.press("escape")
        assert isinstance(app.app.screen, SessionsScreen)
        # What was not changed is as it was, whatever could be shown of it.
        assert read_notes(path) == Notes(text=strange, tags=("first", "Second"))
        await app.press("escape", *"/second", "enter")
        assert "seen" in app.text()
        assert "other" not in app.text()
        await app.press("escape", "s")
        assert "by name" in app.text().splitlines()[0]
        rows = app.text().splitlines()[3:5]
        assert [name in row for name, row in zip(("other", "seen"), rows, strict=True)] == [True, True]
        assert "first, Second" in rows[1]
        await app.press("S")
        assert "by created" in app.text().splitlines()[0]
    assert read_notes(other) == Notes()


async def test_what_cannot_be_saved_is_said_and_kept_on_the_page(on: OpenApp, planted: Planted) -> None:
    session = planted(layers=1, seeds=2).start().record()
    write_notes(session.path, Notes(text="before"))
    async with on(session) as app:
        await app.press("N", "enter", *("x" * 41))
        await app.press("enter", "end", *" more", "escape")
        page = app.app.screen
        assert isinstance(page, SessionInfoScreen)
        assert "is no tag: use 1 to 40 characters" in app.text()
        assert page.query_one(TextArea).text == "before more"
        page.query_one(Input).value = "short"
        # Somebody else writes meanwhile what is not changed here.
        await app.press("ctrl+s")
        assert "saved" in app.text()
        write_notes(session.path, Notes(text="before more", tags=("theirs",)))
        await app.press("!", "escape")
        assert read_notes(session.path) == Notes(text="before more!", tags=("theirs",))
        (session.path / "notes.json").write_text("{")
        await app.press("N")
        assert "notes.json is damaged" in app.text()
        await app.press("enter", "a", "escape")
        assert not isinstance(app.app.screen, SessionInfoScreen)
        assert (session.path / "notes.json").read_text() == "{"


async def test_a_page_of_hostile_texts_is_drawn(on: OpenApp, planted: Planted) -> None:
    session = planted(layers=1, seeds=1)
    path = session.path / "session.json"
    manifest = json.loads(path.read_text())
    manifest |= {"created": TEXTS[0], "prompt_set": TEXTS[1], "versions": {TEXTS[0]: TEXTS[2]}}
    for prompt, text in zip(manifest["prompts"], TEXTS, strict=False):
        prompt["text"] = text
    path.write_text(json.dumps(manifest))
    async with on(session, size=(50, 15)) as app:
        await app.press("N")
        seen = app.text()
        for _ in range(6):
            await app.press("pagedown")
            seen += app.text()
        assert "prompt 8" in seen
        assert not {"\x1b", "\x07", "\u202e"} & {*seen}
