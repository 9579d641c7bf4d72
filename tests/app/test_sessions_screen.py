"""The list of sessions."""

from pathlib import Path

import pytest
from textual.widgets import Input

from subspacelens_tui.app.dialogs.ask import Ask
from subspacelens_tui.app.dialogs.rename import RenameDialog
from subspacelens_tui.app.key_table import LIST
from subspacelens_tui.app.saved_state import SavedSelection, SavedState
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.session_table import SessionTable
from subspacelens_tui.sessions import SessionError, open_session
from subspacelens_tui.sessions.catalog import rename_session
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def test_sessions_are_listed_with_their_state(open_app: OpenApp, planted: Planted) -> None:
    folder = planted("one").start().record().path.parent
    planted("two").start().record(1)
    (folder / "broken").mkdir()
    (folder / "broken" / "session.json").write_text('{"format_version": 1')
    async with open_app(folder) as app:
        rows = {line.split()[0].lstrip("▶"): line for line in app.text().splitlines() if line.strip()}
        assert "✓ finished" in app.text()
        assert "36/36" in app.text()
        assert "● recording" in rows["two"]
        assert "9/36" in rows["two"]
        assert "✗ damaged" in app.text()
        assert "is damaged" in app.text()
        assert "planted" in rows["two"]
        assert "KiB" in rows["two"]


async def test_an_empty_folder_says_what_to_type(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(tmp_path) as app:
        assert "subspacelens-tui demo" in app.text()
        await app.press("enter", "down", "D")
        assert isinstance(app.app.screen, SessionsScreen)


async def test_a_missing_folder_is_a_message(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(tmp_path / "nowhere") as app:
        assert "there is no folder" in app.text()


async def test_a_session_is_opened_and_left(open_app: OpenApp, planted: Planted) -> None:
    folder = planted("only").start().record().path.parent
    async with open_app(folder) as app:
        await app.press("enter")
        assert isinstance(app.app.screen, SessionScreen)
        assert "planted › only" in app.text()
        await app.press("o")
        assert isinstance(app.app.screen, SessionsScreen)
        await app.pilot.click("#sessions", offset=(5, 1), times=2)
        await app.settled()
        assert isinstance(app.app.screen, SessionScreen)
        await app.press("escape", "q")
        assert app.app.return_code == 0


async def test_a_damaged_session_is_not_opened_but_explained(open_app: OpenApp, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "session.json").write_text('{"format_version": 99}')
    async with open_app(tmp_path) as app:
        await app.press("enter")
        assert isinstance(app.app.screen, SessionsScreen)
        assert "update subspacelens-tui" in app.text()


async def test_filter_as_you_type(open_app: OpenApp, planted: Planted) -> None:
    folder = planted("lions").start().path.parent
    planted("cathedrals").start()
    async with open_app(folder) as app:
        await app.press("slash", *"lio")
        assert "lions" in app.text()
        assert "cathedrals" not in app.text()
        await app.press(*"zzz")
        assert "no session matches" in app.text()
        await app.press("enter", "escape")
        assert "cathedrals" in app.text()
        assert not app.app.screen.query_one(Input).display


async def test_delete_asks_and_spares_what_is_being_recorded(open_app: OpenApp, planted: Planted) -> None:
    done = planted("done").start().record()
    async with open_app(done.path.parent) as app:
        await app.press("D", "escape")
        assert done.path.exists()
        await app.press("D")
        assert isinstance(app.app.screen, Ask)
        await app.press("d")
        assert not done.path.exists()
        assert "No sessions here yet" in app.text()
    running = planted("running").start().record(1)
    async with open_app(running.path.parent) as app:
        await app.press("D")
        assert "stop the recording first" in app.text()
        assert running.path.exists()


async def test_rename_checks_the_name_while_it_is_typed(open_app: OpenApp, planted: Planted) -> None:
    session = planted("before").start().record()
    folder = planted("taken").start().record().path.parent
    saved = SavedState()
    saved.keep_selection(session.path, SavedSelection(layer=3))
    async with open_app(folder, setup=Setup(saved=saved)) as app:
        app.app.screen.query_one(SessionTable).choose("before")
        await app.press("r")
        assert isinstance(app.app.screen, RenameDialog)
        field = app.app.screen.query_one(Input)
        for name, words in (
            ("taken", "there is a taken already"),
            ("a/b", "is no name for a session"),
            ("..", "is no name for a session"),
            ("", "is no name for a session"),
            ("x" * 101, "at most 100"),
        ):
            field.value = name
            await app.press("enter")
            assert isinstance(app.app.screen, RenameDialog)
            assert words in app.text()
        field.value = "after"
        await app.press("enter")
        assert isinstance(app.app.screen, SessionsScreen)
        assert "▶ after" in app.text()
        assert not session.path.exists()
        assert open_session(folder / "after").state.recorded == 36
        assert saved.selection(folder / "after") == SavedSelection(layer=3)
        assert saved.selection(session.path) is None
        await app.press("f2", "escape")
        assert (folder / "after").exists()


async def test_what_is_being_recorded_keeps_its_name(open_app: OpenApp, planted: Planted) -> None:
    running = planted("running").start().record(1)
    async with open_app(running.path.parent) as app:
        await app.press("r")
        assert "running is being recorded: stop the recording first" in app.text()
    # It may have been started since it was listed.
    with pytest.raises(SessionError, match="is being recorded"):
        rename_session(running.path, "walking")
    assert running.path.exists()


async def test_a_new_session_appears_by_itself(open_app: OpenApp, planted: Planted) -> None:
    folder = planted("first").start().path.parent
    async with open_app(folder) as app:
        planted("second").start()
        app.app.screen.read()
        await app.settled()
        assert "second" in app.text()


async def test_every_key_of_the_list_has_its_action(open_app: OpenApp, tmp_path: Path) -> None:
    async with open_app(tmp_path) as app:
        for key in LIST:
            assert hasattr(app.app.screen, f"action_{key.action.split('(')[0]}"), key.action
        await app.press("question_mark")
        assert all(key.says in app.text() for key in LIST)
