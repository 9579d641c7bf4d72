"""A new pane is a class and a line of the registry; all else follows."""

import subprocess
import sys

from tests.conftest import PlantedSessionFactory as Planted

NEW = '''
import asyncio, sys
from collections.abc import Iterable
from pathlib import Path
from textual.binding import BindingType
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.panes import registry
from subspacelens_tui.app.panes.pane import Pane

class WidthPane(Pane):
    """The widths of the layers."""

    pane_name = place = "widths"
    heading, tab, jump, says = "Widths", "Widths", "8", "widths of the layers"
    in_column = "right"
    on_request = of_a_layer = True
    keys = (Key("widths-double", "x", "double_widths", "widths: twice as wide", "In the widths"),)
    BINDINGS = bindings(keys)
    times = 1

    def action_double_widths(self) -> None:
        self.times *= 2
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable:
        main = self.analysis.main
        yield [(f"{self.times} x {main.layers[self.selected].width}", self.ink())]

registry.PANES = (*registry.PANES, WidthPane)

from subspacelens_tui.app.app import SubspaceLensApp
from subspacelens_tui.app.commands import LensCommands
from subspacelens_tui.app.key_table import EVERY_KEY
from subspacelens_tui.app.textual_private import screen_rows

def seen(app):
    return "\\n".join(row.text for row in screen_rows(app.screen))

async def main() -> None:
    session = Path(sys.argv[1])
    app = SubspaceLensApp(session.parent, session)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await app.screen.worker.settled()
        await pilot.pause()
        assert "Widths" not in seen(app)
        await pilot.press("8", "x")
        await pilot.pause()
        assert "8 Widths" in seen(app) and "2 x 16" in seen(app), seen(app)
        # In the pane its key comes before the screen's, which would stop a recording.
        assert any(name.startswith("widths: twice") for name, _ in LensCommands(app.screen)._commands())
        await pilot.press("z", "question_mark")
        await pilot.pause()
        assert {"pane-widths", "widths-double"} <= {key.name for key in EVERY_KEY}
        assert "widths of the layers" in str(app.screen.query_one(".help Static").render())
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape")
        await pilot.pause()
        assert "8 Widths" in seen(app).splitlines()[1], seen(app)

asyncio.run(main())
'''


def test_a_new_pane_has_its_key_tab_help_command_and_place(planted: Planted) -> None:
    path = planted(layers=2, width=16, seeds=2).start().record().path
    done = subprocess.run([sys.executable, "-c", NEW, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
