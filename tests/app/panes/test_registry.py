"""A new pane is a class and a line of the registry; all else follows."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import PlantedSessionFactory as Planted

DOCUMENT = Path(__file__).parents[3] / "docs" / "extending.md"
USED = """
import asyncio, sys
from pathlib import Path
from subspacelens_tui.app.panes import registry

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
        # In the pane its key comes before the screen's, which would stop a recording.
        await pilot.press("8", "x")
        await pilot.pause()
        assert "8 Widths" in seen(app) and "2 × 16" in seen(app), seen(app)
        assert any(name.startswith("width: twice") for name, _ in LensCommands(app.screen)._commands())
        assert {"pane-widths", "double-width"} <= {key.name for key in EVERY_KEY}
        await pilot.press("z", "question_mark")
        await pilot.pause()
        assert "width of the layer" in str(app.screen.query_one(".help Static").render())
        await pilot.resize_terminal(80, 24)
        await pilot.press("escape")
        await pilot.pause()
        assert "8 Widths" in seen(app).splitlines()[1], seen(app)


asyncio.run(main())
"""


def documented(path: str) -> str:
    """The lines that the document adds to a file."""
    lines = DOCUMENT.read_text(encoding="utf-8").split(f"    +++ b/{path}\n")[1].splitlines()
    found = []
    for line in lines:
        if not line.startswith("    +") or line.startswith("    +++"):
            break
        found.append(line.removeprefix("    +"))
    return "\n".join(found)


def test_the_pane_of_the_document_has_its_key_tab_help_command_and_place(planted: Planted) -> None:
    path = planted(layers=2, width=16, seeds=2).start().record().path
    code = documented("subspacelens_tui/app/panes/widths.py") + USED
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
