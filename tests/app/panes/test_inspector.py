"""The metrics of a layer: each row says what it is to who points at it."""

from subspacelens_tui.analysis.metrics import METRICS
from subspacelens_tui.app.panes.inspector import Inspector
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def test_a_row_under_the_mouse_is_explained(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=2, layers=2).start().record(), size=(120, 40)) as app:
        inspector = app.screen.query_one(Inspector)
        for keys in ("6", "pagedown pagedown", "pageup pageup b b b"):
            await app.press(*keys.split())
            scrolled = keys.startswith("pagedown")
            rows = inspector.as_text().splitlines()[1 : inspector.size.height + 1]
            found = set()
            for y, row in enumerate(rows):
                await app.pilot.hover(inspector, offset=(4, y + 1))
                said = str(inspector.tooltip or "")
                # Both metrics of halves stand in one row, and the row "ceiling" is min(N, d).
                scalars = [of for of in METRICS.scalars if not of.key.startswith("split_half")]
                named = [of for of in scalars if row.strip().startswith(f"{of.short} ")]
                if named:
                    metric = max(named, key=lambda of: len(of.short))
                    assert said == f"{metric.label}: {metric.formula}. {metric.about}"
                    found.add(metric.key)
                if y < 2:
                    assert not said
            assert found >= ({"hoyer"} if scrolled else {"R", "Rc", "delta_R", "ratio"})
