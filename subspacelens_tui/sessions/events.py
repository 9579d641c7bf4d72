"""The event log of a session: `events.jsonl`, append only, one JSON object a line.

Each recorder (rank) writes a file of its own, `events.jsonl` for rank 0 and `events.<rank>.jsonl` for
the others, because appends from several machines to one file on a shared file system may interleave.
"""

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

EventName = Literal[
    "started",
    "loading",
    "recording",
    "batch",
    "paused",
    "resumed",
    "heartbeat",
    "stopped",
    "failed",
    "finished",
]
Event = dict[str, Any]

HEARTBEAT_SECONDS = 2.0
_MAX_LINE = 1 << 20


def event_file(folder: Path, rank: int = 0) -> Path:
    """The log that the recorder of this rank appends to."""
    return folder / ("events.jsonl" if rank == 0 else f"events.{rank}.jsonl")


class EventWriter:
    """Appends events; each is one `write` of one line, so a reader sees it whole or not yet."""

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self._rank = rank
        self._torn = False
        self._fd = os.open(event_file(folder, rank), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, event: EventName, **fields: Any) -> None:
        """Append one event, stamped with the time (seconds since the epoch).

        Raises:
            OSError: if it cannot be written as a whole.
        """
        record = {"event": event, "time": round(time.time(), 3), "rank": self._rank, **fields}
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode()
        if self._torn:
            line = b"\n" + line
        self._torn = os.write(self._fd, line) < len(line)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file; the log itself stays as it is."""
        os.close(self._fd)


class EventReader:
    """Follows the logs of a session as they grow. A torn last line means: not yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}

    def new(self) -> list[Event]:
        """The events appended since the last call, file by file."""
        return [event for path in sorted(self._folder.glob("events*.jsonl")) for event in self._follow(path)]

    def _follow(self, path: Path) -> Iterator[Event]:
        try:
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                for line in iter(lambda: file.readline(_MAX_LINE), b""):
                    if not line.endswith(b"\n") and len(line) < _MAX_LINE:
                        break
                    self._offsets[path] = file.tell()
                    if (event := _parse(line)) is not None:
                        yield event
        except OSError:
            return


def _parse(line: bytes) -> Event | None:
    # A damaged line (a disk that filled up half-way) loses that event only; features do not depend on it.
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    return event if isinstance(event.get("time"), int | float) else None
