"""Label files: from the command line and from the screen."""

from pathlib import Path

import pytest
from textual.widgets import Input

from subspacelens_tui.analysis.settings import Settings
from subspacelens_tui.app.print_session import show
from subspacelens_tui.app.setup import Setup
from tests.app.conftest import Driver, OpenApp
from tests.conftest import PlantedSession
from tests.conftest import PlantedSessionFactory as Planted


def label_file(session: PlantedSession, folder: Path) -> Path:
    """Two sizes of all prompts but the first."""
    prompts = [prompt.text for prompt in session.manifest.prompts]
    lines = [f'"{text}" = "{"large" if place % 2 else "small"}"' for place, text in enumerate(prompts[1:])]
    path = folder / "labels.toml"
    path.write_text("\n".join(["[size]", *lines]))
    return path


async def typed(app: Driver, path: Path) -> None:
    await app.press("ctrl+l")
    app.app.screen.query_one(Input).value = str(path)
    await app.press("enter")


async def test_a_label_file_is_added_and_looked_at(on: OpenApp, planted: Planted, tmp_path: Path) -> None:
    session = planted(layers=2, seeds=3).start().record()
    path = label_file(session, tmp_path)
    async with on(session) as app:
        await app.press("s", "down")
        before = app.screen.selection
        await typed(app, tmp_path / "none.toml")
        assert "there is no label file" in app.text()
        assert app.screen.selection == before
        await typed(app, path)
        main = app.screen.analysis.main
        assert main.settings.labels == "size"
        assert main.images == 24
        assert (app.screen.selection.settings.step, app.screen.selected) == (before.settings.step, 1)
        assert "1 of 9 prompts has no class in 'size'" in app.text()
        await app.press("l")
        assert app.screen.analysis.main.settings.labels == "coarse"
        assert app.screen.analysis.main.images == 27
        await typed(app, path)
        assert "has a scheme 'size' already" in app.text()


def test_a_session_is_shown_with_a_label_file(
    planted: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = planted(layers=2, seeds=3).start().record()
    path = label_file(session, tmp_path)
    assert show(session.path, Settings(labels="size"), size=(120, 40), labels_file=path) == 0
    assert "small × large" in capsys.readouterr().out


async def test_a_session_opens_with_a_label_file(on: OpenApp, planted: Planted, tmp_path: Path) -> None:
    session = planted(layers=2, seeds=3).start().record()
    setup = Setup(labels_file=label_file(session, tmp_path))
    async with on(session, setup=setup) as app:
        assert app.screen.recording.manifest.label_schemes == ("coarse", "fine", "size")
