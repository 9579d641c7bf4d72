"""The event log of a session: `events.jsonl`, append only, one JSON object a line.

Each recorder (rank) writes a file of its own, `events.jsonl` for rank 0 and `events.<rank>.jsonl` for
the others, because appends from several machines to one file on a shared file system may interleave.
"""

import errno
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import names_inside, open_plain

EventName = Literal[
    "started",
    "loading",
    "self_test",
    "recording",
    "batch",
    "memory",
    "note",
    "paused",
    "resumed",
    "heartbeat",
    "stopped",
    "failed",
    "finished",
]
Event = dict[str, Any]

HEARTBEAT_SECONDS = 2.0
MAX_RANKS = 4096
# What a log may hold, since it may be a stranger's: a batch of a thousand images is a line of 10 kB.
_MAX_LINE = 32 * 1024
_MAX_NUMBER = 1e15
_MAX_DEPTH = 4
# Bytes that one look takes in, a second's work at most; the rest comes with the next.
_A_LOOK = 4 * 2**20
# A night of heartbeats is a megabyte. Passing one over costs this much less than parsing it.
_HEARTBEAT = b'{"event": "heartbeat"'
_CHEAPER = 16
# By so much of its end a log is known again. Times in milliseconds are part of each line.
_END = 256
_STEP = re.compile(rb'"step": ([0-9]{1,6})\b')
_LOG = re.compile(r"events(\.[1-9][0-9]{0,3})?\.jsonl")


def event_file(folder: Path, rank: int = 0) -> Path:
    """The log that the recorder of this rank appends to."""
    return folder / ("events.jsonl" if rank == 0 else f"events.{rank}.jsonl")


class EventWriter:
    """Appends events; each is one `write` of one line, so a reader sees it whole or not yet."""

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self._rank = rank
        self._torn = False
        self._lock = threading.Lock()
        self._fd = os.open(
            event_file(folder, rank), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666
        )

    def write(self, event: EventName, **fields: Any) -> None:
        """Append one event, stamped with the time (seconds since the epoch).

        Raises:
            OSError: if it cannot be written as a whole.
        """
        record = {"event": event, "time": round(time.time(), 3), "rank": self._rank, **fields}
        # Of a file name that is not UTF-8, what stands for its bytes becomes the JSON of it: \udcff.
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            if self._fd < 0:  # the number of a file that is closed may be that of another by now
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            if self._torn:
                line = b"\n" + line
            self._torn = os.write(self._fd, line) < len(line)
            torn = self._torn
        if torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file; the log itself stays as it is."""
        with self._lock:
            os.close(self._fd)
            self._fd = -1


class _AnotherPast(Exception):
    """A log does not hold what was read of it."""


@dataclass
class _Read:
    """How far a log was read, and the end of what was read."""

    offset: int = 0
    end: bytes = b""

    def go_on(self, file: BinaryIO) -> None:
        """Go to where reading goes on.

        Raises:
            _AnotherPast: if what was read is not there any more.
        """
        file.seek(self.offset - len(self.end))
        if file.read(len(self.end)) != self.end:
            raise _AnotherPast

    def took(self, line: bytes) -> None:
        """A line was read."""
        self.offset += len(line)
        self.end = line[-_END:] if len(line) >= _END else (self.end + line)[-_END:]


class EventReader:
    """Follows the logs of a session as they grow. A torn last line means: not yet.

    Attributes:
        restarted: whether the last call began all over, because a log has another past than what was read.
        furthest_step: the furthest denoising step of all heartbeats.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, _Read] = {}
        self.furthest_step = 0
        self._left = 0
        self.restarted = False

    def new(self) -> list[Event]:
        """The events appended since the last call, file by file; of a run of heartbeats only the last.

        Of a log beyond all measure a part is taken in with each call.
        """
        self.restarted = False
        try:
            return self._new()
        except _AnotherPast:
            # One log was copied over, or cut off: all events are told again, those of the others too.
            self.restarted, self.furthest_step = True, 0
            self._read.clear()
            return self._new()

    def _new(self) -> list[Event]:
        self._left = _A_LOOK
        events: list[Event] = []
        for name in self._names():
            try:
                with open_plain(self._folder, name) as file:
                    events += filter(None, map(_parse, self._lines(name, file)))
            except (OSError, SessionError):
                continue
        return events

    def _lines(self, name: str, file: BinaryIO) -> Iterator[bytes]:
        """The new lines that are worth parsing."""
        heartbeat = b""
        read = self._read.setdefault(name, _Read())
        read.go_on(file)
        while self._left > 0 and (line := file.readline(_MAX_LINE)):
            if not line.endswith(b"\n") and len(line) < _MAX_LINE:
                break
            read.took(line)
            if line.startswith(_HEARTBEAT):
                heartbeat = line
                if step := _STEP.search(line):
                    self.furthest_step = max(self.furthest_step, int(step[1]))
                self._left -= len(line) // _CHEAPER
                continue
            self._left -= len(line)
            if heartbeat:
                yield heartbeat
            heartbeat = b""
            yield line
        if heartbeat:
            yield heartbeat

    def _names(self) -> list[str]:
        try:
            names = names_inside(self._folder, at_most=10 * MAX_RANKS)
        except SessionError:
            return []
        return sorted(name for name in names if _LOG.fullmatch(name))


def _parse(line: bytes) -> Event | None:
    # A damaged line (a disk that filled up half-way) loses that event only; features do not depend on it.
    try:
        event = json.loads(line, parse_int=_integer, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    rank = event.get("rank", 0)
    if type(rank) is not int or not 0 <= rank < MAX_RANKS or not _nested_at_most(_MAX_DEPTH, event):
        return None
    return event if type(event.get("time")) in (int, float) else None


def _number(text: str) -> float:
    value = float(text)
    # Neither NaN nor infinite, nor beyond any time, size or count.
    if not abs(value) <= _MAX_NUMBER:
        raise ValueError(f"{text[:20]} is no number of ours")
    return value


def _integer(text: str) -> int:
    _number(text)
    return int(text)


def _nested_at_most(deep: int, value: object) -> bool:
    """Whether lists and objects are nested no deeper; it looks no further than that itself."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inside is None:
        return True
    return deep > 0 and all(_nested_at_most(deep - 1, part) for part in inside)
