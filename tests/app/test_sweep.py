"""The sweep of a session, as a screen."""

import re

import pytest
from textual.geometry import Offset

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.incremental_grams import Configuration
from subspacelens_tui.analysis.sweep import sweep
from subspacelens_tui.app import numbers
from subspacelens_tui.app.screens.sweep import SweepScreen
from subspacelens_tui.app.widgets.sweep_map import SweepMap, SweepRow
from subspacelens_tui.sessions import open_session
from tests.app.conftest import OpenApp
from tests.app.test_widgets import Stage, drawn
from tests.conftest import PlantedSessionFactory as Planted


@pytest.mark.parametrize("size", [(120, 40), (60, 15)])
async def test_all_configurations_by_layers_with_peak_and_dip(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    session = planted(guidance=(3.0, 6.0), layers=5, seeds=2).start().record()
    async with on(session, size=size) as app:
        await app.press("m")
        assert isinstance(app.app.screen, SweepScreen)
        shown, title = app.text().splitlines()[0].strip(), app.app.screen._title
        assert "configurations" not in title  # all are there
        assert title.startswith(shown.rstrip("…").rstrip())
        assert shown.startswith("Sweep  excess") or "…" in shown
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
        assert numbers.number(row.values[1]) in app.text()
        await app.press("enter")
        settings = app.screen.selection.settings
        assert (settings.step, settings.guidance) == (row.configuration.step, row.configuration.guidance)
        assert app.screen.analysis.main.settings.step == row.configuration.step


async def test_a_row_is_clicked_twice_or_left(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=3, seeds=2).start().record()) as app:
        await app.press("m")
        await app.pilot.click("#map", offset=(5, 1), times=2)
        await app.settled()
        assert app.screen.selection.settings.step == 5
        await app.press("m", "escape")
        assert app.app.screen is app.screen
        assert app.screen.selection.settings.step == 5


VALUES = (-0.0042, 12345.6, 0.5, -3e-7, 99.9, 4.0)


@pytest.mark.parametrize("width", [30, 40, 60, 70, 74, 80, 120])
async def test_a_number_is_whole_or_not_there(width: int) -> None:
    shown = SweepMap()
    rows = [SweepRow(Configuration("cond", step, 3.0), VALUES, step, 5 - step, 9) for step in range(6)]
    for column in range(len(VALUES)):
        shown.row = shown.column = column
        lines = (await drawn(shown, (width, 10), "excess", rows)).splitlines()[1:7]
        said = [number for line in lines for number in re.findall(r"[-\d.e]+", line[24:])]
        assert {*said} <= {*map(numbers.number, VALUES)}
        assert width < 80 or len(said) == len(rows) * len(VALUES)
        if said:  # where both have no room, the mark of the peak is shown and the chosen cell underlined
            assert "▸" in lines[column] or "▲" in lines[column]


async def test_numbers_keep_apart_and_those_that_are_chance_are_dim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    shown = SweepMap()
    values = (-0.07, -0.07, -0.31, 0.4)
    tests = {"passes": (False, True, True, True), "p": (0.5, 0.01, None, 0.05)}
    rows = [SweepRow(Configuration("cond", 0, 3.0), values, 1, 2, 9, **tests)]
    async with Stage(shown, (90, 5)).run_test(size=(100, 20)) as pilot:
        shown.update("excess", rows, "dim: fails", signed=True, permutations=19)
        await pilot.pause()
        text = shown.as_text()
        cells = [segment for segment in shown.render_line(1) if segment.text.strip()][-4:]
    assert text.splitlines()[1].split()[-4:] == ["▸-0.07", "-0.07▲", "-0.31▼", "+0.40"]
    assert "dim: fails" in text
    assert "-0.40" in text.splitlines()[3]
    assert "L0: -0.07 (p .500, n = 19)" in text
    # The first two are of one value, and one of them fails its test.
    assert cells[0].style.bgcolor != cells[1].style.bgcolor


async def test_a_few_configurations_get_taller_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    shown = SweepMap()
    rows = [SweepRow(Configuration("cond", step, 3.0), VALUES, images=9) for step in range(2)]
    lines = (await drawn(shown, (90, 12), "excess", rows)).splitlines()
    assert [place for place, line in enumerate(lines) if re.match(r"..\s+3 ", line)] == [2, 6]
    found = [shown.place_under(Offset(60, y)) for y in (0, 1, 4, 5, 8, 9)]
    assert [place[0] if place else None for place in found] == [None, 0, 0, 1, 1, None]


async def test_more_layers_than_columns_follow_the_chosen_one() -> None:
    shown = SweepMap()
    row = SweepRow(Configuration("cond", 0, 3.0), tuple(map(float, range(60))), images=9)
    for column in (0, 30, 59, 0):
        shown.column = column
        text = await drawn(shown, (40, 6), "excess", [row])
        assert "▸" in text.splitlines()[1]
        assert f"L{column}: {numbers.number(float(column))}" in text


@pytest.mark.parametrize(
    ("values", "scale"),
    [((1.0, 1.0), "1.00 everywhere"), ((0.5001, 0.5002), "0.5001"), ((-5e-6, 5e-6), "-5e-6")],
)
async def test_the_ends_of_the_scale_are_told_apart(values: tuple[float, ...], scale: str) -> None:
    row = SweepRow(Configuration("cond", 0, 3.0), values, images=9)
    assert (
        (await drawn(SweepMap(), (80, 6), "excess", [row])).splitlines()[4].split("  ")[1].startswith(scale)
    )


async def test_a_row_without_values_says_why() -> None:
    rows = [
        SweepRow(Configuration("cond", 0, 3.0)),
        SweepRow(Configuration("cond", 1, 3.0), (None, None), images=9, reason="there is one class only"),
    ]
    lines = (await drawn(SweepMap(), (80, 7), "overlap_mean", rows)).splitlines()
    assert lines[1].endswith("–  computing …")
    assert lines[2].endswith("9  there is one class only")
