"""Widgets of ours beside those of Textual that would serve: `python benchmarks/widgets.py`.

Both show the same rows at 120×40 in a pseudo-terminal, on screens that send only the cells that
changed. For each key, bytes that the terminal gets and milliseconds of a core: to move the cursor
by one, and for an update as it comes with a batch of a recording. Measured with Textual 8.2.8, ours
/ Textual's:

    layers    move   193 /   721 bytes     update  2057 /  9895 bytes, 6 / 32 ms
    sessions  move   534 /   798 bytes     update    54 / 11398 bytes, 4 / 40 ms
    log       move  3458 / 13999 bytes     update  3466 / 13998 bytes
    tabs      move   151 /  1296 bytes, 3 / 16 ms
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from planted import write_session
from terminal import Terminal
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DataTable, RichLog, Tab, Tabs

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.app.panes.layer_list import COLUMNS, LayerList
from subspacelens_tui.app.panes.log import LogPane
from subspacelens_tui.app.panes.registry import PANES
from subspacelens_tui.app.selection import first_selection
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.textual_private import send_minimal_updates
from subspacelens_tui.app.widgets.pane_tabs import PaneTabs
from subspacelens_tui.app.widgets.session_table import SessionTable
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.catalog import SessionList
from subspacelens_tui.sessions.events import EventWriter

READY, KEYS = "ready", 40
SESSIONS = 30
CSS = Path(__file__).parents[1] / "subspacelens_tui" / "app" / "app.tcss"


class Shown(App[None]):
    """One widget; `j` moves in it, `u` updates it."""

    CSS_PATH = CSS

    def __init__(
        self, widget: Widget, move: Callable[[int], object], update: Callable[[int], object]
    ) -> None:
        super().__init__()
        self._widget = widget
        self._does = {"j": move, "u": update}
        self._times = 0

    def get_default_screen(self) -> Screen[Any]:
        screen: Screen[Any] = Screen()
        send_minimal_updates(screen)
        return screen

    def compose(self) -> Iterator[Widget]:
        yield self._widget

    def on_mount(self) -> None:
        self._does["u"](0)
        self._widget.focus()

    def on_key(self, event: Any) -> None:
        if event.key in self._does:
            self._times += 1
            self._does[event.key](self._times)


def analyses(folder: Path) -> tuple[Recording, list[Analysis]]:
    """A session, and its metrics before and after its last batch."""
    session = open_session(folder / "session-00")
    analyzer = Analyzer(session)
    selection, _ = first_selection(Settings(), session.manifest)
    found = []
    for images in (125, 150):
        settings = replace(selection.settings, images=images, permutations=20, errors=None)
        found.append(Analysis(selection, {selection.main: analyzer.result(settings)}))
    log = tuple(session.log)
    blocks = len(session.manifest.blocks)
    return Recording("s", session.manifest, blocks, session.state, "run", (), log, {4.5: 150}), found


def our_layers(folder: Path) -> Shown:
    recording, found = analyses(folder)
    pane = LayerList()

    def show(times: int, layer: int = 0) -> None:
        pane.update(recording, found[times % 2], layer)

    return Shown(pane, lambda times: show(0, times % 28), show)


def textuals_layers(folder: Path) -> Shown:
    _, found = analyses(folder)
    table: DataTable[str] = DataTable(cursor_type="row")
    cells = [
        [[column.written(layer, "…") for column in COLUMNS] for layer in analysis.main.layers]
        for analysis in found
        if analysis.main
    ]

    def show(times: int) -> None:
        if not table.columns:
            table.add_columns(*(column.heading for column in COLUMNS))
            table.add_rows(cells[0])
        for row, values in enumerate(cells[times % 2]):
            for column, value in enumerate(values):
                table.update_cell_at((row, column), value)

    return Shown(table, lambda times: table.move_cursor(row=times % 28), show)


def our_sessions(folder: Path) -> Shown:
    listings = SessionList(folder).read()
    table = SessionTable(id="sessions")

    def show(times: int) -> None:
        state = listings[0].state
        first = replace(listings[0], state=replace(state, recorded=times) if state else None)
        table.update([first, *listings[1:]], ())

    return Shown(table, lambda times: table.move(1 if times % 50 < 25 else -1), show)


def textuals_sessions(folder: Path) -> Shown:
    listings = SessionList(folder).read()
    table: DataTable[str] = DataTable(cursor_type="row")

    def show(times: int) -> None:
        if not table.columns:
            table.add_columns("session", "state", "images", "when", "size", "model")
            for x in listings:
                images = f"{x.state.recorded}/{x.state.planned}" if x.state else ""
                table.add_row(
                    x.name, str(x.state and x.state.phase), images, x.created, str(x.bytes), x.model
                )
        table.update_cell_at((0, 2), f"{times}/150")

    return Shown(table, lambda times: table.move_cursor(row=abs(times % 50 - 25)), show)


def events(times: int) -> dict[str, Any]:
    return {"event": "batch", "time": 1.795e9 + times, "images": [*range(25)], "seconds": 1.0 + times}


def our_log(folder: Path) -> Shown:
    recording, _ = analyses(folder)
    pane = LogPane()
    log = [events(times) for times in range(500)]

    def show(times: int) -> None:
        log.append(events(times))
        pane.update(replace(recording, log=tuple(log[-500:])), None, 0)

    return Shown(pane, lambda times: pane.scroll_back(1), show)


def textuals_log(folder: Path) -> Shown:
    log = RichLog(max_lines=500, markup=True)

    def line(times: int) -> str:
        return f"[dim]19:{times // 60 % 60:02}:{times % 60:02}[/]  [bold]batch     [/] 25 images in {times} s"

    def show(times: int) -> None:
        for earlier in range(500) if not log.lines else ():
            log.write(line(earlier), scroll_end=True)
        log.write(line(times))

    return Shown(log, lambda times: log.scroll_up(animate=False), show)


def our_tabs(folder: Path) -> Shown:
    panes = [pane() for pane in PANES]
    tabs = PaneTabs(panes, lambda place: type(next(pane for pane in panes if pane.place == place)))

    def show(times: int) -> None:
        for place, pane in enumerate(panes):
            pane.display = place == times % len(panes)
        tabs.repaint()

    shown = Shown(tabs, show, show)
    tabs.can_focus = True
    return shown


def textuals_tabs(folder: Path) -> Shown:
    tabs = Tabs(*(Tab(pane.tab, id=pane.pane_name) for pane in PANES))

    def show(times: int) -> None:
        tabs.active = PANES[times % len(PANES)].pane_name

    return Shown(tabs, show, show)


PAIRS: dict[str, tuple[Callable[[Path], Shown], Callable[[Path], Shown]]] = {
    "layers: LayerList / DataTable": (our_layers, textuals_layers),
    "sessions: SessionTable / DataTable": (our_sessions, textuals_sessions),
    "log: LogPane / RichLog": (our_log, textuals_log),
    "tabs: PaneTabs / Tabs": (our_tabs, textuals_tabs),
}


def measured(folder: Path, name: str, side: int, key: str) -> tuple[float, float]:
    """Bytes and milliseconds of a core for each press of a key."""
    program = [sys.executable, __file__, "--folder", str(folder), "--run", name, "--side", str(side)]
    app = Terminal(program)
    app.wait(lambda text: len(text.split()) > 4)
    app.read(3.0)
    process, sent = psutil.Process(app.pid), 0
    before = sum(process.cpu_times()[:2])
    for _ in range(KEYS):
        app.type(key)
        sent += app.read(0.1)
    sent += app.read(0.5)
    spent = sum(process.cpu_times()[:2]) - before
    app.close()
    return sent / KEYS, 1000 * spent / KEYS


def write_sessions(folder: Path) -> None:
    """One session with features, and others that a list shows."""
    write_session(folder / "session-00", seeds=6, width=128)
    for index in range(1, SESSIONS):
        write_session(folder / f"session-{index:02}", seeds=1, blocks=1, width=4)
        EventWriter(folder / f"session-{index:02}").write("finished")


def main(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_sessions(folder)
        print(f"{'':36} {'':8} {'bytes':>14} {'ms of a core':>16}")
        for name in names:
            for key, does in (("j", "move"), ("u", "update")):
                (mine, cpu), (theirs, their_cpu) = (measured(folder, name, side, key) for side in (0, 1))
                print(f"{name:36} {does:8} {mine:6.0f} / {theirs:5.0f} {cpu:7.1f} / {their_cpu:6.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="pairs to measure (default: all)")
    arguments = parser.parse_args()
    if arguments.run:
        PAIRS[arguments.run][arguments.side](arguments.folder).run()
    else:
        main(arguments.names or list(PAIRS))
