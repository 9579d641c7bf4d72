"""Tokens on disk: what is checked of them, and that sessions without them are read as before."""

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from subspacelens_tui.sessions import SessionError, open_session
from subspacelens_tui.sessions.format import MANIFEST
from subspacelens_tui.sessions.manifest_reader import read_manifest
from tests.analysis.token_sessions import plant
from tests.conftest import PlantedSessionFactory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    return plant(tmp_path / "s", [rng.standard_normal((18, 6, 8))] * 2, 3).path


def test_a_session_without_tokens_is_read_as_before(planted: PlantedSessionFactory) -> None:
    folder = planted().start().record().path
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"tokens": null,', ""))
    assert read_manifest(folder).tokens is None
    session = open_session(folder)
    assert session.problems == []
    for call in (session.token_positions, lambda: session.tokens(0)):
        with pytest.raises(SessionError, match="planted has no tokens: record with --tokens"):
            call()


def test_tokens_come_in_the_order_of_the_images(path: Path) -> None:
    session = open_session(path)
    files = sorted((path / "features").glob("*.safetensors"))
    written = [load_file(file) for file in files]
    np.testing.assert_array_equal(session.images(), np.concatenate([file["images"] for file in written]))
    np.testing.assert_array_equal(
        session.tokens(1), np.concatenate([file["tokens.01"][:, 0, 0] for file in written])
    )
    with pytest.raises(SessionError, match="no layer 2"):
        session.tokens(2)
    with pytest.raises(SessionError, match="no uncond branch"):
        session.tokens(0, "uncond")


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("tokens.01", lambda t: t[:, :, :, :2], r"tokens\.01 is \(5, 1, 1, 2, 8\)"),
        ("tokens.00", lambda t: t.astype(np.float64), r"tokens\.00 is F64, not float32"),
        ("token_positions", lambda t: t[:, :2], r"token_positions is \(5, 2\)"),
        ("token_positions", lambda t: t.astype(np.float32), "token_positions is F32, not int64"),
        ("token_counts", None, r"token_counts is None, session\.json says \(5,\)"),
    ],
)
def test_files_whose_tokens_do_not_fit_are_left_out_and_named(
    path: Path, key: str, change: object, message: str
) -> None:
    file = sorted((path / "features").glob("*.safetensors"))[0]
    tensors = load_file(file)
    found = tensors.pop(key)
    if callable(change):
        tensors[key] = np.ascontiguousarray(change(found))
    save_file(tensors, file)
    session = open_session(path)
    (problem,) = session.problems
    assert str(file) in problem
    assert re.search(message, problem)
    assert len(session.images()) == 13
    assert session.tokens(0).shape == (13, 3, 8)


@pytest.mark.parametrize(("key", "value"), [("token_counts", 0), ("token_positions", -1)])
def test_tokens_that_no_image_has_are_refused(path: Path, key: str, value: int) -> None:
    file = sorted((path / "features").glob("*.safetensors"))[0]
    tensors = load_file(file)
    tensors[key].flat[0] = value
    save_file(tensors, file)
    with pytest.raises(SessionError, match="is damaged: tokens at positions that an image does not have"):
        open_session(path).token_positions()
