"""The log of the recording: its events in words, and every problem in full."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType

from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.panes.pane import Numbers, Pane
from subspacelens_tui.sessions.sanitise import plain

_INK = {"failed": "error", "finished": "good", "stopped": "warning", "paused": "warning"}


class LogPane(Pane):
    """Newest at the bottom; the wheel and the page keys look further back.

    Not a `RichLog`: a new line takes four times the bytes there (`benchmarks/widgets.py`).
    """

    keys: ClassVar[tuple[Key, ...]] = (
        Key("log-back", "pageup", "scroll_log(10)", "log: scroll back", "In the log", "back"),
        Key("log-forward", "pagedown", "scroll_log(-10)", "log: scroll forward", "In the log"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(keys)

    pane_name = "log"
    heading = "Log"
    tab = "Log"
    jump = "7"
    place = "log"
    in_column = "right"
    says = "log of the recording"
    on_request = True
    _back = 0

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The last rows that fit, or earlier ones if scrolled back."""
        rows = self._rows()
        self._back = max(0, min(self._back, len(rows) - height))
        last = len(rows) - self._back
        for row in rows[max(0, last - height) : last]:
            yield cut_row(row, width)

    def absence(self) -> str:
        """That the session is being read: a log needs no metrics."""
        return super().absence() if self.recording is None else ""

    def sample(self) -> str:
        """Nothing: events are of no images."""
        return ""

    def _rows(self) -> list[list[Piece]]:
        assert self.recording is not None
        rows = [self._event(event) for event in self.recording.log]
        rows += [
            [("problem   ", self.ink("warning")), (plain(p), self.ink())] for p in self.recording.problems
        ]
        for note in self._notes():
            rows.append([("note      ", self.ink("accent")), (plain(note), self.ink())])
        return rows or [[("nothing has happened yet", self.ink("dim"))]]

    def numbers(self) -> Numbers:
        """The events, then the problems and the notes."""
        if self.recording is None:
            return []
        rows = [
            {"time": event.get("time"), "event": plain(event.get("event", "")), "detail": _detail(event)}
            for event in self.recording.log
        ]
        rows += [{"time": None, "event": "problem", "detail": plain(p)} for p in self.recording.problems]
        return rows + [{"time": None, "event": "note", "detail": plain(note)} for note in self._notes()]

    def _notes(self) -> tuple[str, ...]:
        return self.analysis.notes if self.analysis else ()

    def _event(self, event: Mapping[str, Any]) -> list[Piece]:
        name = plain(event.get("event", ""))
        return [
            (f"{_clock(event.get('time'))}  ", self.ink("dim")),
            (f"{name:<10}", self.ink(_INK.get(name, "strong"))),
            (_detail(event), self.ink()),
        ]

    def action_scroll_log(self, rows: int) -> None:
        """Look further back (or forward, negative)."""
        self._back = max(0, self._back + rows)
        self.repaint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel looks back."""
        event.stop()
        self.action_scroll_log(3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel looks forward."""
        event.stop()
        self.action_scroll_log(-3)


def _clock(seconds: object) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(float(seconds)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "--:--:--"


def _detail(event: Mapping[str, Any]) -> str:
    """What an event says, beyond its name."""
    images = event.get("images")
    if event.get("event") == "batch" and isinstance(images, list):
        seconds = event.get("seconds")
        took = f" in {numbers.number(float(seconds))} s" if isinstance(seconds, int | float) else ""
        bad = event.get("not_finite")
        marked = f", {len(bad)} not finite" if isinstance(bad, list) and bad else ""
        return f"{len(images)} images{took}{marked}"
    told = {k: v for k, v in event.items() if k not in ("event", "time", "rank") and v not in (None, "")}
    words = [str(told.pop(key)) for key in ("reason", "what") if key in told]
    rank = event.get("rank")
    return plain(
        "  ".join([*words, *(f"{k} {v}" for k, v in told.items()), *([f"rank {rank}"] if rank else [])])
    )
