"""Sessions of more images than N × N work is bearable for, on the screen."""

import pytest

from subspacelens_tui.analysis import analyzer, image_subset
from tests.app.conftest import OpenApp
from tests.conftest import PlantedSessionFactory


async def test_a_subset_is_said_to_be_one(
    on: OpenApp, planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (analyzer, image_subset):
        monkeypatch.setattr(module, "MOST_IMAGES", 30)
    async with on(planted(seeds=12, layers=2, width=8).start().record()) as app:
        assert "a seeded subset: 27 of 108 images" in app.text()
        assert app.screen.analysis.main.images == 27
