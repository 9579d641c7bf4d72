"""A screen on which nothing changes draws nothing, however often what it shows is read anew."""

from typing import Any

import pytest
from textual.widgets import Input

from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.screens.gallery import GalleryScreen
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.screens.sessions import SessionsScreen
from tests.app.conftest import Driver, OpenApp, with_pictures
from tests.conftest import PlantedSessionFactory as Planted

SCREENS = (
    ("", "SessionScreen"),
    ("4 w", "SessionScreen"),
    ("5 w", "SessionScreen"),
    ("w", "SessionScreen"),
    ("z", "SessionScreen"),
    ("z question_mark", "HelpScreen"),
    ("escape ctrl+p", "CommandPalette"),
    ("escape e", "EpsDialog"),
    ("escape m", "SweepScreen"),
    ("escape c", "CompareScreen"),
    ("escape a", "GalleryScreen"),
    ("escape o slash", "SessionsScreen"),
    ("escape n", "NewRunScreen"),
)
"""Keys, and the screen they lead to from the one before."""


async def polled(app: Driver) -> None:
    """Everything that a timer does, done once; for the panes, until each has had its turn."""
    for screen in app.app.screen_stack:
        while isinstance(screen, SessionScreen) and screen.updates.late:
            screen.updates.show_next()
            while screen.updates.late:  # a busy machine may have drawn none of them yet
                screen.updates.show_next()
        if isinstance(screen, SessionsScreen | GalleryScreen):
            screen.read()
    for field in app.app.screen.query(Input):
        if field.cursor_blink and field.has_focus:
            field._toggle_cursor()
    app.app._garbage.collect()
    # It reads the session twice.
    await app.settled()


@pytest.mark.parametrize("over_ssh", [False, True])
async def test_nothing_is_drawn_while_nothing_changes(
    on: OpenApp, planted: Planted, monkeypatch: pytest.MonkeyPatch, over_ssh: bool
) -> None:
    if over_ssh:
        monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    drawn: list[Any] = []
    display = SubspaceLensApp._display

    def noted(app: SubspaceLensApp, screen: Any, renderable: Any) -> None:
        if renderable is not None:
            drawn.append(renderable)
        display(app, screen, renderable)

    monkeypatch.setattr(SubspaceLensApp, "_display", noted)
    async with on(with_pictures(planted(layers=2).start())) as app:
        for keys, screen in SCREENS:
            await app.press(*keys.split())
            assert type(app.app.screen).__name__ == screen
            await polled(app)
            drawn.clear()
            for _ in range(3):
                await polled(app)
            assert not drawn, (keys, screen)
