import json
from pathlib import Path

import pytest

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.manifest_reader import parse_manifest, read_manifest
from tests.conftest import PlantedSessionFactory


def changed(text: str, **changes: object) -> str:
    return json.dumps(json.loads(text) | changes)


def test_a_manifest_survives_being_written_and_read(planted: PlantedSessionFactory) -> None:
    session = planted(guidance=(1.0, 3.0))
    assert read_manifest(session.path) == session.manifest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 4}, "format version 4, this program reads up to 3: update subspacelens-tui"),
        ({"prompts": []}, "prompts: List should have at least 1 item"),
        ({"images": [{"prompt": 99, "seed": 0, "guidance": 3.0}]}, "image 0 names prompt 99"),
        ({"images": [{"prompt": 0, "seed": 0, "guidance": 7.5}]}, "guidance 7.5, which `guidance` does not"),
        ({"images": [{"prompt": 0, "seed": -1, "guidance": 3.0}]}, "images.0.seed"),
        ({"capture_steps": [5, 20]}, "capture_steps must ascend and lie below steps (20)"),
        ({"capture_steps": [19, 5]}, "capture_steps must ascend"),
        ({"timesteps": [999.0, 0.0]}, "there are 2 timesteps for 20 steps"),
        ({"timesteps": [None] * 20}, "timesteps.0"),
        ({"inference_steps": 0}, "inference_steps: Input should be greater than"),
        ({"prompts": [{"text": "a", "labels": {"x": "1"}}, {"text": "b", "labels": {}}]}, "lacks a label"),
        ({"blocks": [{"name": "b", "width": 0}]}, "blocks.0.width"),
        ({"guidance_branches": []}, "guidance_branches must have the branches of each guidance scale"),
        ({"guidance_branches": [["uncond", "cond"]]}, 'must be ["cond"] or ["cond", "uncond"]'),
        ({"guidance_branches": [["cond", "other"]]}, "guidance_branches.0.1"),
        ({"call": {"image": {"a": {"b": 1}}}}, "call.image"),
    ],
)
def test_a_damaged_manifest_is_named_in_one_line(
    planted: PlantedSessionFactory, changes: dict[str, object], message: str
) -> None:
    session = planted()
    (session.path / MANIFEST).write_text(changed(session.manifest.to_json(), **changes))
    with pytest.raises(SessionError) as raised:
        read_manifest(session.path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(session.path / MANIFEST) in str(raised.value)


def test_an_older_manifest_asked_for_the_steps_that_it_counts(planted: PlantedSessionFactory) -> None:
    text = json.loads(planted().manifest.to_json())
    for key in ("inference_steps", "timesteps", "scheduler", "default_capture"):
        del text[key]
    manifest = parse_manifest(json.dumps(text), Path("session.json"))
    assert (manifest.steps, manifest.inference_steps) == (20, 20)
    assert manifest.timestep(19) is None


def test_half_a_manifest_is_damaged(planted: PlantedSessionFactory) -> None:
    text = planted().manifest.to_json()
    with pytest.raises(SessionError, match="is damaged"):
        parse_manifest(text[: len(text) // 2], Path("session.json"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_manifest_that_went_through_an_editor_is_read(
    planted: PlantedSessionFactory, encoding: str
) -> None:
    session = planted()
    manifest = session.path / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("\n", "\r\n"), encoding=encoding)
    assert read_manifest(session.path) == session.manifest
    manifest.write_bytes(manifest.read_bytes()[:-1])
    with pytest.raises(SessionError, match="is damaged: it is not JSON"):
        read_manifest(session.path)


def test_keys_of_a_later_minor_version_are_passed_over(planted: PlantedSessionFactory) -> None:
    session = planted()
    assert parse_manifest(changed(session.manifest.to_json(), weather="fine"), Path("x")) == session.manifest


def test_a_folder_without_a_manifest_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"is no session: it has no session\.json"):
        read_manifest(tmp_path)


def test_branches_are_those_that_were_found_whatever_the_guidance(planted: PlantedSessionFactory) -> None:
    manifest = planted(guidance=(1.0, 3.0)).manifest
    assert [manifest.branches_at(scale) for scale in manifest.guidance] == [("cond",), ("cond", "uncond")]
    assert manifest.branches == ("cond", "uncond")
    found = {"guidance_branches": [["cond", "uncond"], ["cond"]]}
    other = parse_manifest(changed(manifest.to_json(), **found), Path("x"))
    assert [other.branches_at(scale) for scale in (1.0, 3.0)] == [("cond", "uncond"), ("cond",)]
    # Before the model is loaded they are not known, and what is usual is expected.
    planned = parse_manifest(changed(manifest.to_json(), blocks=[], guidance_branches=[]), Path("x"))
    assert planned.branches_at(1.0) == ("cond",)
