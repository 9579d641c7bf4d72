"""What each block does, with the control at random weights beside it."""

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app import numbers
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.names import control_path
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def go_to(app: Driver, pane: str) -> None:
    await app.press("4")
    while app.app.focused.id != pane:
        await app.press("w")


async def test_the_control_is_drawn_beside_once_it_is_finished(on: OpenApp, planted: Planted) -> None:
    session = planted(layers=3).start().record()
    async with on(session, size=(200, 60)) as app:
        await go_to(app, "block")
        pane = app.screen.query_one("#block")
        assert len(pane.plot().curves) == 1
        assert "random init" not in app.text()

        control = planted(control_path(session.path).name, layers=3, random_init=True, signal=0.0)
        await app.settled()
        assert len(pane.plot().curves) == 1
        control.start().record()
        await app.settled()
        found = Analyzer(open_session(control.path)).result(Settings(step=19))
        assert pane.plot().curves[0].values == pytest.approx(found.curve("expansion_z"))
        assert pane.plot().curves[0].dashed
        assert "random init" in app.text()
        assert "of 3 beyond chance" in pane.sentence()
        assert pane.sentence().endswith("Random init: 0 of 3.")
        assert [row["expansion_z_random_init"] for row in pane.numbers()] == found.curve("expansion_z")


@pytest.mark.parametrize(("size", "whole"), [((80, 24), False), ((200, 60), True)])
async def test_values_without_a_curve_make_room_for_those_with_one(
    on: OpenApp, planted: Planted, size: tuple[int, int], whole: bool
) -> None:
    async with on(planted(layers=4, seeds=3).start().record(), size=size) as app:
        await app.press("end")
        await go_to(app, "block")
        legend = app.screen.query_one("#block").as_text().splitlines()[1]
        z = numbers.score(app.screen.analysis.main.curve("expansion_z")[3])
        assert f"z_E {z}" in legend
        assert (" radial " in legend) == whole, legend
