"""Two sides compared, as a screen: from the list of sessions and from a session."""

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.compare import COMPARED, compare
from subspacelens_tui.analysis.deferred import with_deferred_errors
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.app import numbers
from subspacelens_tui.app.screens.compare import CompareScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.widgets.session_table import SessionTable
from subspacelens_tui.sessions import open_session
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def compared(app: Driver) -> CompareScreen:
    """The screen, once its sides are computed."""
    screen = app.app.screen
    assert isinstance(screen, CompareScreen)
    for worker in screen._open.values():
        await worker.settled()
    await app.pilot.pause()
    return screen


async def test_branches_of_a_session_with_the_error_of_their_difference(
    on: OpenApp, planted: Planted
) -> None:
    session = planted(layers=3, seeds=2).start().record()
    async with on(session) as app:
        await app.press("down", "c")
        screen = await compared(app)
        analyzer = Analyzer(open_session(session.path))
        sides = [
            with_deferred_errors(
                analyzer,
                analyzer.result(
                    Settings(branch=branch, errors="auto", permutations=20, overlap_permutations=4)
                ),
            )
            for branch in ("cond", "uncond")
        ]
        expected = compare(*sides)
        assert screen._comparison.paired
        assert screen._comparison.layers == expected.layers
        assert expected.layers[1]["overlap_mean"].standard_error is not None
        here = expected.layers[1]["excess"]
        interval = numbers.interval(here.low, here.high)
        assert f"B − A {numbers.number(here.difference, signed=True)} {interval}" in app.text()
        assert "seed+subject, paired" in app.text()
        assert f"Compare  {quantity('excess').title}  20 permutations" in app.text()
        await app.press("d")
        assert f"Compare  {quantity(COMPARED[COMPARED.index('excess') + 1]).title}" in app.text()
        # The second side is the one that the keys change; then the first.
        await app.press("b", "s")
        screen = await compared(app)
        assert [side.settings.step for side in screen._sides] == [19, 5]
        assert "the steps differ: 19 and 5" in app.text()
        await app.press("tab", "l", "f")
        screen = await compared(app)
        assert (screen._sides[0].settings.labels, screen._sides[0].settings.features) == ("fine", "centred")
        assert screen._comparison is not None
        await app.press("escape")
        assert app.app.screen is app.screen


async def test_two_sessions_from_the_list(open_app: OpenApp, planted: Planted, tmp_path) -> None:
    for name in ("first", "second"):
        planted(name, layers=3, seeds=2).start().record()
    planted("wider", layers=4, seeds=2).start().record()
    async with open_app(tmp_path / "sessions") as app:
        table = app.app.screen.query_one(SessionTable)
        table.choose("first")
        await app.press("c")
        assert "compare first with: choose a session and press c again" in app.text()
        table.choose("second")
        await app.press("c")
        screen = await compared(app)
        assert [side.path.name for side in screen._sides] == ["first", "second"]
        # Of the same prompts and seeds, and so of the same features as planted.
        assert all(layer["R"].difference == 0 for layer in screen._comparison.layers)
        await app.press("o")
        await compared(app)
        assert "B  wider" in app.text()
        assert "3 layers and 4: those" in " ".join(app.text().split())
        assert "relative depth" in app.text()
        await app.press("escape")
        assert isinstance(app.app.screen, SessionsScreen)
