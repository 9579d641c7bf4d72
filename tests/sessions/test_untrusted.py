"""Sessions that a stranger made: each is opened in time and in memory, or refused in one line."""

import ast
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import subspacelens_tui
from subspacelens_tui.sessions import Phase, SessionError, open_session
from subspacelens_tui.sessions.catalog import SessionList, list_sessions
from subspacelens_tui.sessions.control import requested
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.manifest_reader import MAX_MANIFEST_BYTES, read_manifest
from tests.conftest import PlantedSession, PlantedSessionFactory
from tests.sessions.hostile import NOT_PLAIN, TEXTS


@pytest.fixture
def session(planted: PlantedSessionFactory) -> PlantedSession:
    return planted(layers=2, width=8).start().record()


def first_file(session: PlantedSession) -> Path:
    return min((session.path / "features").glob("*.safetensors"))


def with_header(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    changed = change(header)
    text = changed if isinstance(changed, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def shape(key: str, value: list[int]) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[key].update(shape=value)


def offsets(key: str, value: list[int]) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[key].update(data_offsets=value)


def overlapping(header: dict[str, Any]) -> None:
    header["blocks.01"]["data_offsets"] = header["blocks.00"]["data_offsets"]


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "huge shape": shape("blocks.00", [2**40, 2, 2, 8]),
    "a shape whose product overflows": shape("blocks.00", [2**33, 2**33, 2**33, 8]),
    "negative": shape("blocks.00", [-9, 2, 2, 8]),
    "beyond 64 bit": shape("blocks.00", [2**70, 2, 2, 8]),
    "many images": shape("images", [2**40]),
    "no images": shape("images", [0]),
    "images in two dimensions": shape("images", [3, 3]),
    "offsets beyond the file": offsets("blocks.00", [0, 2**50]),
    "offsets backwards": offsets("blocks.00", [100, 0]),
    "overlapping": overlapping,
    "other type": lambda header: header["blocks.00"].update(dtype="F16"),
    "unknown type": lambda header: header["blocks.00"].update(dtype="PICKLE"),
    "images as floats": lambda header: header["images"].update(dtype="F64"),
    "missing": lambda header: header.pop("blocks.01"),
    "deeply nested": lambda header: b"[" * 50_000,
    "no JSON": lambda header: b"\xff" * 100,
    "a list": lambda header: b"[]",
    "empty": lambda header: b"",
    "longer than any batch's": lambda header: json.dumps(header).encode() + b" " * 2**20,
}


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_a_hostile_header_is_refused_and_named(session: PlantedSession, name: str) -> None:
    path = first_file(session)
    with_header(path, HEADERS[name])
    opened = open_session(session.path)
    assert len(opened.problems) == 1
    assert opened.problems[0].startswith(f"{path} is damaged")
    assert opened.state.recorded == 27
    assert opened.features(0).shape == (8, 27)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**32, 100_000_000])
def test_a_header_longer_than_its_file_is_refused(session: PlantedSession, length: int) -> None:
    path = first_file(session)
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    assert f"its header claims {length} bytes" in open_session(session.path).problems[0]


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\0" * 8])
def test_a_file_that_is_next_to_nothing_is_refused(session: PlantedSession, content: bytes) -> None:
    first_file(session).write_bytes(content)
    assert "is damaged" in open_session(session.path).problems[0]


def test_a_file_that_names_one_image_many_times_costs_no_time(planted: PlantedSessionFactory) -> None:
    writer = planted(seeds=2000, layers=1, width=1, batch=18_000)
    writer._write([0] * 18_000)
    opened = open_session(writer.path)
    assert opened.images() == [0]
    assert opened.features(0).shape == (1, 1)


@pytest.mark.parametrize("kind", sorted(NOT_PLAIN))
@pytest.mark.parametrize("name", ["features/000000-009.safetensors", "events.jsonl", "control", MANIFEST])
def test_nothing_but_plain_files_is_read(session: PlantedSession, kind: str, name: str) -> None:
    (session.path / "control").write_text("pause")
    NOT_PLAIN[kind](session.path / name)
    if name == MANIFEST:
        with pytest.raises(SessionError, match="not a plain file"):
            open_session(session.path)
        return
    opened = open_session(session.path)
    assert opened.state.recorded == (27 if "features" in name else 36)
    assert requested(session.path) == ("run" if name == "control" else "pause")
    assert len(opened.problems) == ("features" in name)


@pytest.mark.parametrize("folder", ["features", "images"])
def test_a_linked_folder_is_not_followed(session: PlantedSession, folder: str, tmp_path: Path) -> None:
    (session.path / folder).rename(tmp_path / "outside")
    (session.path / folder).symlink_to(tmp_path / "outside")
    opened = open_session(session.path)
    assert not opened.refresh()
    assert opened.state.recorded == (0 if folder == "features" else 36)
    assert len(opened.problems) == (folder == "features")
    assert list_sessions(session.path.parent)[0].problem is None


def test_many_damaged_files_are_counted_not_listed(session: PlantedSession) -> None:
    for number in range(150):
        (session.path / "features" / f"9{number:05}.safetensors").write_bytes(b"no")
    opened = open_session(session.path)
    assert len(opened.problems) == 101
    assert opened.problems[-1] == "50 more files are left out"
    assert opened.state.recorded == 36


def test_more_files_than_a_session_can_have_are_not_looked_at(session: PlantedSession) -> None:
    for number in range(1100):
        (session.path / "features" / f"{number}").touch()
    opened = open_session(session.path)
    assert "holds more than 1036 files" in opened.problems[0]
    opened.refresh()
    assert len(opened.problems) == 1


MANIFESTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "deeply nested": lambda m: b'{"format_version": 1, "prompts": ' + b"[" * 100_000,
    "too large": lambda m: b" " * (MAX_MANIFEST_BYTES + 1),
    "bytes": lambda m: os.urandom(4096),
    "a list": lambda m: b"[]",
    "NaN": lambda m: m | {"guidance": [float("nan")]},
    "infinite": lambda m: json.dumps(m).replace("3.0", "1e999").encode(),
    "a number of a million digits": lambda m: json.dumps(m).replace("3.0", "9" * 10**6).encode(),
    "beyond 64 bit": lambda m: m | {"steps": 2**70},
    "many images": lambda m: m | {"images": m["images"][:1] * 200_001},
    "many prompts": lambda m: m | {"prompts": m["prompts"][:1] * 100_001},
    "many wrong images": lambda m: m | {"images": [0] * 1_000_000},
    "many blocks": lambda m: m | {"blocks": m["blocks"][:1] * 1001},
    "many label schemes": lambda m: m | {"prompts": [{"text": "a", "labels": dict.fromkeys(LONG, "x")}]},
    "many wrong versions": lambda m: m | {"versions": dict.fromkeys(LONG, 0)},
    "a long key": lambda m: m | {"versions": {"x" * 10**6: "1"}},
    "a long text": lambda m: m | {"created": "x" * 10**6},
    "a block as wide as memory": lambda m: m | {"blocks": [{"name": "b", "width": 2**40}]},
}
LONG = [str(number) for number in range(100_000)]


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_a_hostile_manifest_is_refused_in_one_line(session: PlantedSession, name: str) -> None:
    path = session.path / MANIFEST
    changed = MANIFESTS[name](json.loads(path.read_text()))
    path.write_bytes(changed if isinstance(changed, bytes) else json.dumps(changed).encode())
    with pytest.raises(SessionError) as raised:
        read_manifest(session.path)
    assert len(str(raised.value)) < 500
    assert "\n" not in str(raised.value)
    assert list_sessions(session.path.parent)[0].problem == str(raised.value)


def test_a_pattern_of_promises_is_checked_without_being_written_out(session: PlantedSession) -> None:
    path = session.path / MANIFEST
    manifest = json.loads(path.read_text())
    manifest |= {"blocks": [{"name": "b", "width": 1_000_000}] * 1000, "tokens": 1_000_000}
    path.write_text(json.dumps(manifest))
    opened = open_session(session.path)
    assert opened.state.recorded == 0
    assert len(opened.problems) == 4


EVENTS = [
    b'{"event": "batch", "time": NaN, "images": [0], "seconds": 1}',
    b'{"event": "batch", "time": Infinity}',
    b'{"event": "batch", "time": 1e999}',
    b'{"event": "batch", "time": 1, "seconds": ' + b"9" * 400 + b', "images": [1]}',
    b'{"event": "batch", "time": ' + b"9" * 5000 + b"}",
    b'{"event": "batch", "time": 1, "images": [0], "seconds": 5e-324}',
    b'{"event": "started", "time": 1, "host": "' + os.uname().nodename.encode() + b'", "pid": -1}',
    b'{"event": "started", "time": 1, "host": 3, "pid": 99999999999999}',
    b'{"event": "heartbeat", "time": 1, "device": {"used": 1e308, "total": NaN, "utilisation": "x"}}',
    b'{"event": "loading", "time": 1, "what": {"a": [1, {"b": [[[[1]]]]}]}}',
    b'{"event": "take", "time": 1, "rank": [1]}',
    b'{"event": "loading", "time": true, "rank": true}',
    b'{"event": ' + b"[" * 20_000 + b"]" * 20_000 + b', "time": 1}',
    b'{"event": "' + b"x" * 2_000_000 + b'", "time": 1}',
    b"\x00\xff\xfe",
    b"[1, 2]",
]


def test_hostile_events_are_passed_over(session: PlantedSession) -> None:
    path = session.path / "events.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in EVENTS) + b'{"event": "recording", "time": 2}\n{"even')
    manifest = json.loads((session.path / MANIFEST).read_text())
    manifest["images"] = manifest["images"] * 2
    (session.path / MANIFEST).write_text(json.dumps(manifest))
    opened = open_session(session.path)
    assert opened.log[-1]["event"] == "recording"
    assert opened.state.phase in (Phase.STALE, Phase.RECORDING)
    assert opened.state.rate is None
    assert opened.state.eta is None


def test_a_log_beyond_all_measure_is_taken_in_bit_by_bit(session: PlantedSession) -> None:
    line = b'{"event": "loading", "time": 1, "what": "' + b"x" * 1000 + b'"}\n'
    end = b'{"event": "failed", "time": 2, "reason": "the end"}\n'
    (session.path / "events.jsonl").write_bytes(line * 6000 + end)
    opened = open_session(session.path)
    assert len(opened.log) == 500
    assert opened.log[-1]["event"] == "loading"
    opened.refresh()
    assert opened.log[-1]["reason"] == "the end"


def test_a_night_of_heartbeats_is_passed_over_at_once(session: PlantedSession) -> None:
    beat = b'{"event": "heartbeat", "time": 1764000000.5, "rank": 0, "step": 3, "device": null}\n'
    (session.path / "events.jsonl").write_bytes(
        b'{"event": "recording", "time": 1}\n' + beat * 100_000 + b'{"event": "paused", "time": 3}\n'
    )
    assert [event["event"] for event in open_session(session.path).log] == ["recording", "paused"]


def test_many_logs_are_of_no_more_ranks_than_there_can_be(session: PlantedSession) -> None:
    for rank in (1, 9999, 10_000, "x", "01"):
        (session.path / f"events.{rank}.jsonl").write_text(
            json.dumps({"event": "loading", "time": 1, "rank": rank, "what": str(rank)}) + "\n"
        )
    log = open_session(session.path).log
    assert [event["what"] for event in log if event["event"] == "loading"] == ["1"]


def test_names_and_texts_are_kept_as_they_are_and_their_session_opens(session: PlantedSession) -> None:
    path = session.path / MANIFEST
    for text in TEXTS:
        manifest = json.loads(path.read_text()) | {"created": text, "prompt_set": text}
        for prompt in manifest["prompts"]:
            prompt["text"] = text
        path.write_text(json.dumps(manifest))
        assert open_session(session.path).manifest.prompts[0].text == text


def test_the_list_reads_a_session_that_was_replaced_anew(planted: PlantedSessionFactory) -> None:
    one = planted("one").start().record(1)
    sessions = SessionList(one.path.parent)
    assert sessions.read()[0].state.recorded == 9
    one.record(1)
    assert sessions.read()[0].state.recorded == 18
    (one.path / MANIFEST).write_text("{")
    assert sessions.read()[0].problem is not None
    (one.path / MANIFEST).write_text(one.manifest.model_copy(update={"created": "later"}).to_json())
    assert sessions.read()[0].created == "later"


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_nothing_of_ours_can_run_what_a_file_says() -> None:
    for path in Path(subspacelens_tui.__file__).parent.rglob("*.py"):
        _check_source(ast.parse(path.read_text()))


def _check_source(tree: ast.AST) -> None:
    assert not _imports(tree) & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert not named & {"eval", "exec", "compile", "__import__"}
    for call in calls:
        if not isinstance(call.func, ast.Attribute):
            continue
        keywords = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
        assert "trust_remote_code" not in keywords
        of = ast.unparse(call.func)
        assert of not in ("np.load", "numpy.load") or keywords.get("allow_pickle") is False
        assert of != "torch.load" or keywords.get("weights_only") is True
