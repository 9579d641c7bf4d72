"""ε: typed, stepped, on the slider by mouse and by keys; and the iso-rate view."""

import pytest
from textual.widgets import Input

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app import numbers
from subspacelens_tui.app.dialogs.eps import EpsDialog
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.selection import nearest_of_series
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.app.widgets.eps_slider import EpsSlider
from subspacelens_tui.sessions import open_session
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


@pytest.mark.parametrize(
    ("value", "nearest"),
    [(0.5, 0.5), (0.56, 0.5), (0.57, 0.63), (9.0, 10.0), (0.0101, 0.01), (1000.0, 1000.0)],
)
def test_the_slider_knows_the_series(value: float, nearest: float) -> None:
    assert nearest_of_series(value) == nearest


async def test_the_slider_moves_by_mouse_and_by_keys(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=2).start().record()) as app:
        slider = app.screen.query_one("#sliders EpsSlider", EpsSlider)
        track = slider._track()
        await app.pilot.click(slider, offset=(4 + track - 1, 0))
        await app.settled()
        assert app.screen.selection.settings.eps == 100
        await app.pilot.mouse_down(slider, offset=(4, 0))
        await app.pilot.hover(slider, offset=(4 + (track - 1) // 2, 0))
        await app.pilot.mouse_up(slider, offset=(4 + (track - 1) // 2, 0))
        await app.settled()
        assert app.screen.selection.settings.eps == 1
        assert app.screen.analysis.main.settings.eps == 1
        assert app.app.focused is slider
        await app.press("left")
        assert app.screen.selection.settings.eps == 0.8
        assert "● 0.8" in app.text() or "─ 0.8" in app.text()


async def test_the_dialog_has_a_slider(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=2).start().record(), size=(80, 24)) as app:
        await app.press("e", "tab", "right", "right")
        assert isinstance(app.app.screen, EpsDialog)
        assert app.app.screen.query_one(Input).value == "0.8"
        await app.press("enter")
        assert app.screen.selection.settings.eps == 0.8


async def test_every_layer_has_the_rate_of_the_selected_one(on: OpenApp, planted: Planted) -> None:
    session, setup = planted(layers=3).start().record(), Setup(Preferences(), SavedState())
    async with on(session, setup=setup) as app:
        await app.press("end")
        rate = float(f"{app.screen.analysis.main.layers[2].R:.4g}")
        await app.press("I")
        layers = app.screen.analysis.main.layers
        assert [layer.R for layer in layers] == pytest.approx([rate] * 3)
        assert len({layer.eps for layer in layers}) == 3
        expected = Analyzer(open_session(session.path)).result(Settings(iso_rate=rate))
        assert [layer.delta_R for layer in layers] == pytest.approx(expected.curve("delta_R"))
        assert f"[{rate:g}]" in app.text()
        assert f"R = {rate:g}" in app.text()
        assert f"{layers[2].eps:.4g}" in app.screen.query_one("#inspector").as_text()
        await app.press("plus")
        higher = app.screen.selection.settings.iso_rate
        assert rate < higher == nearest_of_series(higher) < 1.3 * rate
        assert numbers.number(app.screen.analysis.main.layers[0].R) == numbers.number(higher)
        await app.press("e")
        field = app.app.screen.query_one(Input)
        field.value = "x"
        await app.press("enter")
        assert "R must be a positive number of nats" in app.text()
        field.value = "40"
        await app.press("enter")
        assert app.screen.selection.settings.iso_rate == 40
    async with on(session, setup=setup) as app:
        assert app.screen.selection.settings.iso_rate == 40
        await app.press("I")
        assert app.screen.selection.settings.iso_rate is None
        assert {layer.eps for layer in app.screen.analysis.main.layers} == {0.5}
