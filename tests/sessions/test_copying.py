"""A session that is being copied in while it is read: each file comes right by itself once it is whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.sessions import Phase, SessionError, feature_files, open_session
from subspacelens_tui.sessions.features import FOLDER
from subspacelens_tui.sessions.tensors import open_tensors
from tests.conftest import PlantedSession, PlantedSessionFactory


@pytest.fixture
def session(planted: PlantedSessionFactory) -> PlantedSession:
    return planted(layers=2, width=8).start().record()


def files_of(session: PlantedSession) -> list[Path]:
    return sorted((session.path / FOLDER).glob("*.safetensors"))


def other_features(path: Path) -> bytes:
    """A file of the same images and size with other numbers."""
    tensors = load_file(path)
    other = path.with_name(".other")
    save_file({k: v if k == "images" else v + 1 for k, v in tensors.items()}, other)
    content = other.read_bytes()
    other.unlink()
    return content


@pytest.mark.parametrize("kept", [0, 5, 100, 1000, -1])
def test_a_half_copied_file_is_taken_in_once_it_is_whole(session: PlantedSession, kept: int) -> None:
    path = files_of(session)[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    opened = open_session(session.path)
    assert opened.state.recorded == 27
    assert len(opened.problems) == 1
    assert str(path) in opened.problems[0]
    for part in (whole[: len(whole) // 2], whole[:-8]):
        path.write_bytes(part)
        assert not opened.refresh()
        assert len(opened.problems) == 1
    path.write_bytes(whole)
    assert opened.refresh()
    assert opened.problems == []
    assert opened.images() == list(range(36))
    np.testing.assert_array_equal(opened.features(1), open_session(session.path).features(1))


def test_a_whole_file_that_is_cut_off_is_left_out_until_it_is_whole_again(session: PlantedSession) -> None:
    path = files_of(session)[2]
    whole = path.read_bytes()
    opened = open_session(session.path)
    with path.open("r+b") as file:
        file.truncate(len(whole) // 2)
    assert opened.refresh()
    assert opened.state.recorded == 27
    assert len(opened.problems) == 1
    path.write_bytes(whole)
    assert opened.refresh()
    assert opened.state.recorded == 36
    assert opened.problems == []


def in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def renamed(path: Path, content: bytes) -> None:
    temporary = path.with_name("." + path.name + ".AbC123")
    temporary.write_bytes(content)
    temporary.replace(path)


@pytest.mark.parametrize("copy", [in_place, renamed])
def test_a_file_that_is_replaced_is_read_anew(
    session: PlantedSession, copy: Callable[[Path, bytes], None]
) -> None:
    path = files_of(session)[0]
    analyzer = Analyzer(open_session(session.path))
    before = analyzer.result(Settings())
    copy(path, other_features(path))
    assert analyzer.refresh()
    after, fresh = analyzer.result(Settings()), Analyzer(open_session(session.path)).result(Settings())
    assert [layer.R for layer in after.layers] == pytest.approx([layer.R for layer in fresh.layers], rel=1e-9)
    assert [layer.R for layer in after.layers] != pytest.approx(
        [layer.R for layer in before.layers], rel=1e-3
    )
    assert not analyzer.refresh()


def test_what_was_found_in_a_file_goes_with_it(session: PlantedSession) -> None:
    path = files_of(session)[0]
    whole = path.read_bytes()
    tensors = load_file(path)
    tensors["blocks.00"][3] = np.nan
    save_file(tensors, path)
    analyzer = Analyzer(open_session(session.path))
    assert analyzer.result(Settings()).images == 35
    # Read before the session is looked at again: it is another file than the one that was checked.
    last = files_of(session)[3]
    last.write_bytes(other_features(last))
    (uncond,) = {analyzer.result(Settings(branch="uncond")).images}
    assert uncond == 27 - 1
    assert any("has changed since" in note for note in analyzer.result(Settings(branch="uncond")).notes)
    path.write_bytes(whole)
    assert analyzer.refresh()
    for branch in ("cond", "uncond"):
        found = analyzer.result(Settings(branch=branch))
        assert found.images == 36
        assert not any("left out" in note or "changed" in note for note in found.notes)


def test_another_file_is_never_read_for_the_one_that_was_checked(session: PlantedSession) -> None:
    first, second = files_of(session)[:2]
    opened = open_session(session.path)
    shutil.copy(second, first)
    with pytest.raises(SessionError, match="has changed since it was checked"):
        opened.features(0)
    first.unlink()
    with pytest.raises(SessionError, match="is no longer there"):
        opened.features(0)


def test_a_file_that_is_cut_off_while_it_is_read_does_not_end_the_process(session: PlantedSession) -> None:
    path = files_of(session)[0]
    with open_tensors(session.path, FOLDER, path.name, longest_header=10_000) as file:
        os.truncate(path, 0)
        with pytest.raises(SessionError, match="is damaged: it ends at byte"):
            file.read("blocks.01")


def test_an_image_counts_in_another_file_when_the_first_goes(session: PlantedSession) -> None:
    first = files_of(session)[0]
    shutil.copy(first, first.with_name("000000-010.safetensors"))
    opened = open_session(session.path)
    assert opened.state.recorded == 36
    first.unlink()
    assert opened.refresh()
    assert opened.state.recorded == 36
    np.testing.assert_array_equal(opened.features(1), open_session(session.path).features(1))


def test_files_that_go_are_gone_and_of_a_session_that_goes_all_stays(session: PlantedSession) -> None:
    opened = open_session(session.path)
    files_of(session)[0].unlink()
    assert opened.refresh()
    assert opened.images() == list(range(9, 36))
    shutil.rmtree(session.path)
    assert not opened.refresh()
    assert opened.state.recorded == 27


def test_the_files_that_are_compared_in_one_look_are_few_and_all_have_their_turn(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_files, "_LEAST_COMPARED", 2)
    writer = planted(layers=1, width=2, seeds=6, batch=1).start().record()
    opened = open_session(writer.path)
    looked_at: list[str] = []
    compared = feature_files.stamp_at

    def noted(path: Path) -> object:
        looked_at.append(path.name)
        return compared(path)

    monkeypatch.setattr(feature_files, "stamp_at", noted)
    seen = []
    for _ in range(20):
        looked_at.clear()
        opened.refresh()
        assert len(looked_at) <= 54 // 16
        seen += looked_at
    assert {file.path.name for file in opened.files} == set(seen)
    files_of(writer)[40].write_bytes(b"")
    refreshed = [opened.refresh() for _ in range(20)]
    assert any(refreshed)
    assert opened.state.recorded == 53


LINE = '{{"event": "{}", "time": {}, "rank": 0, "host": "elsewhere", "pid": 1}}\n'


def log(*events: str, since: float = 1764000000.125) -> bytes:
    return "".join(LINE.format(event, since + n) for n, event in enumerate(events)).encode()


def test_a_log_that_is_copied_over_is_read_from_the_start(session: PlantedSession) -> None:
    path = session.path / "events.jsonl"
    files_of(session)[0].unlink()
    whole = log("started", "recording", "batch", "batch", "paused", "resumed", "stopped")
    path.write_bytes(whole)
    opened = open_session(session.path)
    assert opened.state.phase is Phase.STOPPED
    told = [event["event"] for event in opened.log]
    path.write_bytes(whole[: len(whole) // 2])  # copied over, and seen half-way
    opened.refresh()
    assert [event["event"] for event in opened.log] == told[:3]
    assert opened.state.phase is Phase.STALE
    path.write_bytes(whole)
    opened.refresh()
    assert [event["event"] for event in opened.log] == told
    assert opened.state.phase is Phase.STOPPED


def test_a_log_in_whose_place_there_is_a_longer_one_is_followed_on(session: PlantedSession) -> None:
    path = session.path / "events.jsonl"
    files_of(session)[0].unlink()
    path.write_bytes(log("started", "recording"))
    opened = open_session(session.path)
    renamed(path, log("started", "recording", "batch", "paused"))
    opened.refresh()
    assert [event["event"] for event in opened.log] == ["started", "recording", "batch", "paused"]
    other = log("started", "recording", "batch", "batch", "batch", "stopped", since=1765000000.5)
    renamed(path, other)
    opened.refresh()
    assert [event["time"] for event in opened.log] == [1765000000.5 + n for n in range(6)]
    assert opened.state.phase is Phase.STOPPED
