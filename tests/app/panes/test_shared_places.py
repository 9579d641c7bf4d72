"""Panes that share a place: the spectrum, the overlap by layer, the layer of least overlap by step."""

from dataclasses import replace

import numpy as np
import pytest

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.analysis.class_pairs import pairs
from subspacelens_tui.analysis.over_eps import over_eps
from subspacelens_tui.analysis.tables import article_tables
from subspacelens_tui.app import numbers, refinement_stages
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.saved_state import SavedState
from subspacelens_tui.app.setup import Setup
from subspacelens_tui.sessions import open_session
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


def seen(app: Driver) -> list[str]:
    return [str(pane.id) for pane in app.screen.panes if pane.display]


async def test_one_key_or_a_click_on_the_title_shows_what_else_a_pane_has(
    on: OpenApp, planted: Planted
) -> None:
    setup = Setup(Preferences(), SavedState())
    session = planted(layers=1, seeds=2).start().record()
    async with on(session, setup=setup) as app:
        assert "w: spectrum" in app.text()
        await app.press("w")
        assert "spectrum" in seen(app)
        assert "rank" not in seen(app)
        await app.press("5")
        order = []
        for _ in range(4):
            await app.press("w")
            order.append(app.app.focused.id)
        assert order == ["course", "separation", "cka", "overlap"]
        await app.pilot.click("#overlap", offset=(6, 0))
        await app.settled()
        assert "course" in seen(app)
        await app.press("z")
        assert seen(app) == ["course"]
        await app.press("z", "4")
        assert app.app.focused.id == "spectrum"
    async with on(session, setup=setup) as app:
        assert {"course", "spectrum"} <= set(seen(app))


async def test_in_tabs_too(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=1, seeds=2).start().record(), size=(80, 24)) as app:
        await app.press("5", "w")
        assert seen(app) == ["layers", "course"]
        assert "[5 By layer]" in app.text()
        await app.press("tab")
        assert app.app.focused.id == "inspector"
        await app.press("2")
        assert " 5 By layer " in app.text(), "what its key shows"


async def test_the_spectrum_is_that_of_the_selected_layer(on: OpenApp, planted: Planted) -> None:
    async with on(planted().start().record()) as app:
        await app.press("w", "end")
        pane = app.screen.query_one("#spectrum")
        features = [
            open_session(app.screen.state.path).read(file, "cond", 19, [5])[0]
            for file in open_session(app.screen.state.path).files
        ]
        singular = np.linalg.svd(np.concatenate(features).astype(float), compute_uv=False)
        assert pane.plot().curves[0].values == pytest.approx(singular**2, rel=1e-6)
        assert "1e" in pane.as_text()
        assert f"erank {numbers.number(app.screen.analysis.main.layers[5].effective_rank)}" in pane.as_text()


@pytest.mark.parametrize("permutations", [refinement_stages.MANY])
async def test_overlap_by_layer_with_its_null_halves_and_errors(on: OpenApp, planted: Planted) -> None:
    async with on(planted(layers=2).start().record(), size=(200, 60)) as app:
        await app.press("5", "w")
        analysis = app.screen.analysis
        layer, (own, others) = analysis.main.layers[0], analysis.halves[0]
        assert own == analysis.closer[0].split_half_ceiling
        text = app.screen.query_one("#course").as_text()
        for value in (layer.overlap_mean, layer.nulls["overlap_mean"].mean, own, others):
            assert numbers.fraction(value) in text
        assert all("overlap_mean" in layer.errors for layer in analysis.main.layers)
        assert f"░ null 95 %: n = 40 · │ 95 % CI, {analysis.main.settings.errors}" in app.text()


async def test_the_excess_over_eps_is_what_analyze_says(on: OpenApp, planted: Planted) -> None:
    session = planted(layers=2, seeds=3).start().record()
    async with on(session, size=(200, 60)) as app:
        await app.press("end", "2", "w")
        pane = app.screen.query_one("#over-eps")
        assert pane.display
        analyzer, settings = Analyzer(open_session(session.path)), app.screen.analysis.main.settings
        found = over_eps(analyzer, settings, 1)
        assert [row["eps"] for row in pane.numbers()] == [layer.eps for layer in found.layers]
        for row, layer in zip(pane.numbers(), found.layers, strict=True):
            expected = [layer.null.excess, layer.null.z, layer.null.p, layer.errors["excess"].low]
            shown = [row[name] for name in ("excess", "z", "p", "excess_ci_low")]
            assert shown == pytest.approx(expected, rel=1e-6)
        middle, text = found.layers[6], pane.as_text()
        assert f"ε {middle.eps:g}" in text
        assert numbers.number(middle.null.excess, signed=True) in text
        assert f"z {numbers.score(middle.null.z)}" in text
        await app.pilot.hover("#over-eps", offset=(pane.size.width - 1, 6))
        assert f"ε {found.layers[-1].eps:.3g}" in pane.as_text()
        assert numbers.number(found.layers[-1].null.excess, signed=True) in pane.as_text()
        await app.press("z", "up")
        assert pane.numbers()[0]["layer"] == 0
        assert [row for row in pane.as_text().splitlines() if row.endswith(" 4")][1:], "z has its own axis"
        await app.press("I")
        assert "where each layer has its own" in pane.as_text()
        await app.press("I", "b", "b", "b")
        assert "over ε for a difference" in pane.as_text()


async def test_cells_of_pairs_that_are_no_less_alike_than_chance_are_dim(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    session = planted(layers=2, seeds=3).start().record()
    async with on(session) as app:
        await app.press("5", "right")
        pane, settings = app.screen.query_one("#overlap"), app.screen.analysis.main.settings
        settings = replace(settings, overlap_permutations=None, errors=None)
        found = pairs(Analyzer(open_session(session.path)), settings, 0)
        row = next(row for row in pane.numbers() if row["class"] != row["other"])
        known = {frozenset((of.first, of.second)): of.layer.nulls["overlap_mean"].p for of in found.pairs}
        assert row["p"] == known[frozenset((row["class"], row["other"]))]
        a, b, _ = pane.selected_cell()
        p = known[frozenset((a, b))]
        assert f"p {numbers.probability(p, settings.permutations)}" in pane.as_text()
        assert found.tests("overlap_mean").survivors == "none", "three subjects a category are too few"
        assert "dim: fails BH, 3 pairs" in app.text()
        dim = [segment.style.bgcolor for segment in pane.render_line(1)]
        app.screen.state.analysis = replace(app.screen.analysis, pairs=None)
        app.screen.state.changed()
        assert [segment.style.bgcolor for segment in pane.render_line(1)] != dim


async def test_least_overlap_by_step_is_what_the_tables_say(on: OpenApp, planted: Planted) -> None:
    session = planted(layers=2, seeds=2).start().record()
    async with on(session, size=(200, 60)) as app:
        await app.press("5", "w", "w")
        found = app.screen.analysis.separation
        settings = app.screen.analysis.main.settings
        tables = article_tables(Analyzer(open_session(session.path)), settings)
        assert [(row.step, row.layer, row.candidates, row.overlap) for row in found.rows] == [
            (row.step, row.layer, row.candidates, row.overlap) for row in tables.separation
        ]
        assert found.words == tables.moves
        text = app.screen.query_one("#separation").as_text()
        assert f"L{found.rows[0].layer}" in text
        assert found.words.split(":")[0].split(",")[0] in text
