"""Whatever can be done can be done by key, by mouse and by the command palette, and comes to the same."""

from collections.abc import Callable
from typing import Any

from textual.dom import DOMNode
from textual.widgets import Static

from subspacelens_tui.app.commands import LensCommands
from subspacelens_tui.app.dialogs.help import HelpScreen
from subspacelens_tui.app.key_table import LIST, SCOPES
from subspacelens_tui.app.keys import Key
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.pane import Pane
from subspacelens_tui.app.screens.session import SessionScreen
from subspacelens_tui.app.session_keys import SESSION
from subspacelens_tui.app.widgets.key_bar import KeyBar
from tests.app.conftest import Driver, OpenApp, with_pictures
from tests.conftest import PlantedSessionFactory as Planted


def palette(app: Driver) -> dict[str, str]:
    """Every command by what it says."""
    return dict(LensCommands(app.app.screen)._commands())


def bound(app: Driver, key: Key, *owners: str) -> set[str]:
    """The actions that a line's keys run, in the screen or in a widget of it."""
    screen = app.app.screen
    nodes: list[DOMNode] = [screen, *(screen.query_one(owner) for owner in owners)]
    found = [node._bindings.key_to_bindings.get(name, []) for node in nodes for name in key.keys.split(",")]
    return {binding.action for bindings in found for binding in bindings}


REACHED: dict[str, Callable[[SessionScreen], Any]] = {
    "labels": lambda screen: screen.selection.main[0],
    "larger-eps": lambda screen: screen.selection.settings.eps,
    "next-layer": lambda screen: screen.selected,
    "curves": lambda screen: screen.state.measure,
    "pane-log": lambda screen: screen.focused.id,
    "zoom": lambda screen: screen.pane_layout.maximised,
    "previous-round": lambda screen: screen.selection.settings.images,
    "reset-borders": lambda screen: dict(screen.borders.sizes),
}


async def test_keys_and_commands_come_to_the_same(on: OpenApp, planted: Planted) -> None:
    found: dict[bool, list[Any]] = {True: [], False: []}
    for by_key in found:
        async with on(planted(f"by-key-{by_key}", seeds=2, layers=2).start().record()) as app:
            app.screen.borders.sizes["layers,middle,right"] = [30, 50, 40]
            for name, reached in REACHED.items():
                before = reached(app.screen)
                key = next(key for key in SESSION if key.name == name)
                if by_key:
                    await app.pilot.press(key.keys.split(",")[0])
                else:
                    await app.screen.run_action(palette(app)[f"{key.says}  ({key.shown})"])
                    await app.pilot.pause()
                found[by_key].append(reached(app.screen))
                assert found[by_key][-1] != before, name
    assert found[True] == found[False]


async def test_every_key_of_every_screen_is_a_command(on: OpenApp, planted: Planted) -> None:
    async with on(with_pictures(planted(seeds=1, layers=2).start())) as app:
        for opens, owners, scopes in (
            (
                (),
                ("#overlap", "#log", "#inspector", "#scrubber"),
                ("a session", "the overlap matrix", "the log", "the metrics", "the scrubber"),
            ),
            (("a",), (), ("the gallery",)),
            (("escape", "escape"), (), ("the list of sessions",)),
        ):
            for name in opens:
                await app.pilot.press(name)
            commands = palette(app)
            for key in (key for scope in scopes for key in SCOPES[scope]):
                assert key.run in bound(app, key, *owners), key.name
                if key.name != "commands":
                    # By key and by command it is one action, so they come to the same.
                    assert key.run in commands.values(), key.name
            assert {"help", "commands"} <= {key.name for key in app.app.screen.query_one(KeyBar)._keys}


async def test_the_help_does_what_a_line_says_when_it_is_clicked(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=1, layers=2).start().record(), size=(120, 64)) as app:

        async def click(says: str) -> None:
            await app.pilot.press("question_mark")
            assert isinstance(app.app.screen, HelpScreen)
            rows = app.text().splitlines()
            y = next(y for y, row in enumerate(rows) if says in row)
            await app.pilot.click(offset=(rows[y].index(says) + 2, y))
            await app.settled()

        await click("labels: next scheme")
        assert app.screen.selection.settings.labels == "fine"
        await click("maximise or restore the pane")
        assert app.screen.pane_layout.maximised == "layers"
        # A click beside the words does nothing, and every line has an action of its own.
        await app.pilot.press("question_mark")
        content = app.app.screen.query_one(".help Static", Static).render()
        actions = {span.style.meta["@click"] for span in content.spans if span.style.meta}
        assert len(actions) == len({key.name for table in app.screen.KEYS for key in table})


async def test_the_footer_shows_the_keys_of_the_moment(on: OpenApp, planted: Planted) -> None:
    session = planted(seeds=2, layers=2).start()
    async with on(session, size=(160, 40)) as app:
        footer = app.screen.query_one(KeyBar)

        def names() -> list[str]:
            return [key.name for key in footer._keys]

        assert "pause" in names()
        assert not {"follow", "play", "gallery"} & set(names())
        session.record()
        await app.settled()
        assert "pause" not in names()
        assert {"follow", "play", "gallery"} <= set(names())
        await app.press("5")
        assert names()[2:4] == ["cell-left", "cell-pair"]
        assert "enter pair" in app.text().splitlines()[-1]
        await app.press("7")
        assert names()[2] == LogPane.keys[0].name
        # A click in the footer is the key.
        assert app.screen.pane_layout.maximised == "log"
        row = app.text().splitlines()[-1]
        await app.pilot.click(footer, offset=(row.index("zoom"), 0))
        assert app.screen.pane_layout.maximised is None


async def test_every_pane_is_one_key_away_by_the_digit_in_its_frame(on: OpenApp, planted: Planted) -> None:
    async with on(planted(seeds=1, layers=2).start().record(), size=(200, 60)) as app:
        for pane in app.screen.query(Pane):
            if pane.display:
                assert f"{pane.jump} {pane.heading}" in app.text()
                await app.pilot.press(pane.jump)
                assert app.app.focused is pane


async def test_the_list_of_sessions_too(open_app: OpenApp, planted: Planted) -> None:
    for name in ("one", "two"):
        planted(name, seeds=1, layers=2).start().record()
    folder = planted("three", seeds=1, layers=2).start().record().path.parent
    async with open_app(folder) as app:
        commands = palette(app)

        def chosen() -> str:
            return app.app.screen.query_one("#sessions").chosen.name

        first = chosen()

        def entry(name: str) -> Key:
            return next(key for key in LIST if key.name == name)

        await app.pilot.press("down")
        by_key = chosen()
        assert by_key != first
        await app.pilot.press("up")
        key = entry("next-session")
        await app.app.screen.run_action(commands[f"{key.says}  ({key.shown})"])
        assert chosen() == by_key
