"""The app on a session that is being copied in: each pane comes right by itself."""

from pathlib import Path

from subspacelens_tui.app.screens.gallery import GalleryScreen
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.writer import image_path
from tests.app.conftest import OpenApp, with_pictures
from tests.conftest import PlantedSessionFactory as Planted


def halve(path: Path) -> bytes:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return whole


async def test_a_half_copied_feature_file(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    path = min((session.path / "features").iterdir())
    whole = halve(path)
    async with on(session) as app:
        assert "000000-009.safetensors is damaged" in app.text()
        assert "27/36" in app.text()
        path.write_bytes(whole)
        await app.settled()
        assert "is damaged" not in app.text()
        assert "finished 36/36" in app.text()
        assert app.screen.analysis.main.images == 36
        halve(path)
        await app.settled()
        assert "000000-009.safetensors is damaged" in app.text()
        assert app.screen.analysis.main.images == 27


async def test_metrics_of_chosen_images_follow_a_file_that_is_replaced(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    async with on(session) as app:
        await app.press("less_than_sign")
        before = app.screen.analysis.main
        assert before.images < 36
        halve(min((session.path / "features").iterdir()))
        await app.settled()
        assert app.screen.analysis.main.layers[0].R != before.layers[0].R


async def test_a_half_copied_manifest(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    path = session.path / MANIFEST
    whole = halve(path)
    async with on(session) as app:
        assert f"{MANIFEST} is damaged: it is not JSON" in app.text()
        path.write_bytes(whole)
        await app.settled()
        assert "finished 36/36" in app.text()
        halve(path)
        await app.settled()
        assert f"{MANIFEST} is damaged" in app.text()
        assert "36/36" in app.text()
        path.write_bytes(whole)
        await app.settled()
        assert "is damaged" not in app.text()


async def test_another_session_that_is_copied_over_is_shown(on: OpenApp, planted: Planted) -> None:
    session = planted().start().record()
    other = planted("other", layers=3, capture_steps=(7,), guidance=(2.0,), seeds=2).start().record()
    async with on(session) as app:
        await app.press("end")
        assert app.screen.selected == 5
        for file in (session.path / "features").iterdir():
            file.unlink()
        for file in sorted((path for path in other.path.rglob("*") if path.is_file()), reverse=True):
            (session.path / file.relative_to(other.path)).write_bytes(file.read_bytes())
        await app.settled()
        assert "finished 18/18" in app.text()
        main = app.screen.analysis.main
        assert (main.images, len(main.layers), main.settings.step, main.settings.guidance) == (18, 3, 7, 2.0)
        assert app.screen.selected == 2


async def test_a_half_copied_picture(on: OpenApp, planted: Planted) -> None:
    session = with_pictures(planted().start())
    path = image_path(session.path, 0)
    whole = halve(path)
    async with on(session, size=(80, 24)) as app:
        await app.press("a")
        assert isinstance(app.app.screen, GalleryScreen)
        assert "damaged" in app.text() or "no WebP" in app.text()
        path.write_bytes(whole)
        app.app.screen.read()
        await app.settled()
        assert "damaged" not in app.text()
        assert "no WebP" not in app.text()
