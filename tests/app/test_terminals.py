"""Sizes and kinds of terminals."""

import random

import pytest
from textual.geometry import Size
from textual.timer import Timer

from subspacelens_tui.app.panes.layer_list import LayerList
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.setup import Setup
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted

NAMES = ("Layers", "Excess", "ΔR", "Effective rank", "Overlap", "Metrics", "Log")
PANES = {str(i): name for i, name in enumerate(NAMES, 1)}


@pytest.mark.parametrize("size", [(200, 60), (120, 30), (80, 24), (50, 15), (40, 10)])
async def test_every_pane_is_reached_at_every_size(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    async with on(planted(layers=2, seeds=2).start().record(), size=size) as app:
        for key, heading in PANES.items():
            await app.press(key)
            assert f"{key} {heading}" in app.text(), (size, heading)
            assert app.app.focused.jump == key
            assert app.app.focused.region.area > 0
        await app.press("escape") if app.screen.pane_layout.maximised else None
        for key in "lbsfge":
            await app.press(key)
        await app.press("escape")
        assert app.screen.analysis.selection == app.screen.selection


EVERYTHING = (
    "✓ finished 36/36",
    "[1 Layers]",
    "[2 Excess]",
    *("labels", "ε", "branch", "step", "features", "rank"),
    "36/36 all images",
    "? all keys",
    "q quit",
)


async def test_80_by_24_works_in_full(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record(), size=(80, 24)) as app:
        lines = app.text().splitlines()
        assert len(lines) == 24
        assert all(len(line) <= 80 for line in lines)
        for words in EVERYTHING:
            assert words in app.text(), words
        order = []
        for _ in range(7):
            await app.press("tab")
            order.append(app.app.focused.id)
        assert order == ["excess", "rates", "rank", "overlap", "inspector", "log", "layers"]


async def test_too_small_says_so_and_recovers(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        whole = app.text()
        for size in ((39, 40), (120, 9), (1, 1), (3, 2)):
            await app.pilot.resize_terminal(*size)
            await app.settled()
            assert "Layers" not in app.text()
        await app.pilot.resize_terminal(30, 8)
        await app.settled()
        assert "too small" in app.text()
        await app.pilot.resize_terminal(120, 40)
        await app.settled()
        assert app.text() == whole


async def test_a_storm_of_resizes_ends_as_it_began(on: OpenApp, planted: Planted) -> None:
    rng = random.Random(0)
    async with on(planted().start().record()) as app:
        whole = app.text()
        for _ in range(15):
            await app.pilot.resize_terminal(rng.randint(1, 210), rng.randint(1, 62))
        await app.pilot.resize_terminal(120, 40)
        await app.settled()
        assert app.app.size == Size(120, 40)
        assert app.text() == whole


async def test_a_size_arrives_though_the_timer_that_brings_it_is_lost(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on(planted().start().record()) as app:
        monkeypatch.setattr(app.app, "set_timer", lambda *_, **__: Timer(app.app, 1.0))
        await app.pilot.resize_terminal(20, 6)
        assert "too small" in app.text()


@pytest.mark.parametrize("system", ["truecolor", "256", "standard"])
async def test_without_colours_all_is_said_in_words(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", system)
    monkeypatch.setenv("NO_COLOR", "1")
    session = planted().start().record(2)
    async with on(session) as app:
        shown = app.text()
        for words in ("● recording", "▶", "[coarse]", "▸", "╍╍" if "╍╍" in shown else "━━"):
            assert words in shown
        await app.press("down", "b", "b", "n")
        session.record()
        await app.settled()
        assert "✓ finished" in app.text()


@pytest.mark.parametrize(
    ("system", "chosen", "shown"),
    [
        ("standard", "textual-light", "ansi-light"),
        ("standard", "textual-dark", "textual-dark"),
        ("256", "textual-light", "textual-light"),
    ],
)
async def test_sixteen_colours_on_a_light_ground_are_the_terminals_own(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch, system: str, chosen: str, shown: str
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", system)
    setup = Setup(Preferences.model_validate({"theme": chosen}))
    async with on(planted().start().record(), setup=setup) as app:
        assert app.app.theme == shown
        assert app.app.setup.saved.now.theme is None


async def test_the_chosen_row_can_be_read_in_the_terminals_own_colours(on: OpenApp, planted: Planted) -> None:
    setup = Setup(Preferences.model_validate({"theme": "ansi-light"}))
    async with on(planted().start().record(), setup=setup) as app:
        ink = app.screen.query_one(LayerList).ink("selected")
        assert ink.color is not None
        assert ink.bgcolor is not None
        assert (ink.color.number, ink.bgcolor.number) == (15, 4)


async def test_light_and_dark_themes(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        dark = app.app.export_screenshot()
        app.app.theme = "textual-light"
        await app.settled()
        assert app.app.export_screenshot() != dark
        assert "✓ finished" in app.text()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 30)])
@pytest.mark.parametrize("alone", [False, True])
async def test_where_one_of_two_curves_fits_its_key_shows_the_other(
    on: OpenApp, planted: Planted, size: tuple[int, int], alone: bool
) -> None:
    async with on(planted(layers=2, seeds=3).start().record(), size=size) as app:
        await app.press(*"2z" if alone else "2")
        for pane in ("rates", "excess", "rates"):
            await app.press("d")
            assert app.app.focused.id == pane
            assert app.app.focused.region.area
        await app.press("A")
        assert app.app.screen is not app.screen, "the focused pane has the keys"
        await app.press("escape", "z" if alone else "2")
