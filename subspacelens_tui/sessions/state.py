"""How a recording stands, derived from its event logs: phase, reason, rate, time left, and each rank's part."""

import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from subspacelens_tui.sessions.events import MAX_RANKS, Event
from subspacelens_tui.sessions.processes import alive, process_space

STALE_SECONDS = 15.0
_RATE_BATCHES = 20
_QUICKEST = 1e-6
_TOLD = 3


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
class RankState:
    """How one recorder of a session stands.

    Attributes:
        rank: its number, from 0.
        world: how many recorders were started together.
        phase, detail: as of `RunState`.
        host: the machine it runs on.
        images: those of the batch it is generating, as it said last.
        step: denoising step that batch is at.
        rate: images per second over its last batches.
        device: as of `RunState`.
    """

    rank: int
    world: int
    phase: Phase
    detail: str
    host: str | None = None
    images: tuple[int, ...] = ()
    step: int | None = None
    rate: float | None = None
    device: dict[str, Any] | None = None


@dataclass(frozen=True)
class RunState:
    """A snapshot of a recording.

    Attributes:
        phase: what it is doing.
        detail: the reason of a failure or stop, or what is being loaded; may be empty. With several ranks
            it names those that failed or went silent, even while others record.
        recorded: images whose features are on disk.
        planned: images the session is to have.
        step: denoising step the current batch is at, if one recorder is running.
        rate: images per second over the last batches, all ranks together; None before the first.
        device: what the recorder last said of its accelerator (`name`, `used`, `total` bytes,
            `utilisation` percent), or None; of several, the sums and the mean.
        ranks: the recorders of the last launch, by number.
        left_out: images that cannot be analysed: their features are not finite, or the recording has
            finished and they are not there.
        without_picture: recorded images whose picture was not finite and is not kept.
    """

    phase: Phase
    detail: str
    recorded: int
    planned: int
    step: int | None = None
    rate: float | None = None
    device: dict[str, Any] | None = None
    ranks: tuple[RankState, ...] = ()
    left_out: int = 0
    without_picture: int = 0

    @property
    def words(self) -> str:
        """The phase, with what is missing: a session without some of its images is not just finished."""
        of = self.planned if self.phase is Phase.FINISHED else self.recorded
        if self.left_out:
            return f"{self.phase}, {self.left_out} of {of} images left out"
        if self.without_picture:
            return f"{self.phase}, {self.without_picture} of {of} pictures missing"
        return str(self.phase)

    @property
    def complete(self) -> bool:
        """Whether all images are on disk, usable or not: there is nothing left to record."""
        return self.recorded >= self.planned

    @property
    def eta(self) -> float | None:
        """Seconds left at the current rate; None if that is not known."""
        if not self.rate or self.phase is not Phase.RECORDING:
            return None
        return (self.planned - self.recorded) / self.rate

    @property
    def lost(self) -> tuple[RankState, ...]:
        """The ranks that failed or went silent."""
        return tuple(rank for rank in self.ranks if rank.phase in (Phase.FAILED, Phase.STALE))


@dataclass
class _Rank:
    """What one recorder's events add up to."""

    phase: Phase = Phase.WAITING
    detail: str = ""
    host: str | None = None
    process_space: object = None
    pid: int | None = None
    process_started: float | None = None
    since_boot: float | None = None
    world: int = 1
    started: float = 0.0
    images: tuple[int, ...] = ()
    step: int | None = None
    device: dict[str, Any] | None = None
    batches: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_RATE_BATCHES))
    heard: float = 0.0
    age: float = 0.0

    def take(self, event: Event, age: float) -> None:
        """Take in an event that was written `age` seconds ago."""
        # By our own monotonic clock from here on: the clocks of machines differ, and are set.
        self.heard, self.age = time.monotonic(), age
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is not None:
            handler(event)

    def _on_started(self, event: Event) -> None:
        self.phase, self.detail = Phase.LOADING, ""
        self.images, self.step = (), None
        self.batches.clear()
        self.started = float(event["time"])
        self.host = event.get("host") if isinstance(event.get("host"), str) else None
        self.process_space = event.get("process_space")
        pid = _whole_number(event.get("pid"))
        self.pid = pid if pid is not None and 0 < pid < 2**31 else None
        self.world = min(_whole_number(event.get("world")) or 1, MAX_RANKS)
        self.process_started = _number(event.get("process_started"))
        self.since_boot = _number(event.get("since_boot"))

    def _on_loading(self, event: Event) -> None:
        self.phase, self.detail = Phase.LOADING, str(event.get("what", ""))

    def _on_recording(self, event: Event) -> None:
        self.phase, self.detail = Phase.RECORDING, ""

    def _on_batch(self, event: Event) -> None:
        self.images, self.step = (), None
        images, seconds = event.get("images"), _number(event.get("seconds"))
        if isinstance(images, list) and seconds is not None and seconds >= _QUICKEST:
            self.batches.append((len(images), seconds))

    def _on_heartbeat(self, event: Event) -> None:
        images, device = event.get("images"), event.get("device")
        self.images = tuple(i for i in images if isinstance(i, int)) if isinstance(images, list) else ()
        self.step = _whole_number(event.get("step"))
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
        seen = self._seen_alive()
        if seen is False:
            return Phase.FAILED, f"the recorder (process {self.pid}) ended without a word"
        silent = time.monotonic() - self.heard
        if seen is None:
            # What was old when we found it is no sign of life; of a process of this machine we know better.
            silent += self.age
        if silent > STALE_SECONDS:
            return Phase.STALE, f"no sign of life for {_duration(silent)}"
        return self.phase, self.detail

    def _seen_alive(self) -> bool | None:
        """Whether its process is alive; None if that cannot be told from here."""
        if self.pid is None or self.host != socket.gethostname():
            return None
        if self.process_space not in (None, process_space()):  # older recorders do not say theirs
            return None
        return alive(self.pid, self.process_started, self.since_boot)

    def snapshot(self, rank: int) -> RankState:
        """The rank as others see it."""
        phase, detail = self.seen_now()
        running = phase.running
        return RankState(
            rank=rank,
            world=self.world,
            phase=phase,
            detail=detail,
            host=self.host,
            images=self.images if running else (),
            step=self.step if running else None,
            rate=self.rate,
            device=self.device if running else None,
        )


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
    """Adds up the events of all ranks into a `RunState`.

    Attributes:
        not_finite: images that the recorders found to have features that are not finite.
        without_picture: images whose pictures they did not keep.
    """

    def __init__(self) -> None:
        self._ranks: dict[int, _Rank] = {}
        self._follows = False
        self.not_finite: set[int] = set()
        self.without_picture: set[int] = set()

    def take(self, events: list[Event]) -> None:
        """Take in new events; those of the first call may be from long ago, the others are news."""
        now = time.time()
        for event in events:
            rank = self._ranks.setdefault(_whole_number(event.get("rank")) or 0, _Rank())
            rank.take(event, 0.0 if self._follows else max(0.0, now - float(event["time"])))
            if event["event"] == "batch":
                self._mark(event)
        self._follows = True

    def _mark(self, event: Event) -> None:
        """Note which images of a batch are not as they should be."""
        for marked, key in ((self.not_finite, "not_finite"), (self.without_picture, "without_picture")):
            marked.difference_update(_images(event.get("images")))  # they may have been recorded before
            marked.update(_images(event.get(key)))

    def now(self, recorded: int, planned: int, not_finite: int = 0, without_picture: int = 0) -> RunState:
        """The state at this moment.

        Args:
            recorded, planned: images, as of `RunState`.
            not_finite: recorded images with features that are not finite.
            without_picture: recorded images without a picture.
        """
        ranks = self._last_launch()
        phase, detail = _together(ranks)
        if recorded >= planned:
            phase, detail = Phase.FINISHED, ""
        missing = max(0, planned - recorded) if phase is Phase.FINISHED else 0
        if phase is Phase.FINISHED:
            detail = _what_is_wrong(not_finite, missing, without_picture)
        running = [rank for rank in ranks if rank.phase.running]
        rates = [rank.rate for rank in running or ranks if rank.rate]
        return RunState(
            phase=phase,
            detail=detail,
            recorded=recorded,
            planned=planned,
            step=running[0].step if len(running) == 1 else None,
            rate=sum(rates) if rates else None,
            device=_together_on([rank.device for rank in ranks if rank.device]),
            ranks=ranks,
            left_out=not_finite + missing,
            without_picture=without_picture,
        )

    def _last_launch(self) -> tuple[RankState, ...]:
        """The ranks that the last launch has, and any that are at work whatever they belong to."""
        if not self._ranks:
            return ()
        world = max(self._ranks.values(), key=lambda rank: rank.started).world
        seen = [rank.snapshot(number) for number, rank in sorted(self._ranks.items())]
        return tuple(rank for rank in seen if rank.rank < world or rank.phase.running)


def _what_is_wrong(not_finite: int, missing: int, without_picture: int) -> str:
    """Why a finished session is less than it was to be; empty if it is not."""
    parts = []
    if not_finite:
        verb = "has" if not_finite == 1 else "have"
        parts.append(f"{_count(not_finite, 'image')} {verb} features that are not finite")
    if missing:
        verb = "is" if missing == 1 else "are"
        parts.append(f"{_count(missing, 'image')} {verb} not there, or cannot be read")
    if without_picture > not_finite:
        parts.append(f"{_count(without_picture, 'picture')} came out not finite")
    return "; ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _together(ranks: Sequence[RankState]) -> tuple[Phase, str]:
    """What ranks amount to: the phase of the one most alive, and what there is to say about the others."""
    if not ranks:
        return Phase.WAITING, "no recorder has started yet"
    first = min(ranks, key=lambda rank: _MOST_ALIVE_FIRST.index(rank.phase))
    if len(ranks) == 1:
        return first.phase, first.detail
    told = [rank for rank in ranks if rank.phase in (Phase.FAILED, Phase.STALE)]
    if not told:
        return first.phase, first.detail
    return first.phase, "; ".join(
        f"rank {rank.rank} {'failed' if rank.phase is Phase.FAILED else 'is silent'}: {rank.detail}"
        for rank in told[:_TOLD]
    ) + (f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else "")


def _together_on(devices: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What several accelerators amount to."""
    if len(devices) < 2:
        return devices[0] if devices else None
    names = {str(device.get("name", "")) for device in devices}
    whole: dict[str, Any] = {"name": f"{len(devices)}× {names.pop() if len(names) == 1 else 'GPUs'}"}
    for key in ("used", "total", "utilisation"):
        values = [value for device in devices if (value := _number(device.get(key))) is not None]
        if len(values) == len(devices):
            whole[key] = sum(values) / (len(values) if key == "utilisation" else 1)
    return whole


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _images(value: object) -> list[int]:
    """The image indices in a list of an event, which may be a stranger's."""
    return [i for i in value if type(i) is int] if isinstance(value, list) else []


def _whole_number(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
