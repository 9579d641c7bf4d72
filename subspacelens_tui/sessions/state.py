"""How a recording stands, derived from its event log: phase, reason, rate, time left."""

import socket
import time
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import psutil

from subspacelens_tui.sessions.events import Event

STALE_SECONDS = 15.0
_RATE_BATCHES = 20
_QUICKEST = 1e-6


class Phase(StrEnum):
    """What a session is doing, in the words shown to the user."""

    WAITING = "waiting"
    LOADING = "loading model"
    RECORDING = "recording"
    PAUSED = "paused"
    STALE = "stale"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"

    @property
    def running(self) -> bool:
        """Whether a recorder is (as far as can be told) at work."""
        return self in (Phase.WAITING, Phase.LOADING, Phase.RECORDING, Phase.PAUSED)


@dataclass(frozen=True)
class RunState:
    """A snapshot of a recording.

    Attributes:
        phase: what it is doing.
        detail: the reason of a failure or stop, or what is being loaded; may be empty.
        recorded: images whose features are on disk.
        planned: images the session is to have.
        step: denoising step the current batch is at, if one is running.
        rate: images per second over the last batches; None before the first.
        device: what the recorder last said of its accelerator (`name`, `used`, `total` bytes,
            `utilisation` percent), or None.
        ranks: number of recorders that have written to the session.
    """

    phase: Phase
    detail: str
    recorded: int
    planned: int
    step: int | None = None
    rate: float | None = None
    device: dict[str, Any] | None = None
    ranks: int = 1

    @property
    def eta(self) -> float | None:
        """Seconds left at the current rate; None if that is not known."""
        if not self.rate or self.phase is not Phase.RECORDING:
            return None
        return (self.planned - self.recorded) / self.rate


@dataclass
class _Rank:
    """What one recorder's events add up to."""

    phase: Phase = Phase.WAITING
    detail: str = ""
    host: str | None = None
    pid: int | None = None
    process_started: float | None = None
    step: int | None = None
    device: dict[str, Any] | None = None
    batches: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_RATE_BATCHES))
    written: float = 0.0
    heard: float = 0.0

    def take(self, event: Event) -> None:
        self.written = float(event["time"])
        self.heard = time.monotonic()
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is not None:
            handler(event)

    def _on_started(self, event: Event) -> None:
        self.phase, self.detail = Phase.LOADING, ""
        self.batches.clear()
        self.host = event.get("host") if isinstance(event.get("host"), str) else None
        pid = event.get("pid")
        self.pid = pid if isinstance(pid, int) and 0 < pid < 2**31 else None
        began = event.get("process_started")
        self.process_started = float(began) if isinstance(began, int | float) else None

    def _on_loading(self, event: Event) -> None:
        self.phase, self.detail = Phase.LOADING, str(event.get("what", ""))

    def _on_recording(self, event: Event) -> None:
        self.phase, self.detail = Phase.RECORDING, ""

    def _on_batch(self, event: Event) -> None:
        self.step = None
        images, seconds = event.get("images"), event.get("seconds")
        if isinstance(images, list) and isinstance(seconds, int | float) and seconds >= _QUICKEST:
            self.batches.append((len(images), float(seconds)))

    def _on_heartbeat(self, event: Event) -> None:
        step, device = event.get("step"), event.get("device")
        self.step = step if isinstance(step, int) else None
        self.device = device if isinstance(device, dict) else None

    def _on_paused(self, event: Event) -> None:
        self.phase = Phase.PAUSED

    def _on_resumed(self, event: Event) -> None:
        self.phase = Phase.RECORDING

    def _on_stopped(self, event: Event) -> None:
        self.phase, self.detail = Phase.STOPPED, str(event.get("reason", ""))

    def _on_failed(self, event: Event) -> None:
        self.phase, self.detail = Phase.FAILED, str(event.get("reason", ""))

    def _on_finished(self, event: Event) -> None:
        self.phase, self.detail = Phase.FINISHED, ""

    @property
    def rate(self) -> float | None:
        seconds = sum(s for _, s in self.batches)
        return sum(n for n, _ in self.batches) / seconds if seconds else None

    def seen_now(self) -> tuple[Phase, str]:
        """The phase, corrected for recorders that died or went silent."""
        if not self.phase.running or self.phase is Phase.WAITING:
            return self.phase, self.detail
        if self.host == socket.gethostname() and self.pid is not None:
            if not _alive(self.pid, self.process_started):
                return Phase.FAILED, f"the recorder (process {self.pid}) ended without a word"
            silent = time.monotonic() - self.heard
        else:
            # Another machine's clock may differ from ours, so a fresh arrival counts as a sign of life too.
            silent = min(time.monotonic() - self.heard, max(0.0, time.time() - self.written))
        if silent > STALE_SECONDS:
            return Phase.STALE, f"no sign of life for {silent:.0f} s"
        return self.phase, self.detail


def _alive(pid: int, started: float | None) -> bool:
    try:
        process = psutil.Process(pid)
        # A process number may have been given to another program since.
        if started is not None and abs(process.create_time() - started) > 2:
            return False
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


_MOST_ALIVE_FIRST = (
    Phase.RECORDING,
    Phase.PAUSED,
    Phase.LOADING,
    Phase.STALE,
    Phase.FAILED,
    Phase.STOPPED,
    Phase.FINISHED,
    Phase.WAITING,
)


class StateTracker:
    """Adds up the events of all ranks into a `RunState`."""

    def __init__(self) -> None:
        self._ranks: dict[int, _Rank] = {}

    def take(self, events: list[Event]) -> None:
        """Take in new events."""
        for event in events:
            rank = event.get("rank")
            self._ranks.setdefault(rank if isinstance(rank, int) else 0, _Rank()).take(event)

    def now(self, recorded: int, planned: int) -> RunState:
        """The state at this moment."""
        ranks = list(self._ranks.values())
        seen = [rank.seen_now() for rank in ranks]
        if recorded >= planned:
            phase, detail = Phase.FINISHED, ""
        elif not seen:
            phase, detail = Phase.WAITING, "no recorder has started yet"
        else:
            phase, detail = min(seen, key=lambda pair: _MOST_ALIVE_FIRST.index(pair[0]))
        rates = [rank.rate for rank in ranks if rank.rate]
        return RunState(
            phase=phase,
            detail=detail,
            recorded=recorded,
            planned=planned,
            step=next((rank.step for rank in ranks if rank.step is not None), None),
            rate=sum(rates) if rates else None,
            device=next((rank.device for rank in ranks if rank.device), None),
            ranks=max(1, len(ranks)),
        )
