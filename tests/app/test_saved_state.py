"""Moved borders, and what the app remembers from one time to the next."""

import json
from pathlib import Path

import pytest

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.controllers.borders import moved
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.saved_state import SavedSelection, SavedState, state_file
from subspacelens_tui.app.setup import Setup
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


def test_a_border_moves_within_the_limits_and_nothing_else_does() -> None:
    assert moved([30, 50, 40], 0, 5, [16] * 3) == [35, 45, 40]
    assert moved([30, 50, 40], 1, -5, [16] * 3) == [30, 45, 45]
    assert moved([30, 50, 40], 0, -99, [16] * 3) == [16, 64, 40]
    assert moved([30, 50, 40], 0, 99, [16] * 3) == [64, 16, 40]
    # What is below its limit already does not jump.
    assert moved([10, 50], 0, -5, [16] * 2) == [10, 50]
    assert moved([10, 50], 0, 3, [16] * 2) == [13, 47]


def widths(app: Driver) -> list[int]:
    return [app.screen.query_one(name).outer_size.width for name in ("#layers", "#middle", "#right")]


def heights(app: Driver) -> list[int]:
    return [pane.outer_size.height for pane in app.screen.panes if pane.display and pane.id != "layers"]


async def test_borders_move_by_keys_and_back(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        first, tall = widths(app), heights(app)
        await app.press("ctrl+right", "L")
        assert widths(app) == [first[0] + 4, first[1] - 4, first[2]]
        await app.press("5", "ctrl+left", "J")
        assert widths(app) == [first[0] + 4, first[1] - 6, first[2] + 2]
        assert sum(heights(app)) == sum(tall)
        assert app.screen.query_one("#overlap").outer_size.height == 1 + tall[-2]
        await app.press(*["H"] * 60)
        assert min(widths(app)) == 16
        assert sum(widths(app)) == 120
        await app.press("0")
        assert (widths(app), heights(app)) == (first, tall)
        await app.press("z", "L")
        assert "no border to move" in app.text()


async def test_borders_are_dragged_and_choose_no_layer(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=12).start().record()) as app:
        first = widths(app)
        left = app.screen.query_one("#layers")
        y = left.region.y + 6
        await app.pilot.mouse_down(offset=(left.region.right - 1, y))
        await app.pilot.hover(offset=(left.region.right + 9, y))
        assert widths(app) == [first[0] + 10, first[1] - 10, first[2]]
        await app.pilot.mouse_up(offset=(left.region.right - 6, y))
        await app.settled()
        assert widths(app) == [first[0] + 5, first[1] - 5, first[2]]
        assert app.screen.selected == 0
        # The border is taken from either side, up and down as well.
        rank = app.screen.query_one("#rank")
        tall, x = rank.outer_size.height, rank.region.x + 9
        await app.pilot.mouse_down(offset=(x, rank.region.y))
        await app.pilot.hover(offset=(x, rank.region.y - 3))
        await app.pilot.mouse_up(offset=(x, rank.region.y))
        await app.settled()
        assert rank.outer_size.height == tall + 3
        assert app.screen.selected == 0
        await app.pilot.click("#layers", offset=(5, 5))
        assert app.screen.selected == 3


async def test_proportions_hold_on_other_sizes_and_none_gets_lost(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press(*["L"] * 10)
        moved_widths = widths(app)
        await app.pilot.resize_terminal(200, 60)
        await app.settled()
        assert abs(widths(app)[0] - moved_widths[0] * 200 / 120) <= 1
        for size in ((80, 24), (50, 15), (1, 1), (120, 20)):
            await app.pilot.resize_terminal(*size)
            await app.settled()
        assert min(widths(app)) >= 16
        await app.pilot.resize_terminal(120, 40)
        await app.settled()
        assert widths(app) == moved_widths
        # Folded, the list beside one pane has a border of its own.
        await app.pilot.resize_terminal(80, 24)
        await app.settled()
        before = app.screen.query_one("#layers").outer_size.width
        await app.press("1", "L")
        assert app.screen.query_one("#layers").outer_size.width == before + 2
        await app.press("5")
        assert app.screen.query_one("#layers").outer_size.width == before + 2


async def test_a_session_opens_as_it_was_left(open_app: OpenApp, planted: Planted, tmp_path: Path) -> None:
    session, other = planted(layers=8).start().record(), planted("other").start().record()
    state = tmp_path / "state.json"
    folder = session.path.parent
    async with open_app(folder, session.path, setup=Setup(saved=SavedState(state))) as app:
        await app.press("L", "end", "l", "minus", "s", "b", "b", "t", "5", "z")
        left, selection = widths(app), app.screen.selection
    async with open_app(folder, session.path, setup=Setup(saved=SavedState(state))) as app:
        assert app.screen.selection == selection
        assert selection.branch == "both"
        assert app.screen.selected == 7
        assert "layers" not in [pane.id for pane in app.screen.panes if pane.display]
        await app.press("z")
        assert widths(app)[0] == left[0] or left[0] == 0
    # What is asked for goes before what was left; another session has its own.
    async with open_app(
        folder,
        session.path,
        settings=Settings(labels="coarse"),
        layer=2,
        setup=Setup(saved=SavedState(state)),
    ) as app:
        assert app.screen.selection.settings.labels == "coarse"
        assert app.screen.selection.settings.step == 19
        assert app.screen.selected == 2
    async with open_app(folder, other.path, setup=Setup(saved=SavedState(state))) as app:
        assert app.screen.selection.settings.labels == "coarse"
        assert app.screen.selected == 0


async def test_settings_say_how_a_session_opens_the_first_time(on: OpenApp, planted: Planted) -> None:
    liked = Preferences(eps=0.25, labels="fine", digits=False)
    async with on(planted().start().record(), setup=Setup(liked)) as app:
        assert app.screen.selection.settings.eps == 0.25
        assert app.screen.selection.settings.labels == "fine"
        assert not app.screen.query_one("#overlap").digits
    absent = Preferences(labels="weather")
    async with on(planted("second").start().record(), setup=Setup(absent)) as app:
        assert app.screen.selection.settings.labels == "coarse"
        assert "✗" not in app.text()


async def test_the_theme_chosen_last_comes_back_unless_one_is_set(
    open_app: OpenApp, planted: Planted, tmp_path: Path
) -> None:
    folder, state = planted().start().path.parent, tmp_path / "state.json"
    async with open_app(folder, setup=Setup(saved=SavedState(state))) as app:
        assert app.app.theme == "textual-dark"
        app.app.theme = "nord"
        await app.settled()
    async with open_app(folder, setup=Setup(saved=SavedState(state))) as app:
        assert app.app.theme == "nord"
    async with open_app(folder, setup=Setup(Preferences(theme="gruvbox"), SavedState(state))) as app:
        assert app.app.theme == "gruvbox"
        await app.pilot.pause()
        # It was set, not chosen here.
        assert SavedState(state).now.theme == "nord"
        for chosen in ("textual-light", "gruvbox"):
            app.app.theme = chosen
            await app.pilot.pause()
            assert SavedState(state).now.theme == chosen


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"splits": 3}', b'{"splits": {"a,b": [0, -1]}}', b"\xff\xfe", b"null"]
)
def test_a_damaged_state_is_none_and_is_written_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    saved = SavedState(path)
    assert saved.now == SavedState().now
    saved.keep(theme="nord")
    assert json.loads(path.read_text()) == {"theme": "nord"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_state_that_went_through_an_editor_is_kept(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "state.json"
    SavedState(path).keep(theme="nord")
    path.write_text(path.read_text(), encoding=encoding)
    assert SavedState(path).now.theme == "nord"


def test_two_apps_do_not_forget_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    one, two = SavedState(path), SavedState(path)
    one.keep_selection(tmp_path / "a", SavedSelection(layer=3))
    two.keep_selection(tmp_path / "b", SavedSelection(layer=5))
    two.keep_split("a,b", [3, 4])
    again = SavedState(path)
    assert again.selection(tmp_path / "a") == SavedSelection(layer=3)
    assert again.selection(tmp_path / "b") == SavedSelection(layer=5)
    assert again.now.splits == {"a,b": [3, 4]}
    for index in range(510):
        one.keep_selection(tmp_path / str(index), SavedSelection())
    assert len(SavedState(path).now.sessions) == 500
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_a_place_that_cannot_be_written_is_no_complaint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    saved = SavedState(tmp_path / "file" / "state.json")
    saved.keep(theme="nord")
    assert saved.now.theme == "nord"
    assert state_file().is_relative_to(tmp_path)
