"""The verdicts on a screen of the app, and the report that it writes."""

import re
from pathlib import Path

import pytest

from subspacelens_tui.analysis.claims import CLAIMS
from subspacelens_tui.app.screens import report as report_screen
from subspacelens_tui.app.screens.report import ReportScreen
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory as Planted


async def test_the_verdicts_are_shown_and_written(
    on: OpenApp, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report_screen, "PERMUTATIONS", 19)
    session = planted(layers=2, seeds=2, guidance=(1.0,)).start().record()
    async with on(session, size=(80, 24)) as app:
        await app.press("C")
        screen = app.app.screen
        assert isinstance(screen, ReportScreen)
        shown = app.text()
        assert "19 permutations" in shown.splitlines()[0]
        assert "ΔR grows over the layers" in shown
        # All that is found begins like a sentence, what cannot be told as well.
        await app.press("y")
        assert all(claim.title in app.app.clipboard for claim in CLAIMS.values())
        assert re.search(r"cannot be told: .*\n  [A-Z]", app.app.clipboard)
        await app.press("pagedown", "pagedown", "E")
        assert app.text() != shown
        assert "exports/planted/report.html" in app.text()
        await app.press("E")
        assert "exports/planted/report-2.html" in app.text()
        assert len(list((tmp_path / "exports" / "planted").iterdir())) == 2
        await app.press("escape")
        assert app.app.screen is app.screen
