"""A cell of the overlap matrix leads to its two classes."""

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.deferred import overlap_errors
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.app import numbers
from subspacelens_tui.app.screens.gallery import GalleryScreen
from subspacelens_tui.app.screens.pair import PairScreen
from subspacelens_tui.app.widgets.layer_plot import LayerPlot
from subspacelens_tui.app.widgets.picture_grid import PictureGrid
from subspacelens_tui.sessions import open_session
from tests.app.conftest import OpenApp, with_pictures
from tests.conftest import CATEGORIES
from tests.conftest import PlantedSessionFactory as Planted


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_cell_leads_to_its_two_classes_and_these_to_their_images(
    on: OpenApp, planted: Planted, size: tuple[int, int]
) -> None:
    session = with_pictures(planted(layers=3, seeds=3).start())
    async with on(session, size=size) as app:
        await app.press("5", "enter")
        screen = app.app.screen
        assert isinstance(screen, PairScreen)
        await app.settled()
        first, second, _ = CATEGORIES
        analyzer = Analyzer(open_session(session.path))
        asked = Settings(classes=(first, second), permutations=200, overlap_permutations=40, errors="auto")
        found = analyzer.result(asked)
        assert screen._found.layers[2] == overlap_errors(analyzer, found, 2)
        assert f"Pair  {first} × {second}" in app.text()
        beside = [grid for grid in screen.query(PictureGrid) if grid.display]
        assert len(beside) == (2 if size[0] == 120 else 0), "the images, where there is room for them"
        for grid, name in zip(beside, (first, second), strict=False):
            assert f"{name} · 9 images" in app.text()
            subjects = [tile.subject for tile in grid.tiles]
            assert len(set(subjects[:3])) == 3, "one of each subject first"
        await app.press("down", "down")
        layer = screen._found.layers[2]
        assert "200 permutations of these two (subjects)" in app.text() or size[0] == 80
        of_excess = numbers.interval(*quantity("excess").error_band(layer))
        assert f"{numbers.number(layer.null.excess, signed=True)} {of_excess}" in app.text()
        assert f"p {numbers.probability(layer.null.p, 200)}" in app.text()
        overlap, bar = layer.overlap_mean, layer.errors["overlap_mean"]
        assert f"{numbers.number(overlap)} {numbers.interval(bar.low, bar.high)}" in app.text()
        plots = list(screen.query(LayerPlot))
        assert [plot.size.height > 1 for plot in plots] == [True, size[0] == 120, size[0] == 120]
        await app.press("w", "A", "1", "space", "9", "9", "enter")
        assert [plot.limits for plot in plots] == [None, (1, 99), None]
        assert plots[1].size.height > 4
        await app.press("enter")
        assert isinstance(app.app.screen, GalleryScreen)
        await app.press("escape", "escape")
        assert app.app.screen is app.screen
        # A class beside itself has nothing to be told from.
        await app.press("left", "enter")
        assert isinstance(app.app.screen, GalleryScreen)
