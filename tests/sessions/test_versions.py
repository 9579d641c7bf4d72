import json
from pathlib import Path
from typing import Any

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.sessions import SessionError, open_session, versions
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.manifest_reader import parse_manifest

OLD = Path(__file__).parents[2] / "sessions" / "demo-small"


@pytest.mark.parametrize(
    "version",
    [None, "1", "", 1.0, 1.5, True, 0, -1, 10**6 + 1, 10**18, 10**30, [1], {"major": 1}, [[[1]]]],
)
def test_what_is_no_version_is_refused(version: object) -> None:
    content = json.loads((OLD / MANIFEST).read_text()) | {"format_version": version}
    with pytest.raises(SessionError, match="no format version that a session can have"):
        parse_manifest(json.dumps(content), Path("session.json"))


def test_a_manifest_without_a_version_is_refused() -> None:
    content = json.loads((OLD / MANIFEST).read_text())
    del content["format_version"]
    with pytest.raises(SessionError, match="no format version"):
        parse_manifest(json.dumps(content), Path("session.json"))


@pytest.mark.parametrize("version", [4, 999, 10**6])
def test_a_newer_version_is_refused_whatever_else_it_says(version: int) -> None:
    for content in ({"format_version": version}, {"format_version": version, "images": "in another file"}):
        with pytest.raises(SessionError, match=f"version {version}, this program reads up to 3: update"):
            parse_manifest(json.dumps(content), Path("session.json"))


def test_a_recorded_session_of_an_older_version_is_upgraded_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The recorded session is of version 1, two before this program's."""
    seen: list[tuple[int, Any]] = []
    real = versions.UPGRADES[1]

    def to_2(content: dict[str, Any]) -> dict[str, Any]:
        seen.append((content["format_version"], content["prompt_set"]))
        return real(content) | {"prompt_set": f"{content['prompt_set']}, once"}

    def to_3(content: dict[str, Any]) -> dict[str, Any]:
        seen.append((content["format_version"], content["prompt_set"]))
        return {key: value for key, value in content.items() if key != "steps"} | {"steps": 40}

    before = Analyzer(open_session(OLD)).result(Settings())
    monkeypatch.setattr(versions, "UPGRADES", {1: to_2, 2: to_3})
    session = open_session(OLD)
    assert seen == [(1, "demo"), (2, "demo, once")]
    assert (session.manifest.format_version, session.manifest.steps) == (3, 40)
    assert Analyzer(session).result(Settings()).layers == before.layers
    with pytest.raises(SessionError, match="version 4, this program reads up to 3"):
        parse_manifest('{"format_version": 4}', Path("session.json"))


def test_a_session_of_version_1_has_the_branches_it_was_recorded_with() -> None:
    session = open_session(OLD)
    assert json.loads((OLD / MANIFEST).read_text())["format_version"] == 1
    assert session.manifest.format_version == 3
    assert session.manifest.guidance_branches == [["cond", "uncond"]]
    assert session.manifest.denoisers == ["transformer"]


@pytest.mark.parametrize("version", [2, 3])
def test_an_older_reader_refuses_a_newer_version(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(json.loads((OLD / MANIFEST).read_text()) | {"format_version": version})
    monkeypatch.setattr(versions, "FORMAT_VERSION", version - 1)
    older = f"version {version}, this program reads up to {version - 1}: update subspacelens-tui"
    with pytest.raises(SessionError, match=older):
        parse_manifest(text, Path("session.json"))


def test_a_damaged_older_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "FORMAT_VERSION", 2)
    monkeypatch.setattr(versions, "UPGRADES", {1: lambda content: {"images": content["images"][0]}})
    for content in ({}, {"images": []}, {"images": 3}, {"images": [3]}):
        with pytest.raises(SessionError, match=r"damaged|Field required"):
            parse_manifest(json.dumps({"format_version": 1} | content), Path("session.json"))


def test_every_older_version_has_its_step() -> None:
    assert sorted(versions.UPGRADES) == list(range(1, versions.FORMAT_VERSION))
