"""The sweep of a session, as a screen."""

import pytest

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.sweep import sweep
from subspacelens_tui.app import numbers
from subspacelens_tui.app.screens.sweep import SweepScreen
from subspacelens_tui.app.widgets.sweep_map import SweepMap
from subspacelens_tui.sessions import open_session
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


@pytest.mark.parametrize("size", [(120, 40), (60, 15)])
async def test_all_configurations_by_layers_with_peak_and_dip(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    session = planted(guidance=(3.0, 6.0), layers=5, seeds=2).start().record()
    async with on(session, size=size) as app:
        await app.press("m")
        assert isinstance(app.app.screen, SweepScreen)
        assert "4/4 configurations" in app.text() or size[0] < 120
        found = app.app.screen.query_one(SweepMap)
        settings = app.app.screen._settings
        expected = sweep(Analyzer(open_session(session.path)), settings, "excess")
        assert [row.values for row in found.rows] == [tuple(row) for row in expected.values.tolist()]
        assert [(row.peak, row.dip) for row in found.rows] == list(
            zip(expected.peaks, expected.dips, strict=True)
        )
        assert "▲" in app.text() or not any(expected.peaks)
        await app.press("d", "right", "up")
        row = found.rows[found.row]
        assert numbers.figure(row.values[1]) in app.text()
        await app.press("enter")
        settings = app.screen.view.settings
        assert (settings.step, settings.guidance) == (row.configuration.step, row.configuration.guidance)
        assert app.screen.analysis.main.settings.step == row.configuration.step


async def test_a_row_is_clicked_twice_or_left(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=3, seeds=2).start().record()) as app:
        await app.press("m")
        await app.pilot.click("#map", offset=(5, 1), times=2)
        await app.settled()
        assert app.screen.view.settings.step == 5
        await app.press("m", "escape")
        assert app.app.screen is app.screen
        assert app.screen.view.settings.step == 5
