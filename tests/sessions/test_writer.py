import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subspacelens_tui.sessions import SessionError, writer
from subspacelens_tui.sessions.control import ask, requested
from subspacelens_tui.sessions.features import write_batch
from subspacelens_tui.sessions.format import Prompt, UnreadText
from subspacelens_tui.sessions.manifest_reader import read_manifest
from subspacelens_tui.sessions.writer import (
    complete_manifest,
    create_or_join_session,
    create_session,
    image_path,
    replace_manifest,
    write_image,
)
from tests.conftest import PlantedSessionFactory


def test_a_session_is_never_overwritten(planted: PlantedSessionFactory) -> None:
    session = planted()
    with pytest.raises(SessionError, match=r"there is a session .* already"):
        create_session(session.path, session.manifest)


def test_a_session_is_there_as_a_whole_or_not_at_all(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = planted().manifest

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    sessions = planted("other").path.parent
    monkeypatch.setattr(writer, "replace_manifest", full)
    with pytest.raises(SessionError, match="cannot make the session .*No space left"):
        create_session(sessions / "new", manifest)
    assert sorted(path.name for path in sessions.iterdir()) == ["other", "planted"]


def test_a_session_that_no_reader_would_open_is_not_made(planted: PlantedSessionFactory) -> None:
    session = planted()
    prompt = Prompt(text="x" * 10_000, labels=session.manifest.prompts[0].labels)
    manifest = session.manifest.model_copy(update={"prompts": [prompt] * 1700})
    with pytest.raises(SessionError, match="would be larger than 16 MiB: record fewer images"):
        create_session(session.path.parent / "large", manifest)
    assert [path.name for path in session.path.parent.iterdir()] == ["planted"]


def test_ranks_join_a_session_of_the_same_plan_only(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    manifest = planted().manifest
    folder = tmp_path / "joined"
    create_or_join_session(folder, manifest.model_copy(update={"blocks": [], "created": "earlier"}))
    create_or_join_session(folder, manifest)
    # What the first of them found out since is no part of the plan.
    unread = [UnreadText(prompt=0, unknown=["a"])]
    replace_manifest(folder, manifest.model_copy(update={"unread_text": unread}))
    create_or_join_session(folder, manifest)
    with pytest.raises(SessionError, match="already, of another plan"):
        create_or_join_session(folder, manifest.model_copy(update={"inference_steps": 30}))


def test_ranks_join_a_session_whose_steps_another_has_found(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    plan = planted().manifest.model_copy(update={"blocks": [], "input_width": None, "default_capture": True})
    found = {"steps": 39, "capture_steps": [0, 38], "timesteps": [1.0] * 39, "scheduler": "HeunDiscreteScheduler"}
    folder = tmp_path / "joined"
    create_session(folder, plan)
    complete_manifest(folder, planted("other").manifest.model_copy(update={**found, "default_capture": True}))
    create_or_join_session(folder, plan)
    with pytest.raises(SessionError, match="already, of another plan"):
        create_or_join_session(folder, plan.model_copy(update={"default_capture": False}))


def test_ranks_join_an_older_session_that_keeps_the_same_steps(planted: PlantedSessionFactory) -> None:
    older = planted()
    create_or_join_session(older.path, older.manifest.model_copy(update={"default_capture": True}))
    with pytest.raises(SessionError, match="already, of another plan"):
        create_or_join_session(
            older.path, older.manifest.model_copy(update={"default_capture": True, "capture_steps": [0]})
        )


def test_the_first_recorder_names_the_blocks_and_others_must_have_them(
    planted: PlantedSessionFactory, tmp_path: Path
) -> None:
    manifest = planted().manifest
    folder = tmp_path / "waiting"
    create_session(folder, manifest.model_copy(update={"blocks": [], "input_width": None}))
    complete_manifest(folder, manifest)
    assert read_manifest(folder).blocks == manifest.blocks
    other = manifest.model_copy(update={"versions": {"torch": "9"}})
    complete_manifest(folder, other)
    assert read_manifest(folder).versions == {}
    with pytest.raises(SessionError, match="a model with 6 blocks of width 32, this one has 5 of width 32"):
        complete_manifest(folder, manifest.model_copy(update={"blocks": manifest.blocks[:5]}))


def test_a_batch_that_cannot_be_written_leaves_nothing_behind(
    planted: PlantedSessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = planted()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_batch(session.path, [0], {"input": np.zeros((1, 2, 2, 4), dtype=np.float32)})
    assert list((session.path / "features").iterdir()) == []


def test_images_are_kept_small(planted: PlantedSessionFactory) -> None:
    session = planted()
    write_image(session.path, 3, Image.new("RGB", (1024, 512), "red"))
    with Image.open(image_path(session.path, 3)) as kept:
        assert kept.format == "WEBP"
        assert kept.size == (256, 128)


def test_requests_to_the_recorder(planted: PlantedSessionFactory, tmp_path: Path) -> None:
    session = planted()
    assert requested(session.path) == "run"
    ask(session.path, "pause")
    assert requested(session.path) == "pause"
    (session.path / "control").write_bytes(b"\xff\x00 nonsense")
    assert requested(session.path) == "run"
    with pytest.raises(SessionError, match="cannot ask the recorder"):
        ask(tmp_path / "nowhere", "stop")
