"""The text of every screen at every size, and pictures of a few: a change to them is seen in its diff.

After a change that was meant, `pytest -k screenshots --snapshot-update` takes them anew: look at them.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from subspacelens_tui.app import refinement_stages
from subspacelens_tui.app.preferences import Preferences
from subspacelens_tui.app.setup import Setup
from tests.app.conftest import OpenApp, with_pictures
from tests.conftest import PlantedSessionFactory as Planted

_BYTES = 160 * 1024
SIZES = {"50x15": (50, 15), "80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}

DARK = {
    "session": "",
    "layers": "1 z",
    "excess": "2",
    "rank": "4",
    "spectrum": "w",
    "overlap": "5",
    "overlap-by-layer": "w",
    "figures": "6",
    "log": "7",
    "help": "z question_mark",
    "palette": "escape ctrl+p e f f e c t i v e",
    "eps": "escape e",
    "gallery": "escape a",
    "sweep": "escape m",
    "compare": "escape c",
    "sessions": "escape o",
}
"""Each screen, and the keys that lead there from the one before."""
LIGHT = {"session": "", "overlap": "5 z", "gallery": "z a", "sessions": "escape o"}
"""Those whose colours are not Textual's alone."""
PICTURES = {
    ("120x40", "dark"): DARK.keys() - {"layers", "log", "palette", "eps"},
    ("120x40", "light"): {"session", "overlap"},
    ("80x24", "dark"): {"session"},
    ("200x60", "dark"): {"session"},
}
"""Screens whose colours are kept too; of the others the text is."""


class Picture(SingleFileSnapshotExtension):
    """An SVG a file, without the identity that Rich gives each export."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **options: Any) -> str:
        return re.sub(r"\bterminal-\d+-", "terminal-", str(data))


class Text(SingleFileSnapshotExtension):
    """All screens of one size in one file."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **options: Any) -> str:
        return str(data)


@pytest.fixture
def permutations() -> int:
    """As many as users get."""
    return refinement_stages.MANY


@pytest.fixture
def finished(planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session recorded at a time and in a place that never change, for a terminal of all colours."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    monkeypatch.chdir(tmp_path)
    path = with_pictures(planted().start()).path
    log = path / "events.jsonl"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    for second, event in enumerate(events):
        event["time"] = 1.795e9 + second
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    # And of a size that another key of the format does not change.
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    (path / "recorder.log").write_text(" " * (_BYTES - size))
    return path.relative_to(tmp_path)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
async def test_screens(
    open_app: OpenApp, finished: Path, snapshot: SnapshotAssertion, size: str, theme: str
) -> None:
    differing, texts = [], []
    setup = Setup(preferences=Preferences(theme=f"textual-{theme}"))
    async with open_app(finished.parent, finished, size=SIZES[size], setup=setup) as app:
        for screen, keys in (LIGHT if theme == "light" else DARK).items():
            await app.press(*keys.split())
            await app.drawn()
            lines = [line.rstrip() for line in app.text().splitlines()]
            texts.append("\n".join([f"=== {screen} ===", *lines, ""]))
            pictured = screen in PICTURES.get((size, theme), ())
            if pictured and app.app.export_screenshot() != snapshot(name=screen, extension_class=Picture):
                differing.append(screen)
    # The theme changes colours alone.
    assert theme == "light" or "\n".join(texts) == snapshot(name="text", extension_class=Text)
    assert not differing
