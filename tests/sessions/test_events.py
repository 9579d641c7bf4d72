import os
from pathlib import Path

import pytest

from subspacelens_tui.sessions.events import EventReader, EventWriter, event_file


def test_a_torn_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    writer, reader = EventWriter(tmp_path), EventReader(tmp_path)
    writer.write("started", pid=1)
    assert [event["event"] for event in reader.new()] == ["started"]
    line = b'{"event": "recording", "time": 2.0, "rank": 0}\n'
    with event_file(tmp_path).open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert reader.new() == []
        file.write(line[20:])
    assert [event["event"] for event in reader.new()] == ["recording"]
    assert reader.new() == []


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    event_file(tmp_path).write_bytes(
        b'garbage\n\xff\xfe\n[1]\n{"event": 3}\n{"event": "finished"}\n' + b"[" * 5000 + b"\n"
        b'{"event": "loading", "time": 1, "what": ' + b"[" * 900 + b"]" * 900 + b"}\n"
        b'{"event": "finished", "time": 1.5}\n'
    )
    assert [event["time"] for event in EventReader(tmp_path).new()] == [1.5]


def test_ranks_write_files_of_their_own(tmp_path: Path) -> None:
    EventWriter(tmp_path, rank=0).write("started")
    EventWriter(tmp_path, rank=1).write("started")
    assert sorted(event["rank"] for event in EventReader(tmp_path).new()) == [0, 1]
    assert event_file(tmp_path, 1).name == "events.1.jsonl"


def test_a_line_cut_by_a_full_disk_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = EventWriter(tmp_path), EventReader(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:15]))
    with pytest.raises(OSError, match="No space left"):
        writer.write("heartbeat")
    monkeypatch.setattr(os, "write", write)
    writer.write("failed", reason="full")
    assert [event["event"] for event in reader.new()] == ["failed"]
