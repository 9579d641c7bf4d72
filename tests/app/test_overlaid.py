"""Several sessions over each other, from the list."""

import csv
import io

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app import numbers
from subspacelens_tui.app.screens.compare import CompareScreen
from subspacelens_tui.app.screens.overlaid import OverlaidScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from subspacelens_tui.app.widgets.overlaid_curves import OverlaidCurves
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.format import MANIFEST
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def test_marked_sessions_are_overlaid(open_app: OpenApp, planted: Planted) -> None:
    paths = {
        "A": planted("a", layers=2, seeds=2).start().record().path,
        "B": planted("b", layers=3, seeds=2).start().record().path,
        "C": planted("c", layers=2, seeds=3).start().record().path,
    }
    async with open_app(paths["A"].parent) as app:
        await app.press("s", "home", "space", "down", "space")
        assert "+a " in app.text()
        assert "▶+b " in app.text()
        await app.press("c")
        assert isinstance(app.app.screen, CompareScreen)
        await app.press("escape", "down", "space", "c")
        screen = app.app.screen
        assert isinstance(screen, OverlaidScreen)
        for worker in screen._workers.values():
            await worker.settled()
        # Of three layers: the last one's place is that of the last of two.
        await app.press("down", "down")
        first = None
        settings = Settings(permutations=20, overlap_permutations=4, errors="auto")
        for letter, path in paths.items():
            found = Analyzer(open_session(path)).result(settings)
            first = found if letter == "A" else first
            assert f"{letter}  {path.name}  N {found.images}  coarse" in app.text()
            last = len(found.layers) - 1
            here = numbers.number(found.curve("excess")[last], signed=True)
            assert f"{letter} L{last} {here}" in app.text()
        assert "relative depth" in app.text()
        assert "A, B: 2 layers and 3: those at the nearest" in " ".join(app.text().split())
        assert "A, C: N differs: 18 images and 27" in " ".join(app.text().split())
        curves = screen.query_one(OverlaidCurves)
        await app.pilot.hover(curves, offset=(curves.size.width // 2, 8))
        assert "depth 0.50" in app.text()
        assert f"A L0 {numbers.number(first.curve('excess')[0], signed=True)}" in app.text()
        await app.press("A", "0", "space", "9", "enter", "G")
        assert curves.limits is None, "a logarithmic axis does not begin at zero"
        assert "excess ΔR, nats: logarithmic axis" in app.text()
        await app.press("d", "D")
        assert curves.log_axis is None, "what was chosen for other values does not fit these"
        await app.press("Y")
        rows = list(csv.DictReader(io.StringIO(app.app.clipboard), delimiter="\t"))
        assert [row["name"] for row in rows] == ["a"] * 2 + ["b"] * 3 + ["c"] * 2
        assert [float(row["excess"]) for row in rows[5:]] == found.curve("excess")
        assert [float(row["relative_depth"]) for row in rows] == [0, 1, 0, 0.5, 1, 0, 1]
        for key in ("f", "I"):
            await app.press(key)
            for worker in screen._workers.values():
                await worker.settled()
            await app.settled()
        rate = Analyzer(open_session(paths["A"])).result(Settings(features="centred")).layers[-1].R
        assert app.text().count(f"centred  R = {rate:.4g}") == 3
        await app.press("I", "d", "escape")
        assert isinstance(app.app.screen, SessionsScreen)
        await app.press("escape")
        assert "+" not in app.text()


async def test_a_session_of_some_blocks_is_over_their_numbers(open_app: OpenApp, planted: Planted) -> None:
    whole = planted("a", layers=6, seeds=2).start().record()
    some, other = (planted(name, layers=3, seeds=2).start().record() for name in "bc")
    for session in (some, other):
        path, of = session.path / MANIFEST, open_session(session.path).manifest
        path.write_text(of.model_copy(update={"layers": [1, 2, 4], "model_blocks": 6}).to_json())
    async with open_app(whole.path.parent) as app:
        await app.press("s", "home", "space", "down", "space", "c")
        for worker in app.app.screen._open.values():
            await worker.settled()
        # Two sides have no layers that belong together; that is said, and the app goes on.
        assert "one side has layers 0-5 of its model, the other 1-2, 4" in " ".join(app.text().split())
        await app.press("escape", "down", "space", "c")
        screen = app.app.screen
        assert isinstance(screen, OverlaidScreen)
        for worker in screen._workers.values():
            await worker.settled()
        await app.settled()
        assert "relative depth" not in app.text()
        assert "A has layers 0-5, B has layers 1-2, 4, C has layers 1-2, 4: the curves are" in " ".join(
            app.text().split()
        )
        curves = screen.query_one(OverlaidCurves)
        first, second, _ = (found.curve("excess") for found in curves.results.values())
        for layer, place in enumerate((None, 0, 1, None, 2, None)):
            shown = " ".join(app.text().split())
            assert f"L{layer} ● A {numbers.number(first[layer], signed=True)}" in shown
            written = numbers.NONE if place is None else numbers.number(second[place], signed=True)
            assert f"B {written}" in shown
            await app.press("down")
        assert curves.plot().curves[1].values == (None, second[0], second[1], None, second[2], None)
