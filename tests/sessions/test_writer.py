import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subspacelens_tui.sessions import SessionError
from subspacelens_tui.sessions.control import ask, requested
from subspacelens_tui.sessions.features import write_batch
from subspacelens_tui.sessions.writer import create_session, image_path, write_image
from tests.conftest import PlantedSessionFactory


def test_a_session_is_never_overwritten(planted: PlantedSessionFactory) -> None:
    session = planted()
    with pytest.raises(SessionError, match=r"there is a session .* already"):
        create_session(session.path, session.manifest)


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
