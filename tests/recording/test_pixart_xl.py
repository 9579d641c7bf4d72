"""PixArt-XL's true architecture at random weights, from a folder through the command line to a session."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.pixart_xl import make_pixart_xl
from subspacelens_tui.cli import main
from subspacelens_tui.sessions import Phase, open_session
from tests.recording.conftest import prompt_file


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Path]:
    """28 blocks of width 1152, 16 image tokens for 1024; 1.2 GiB."""
    folder = tmp_path / "pixart-xl"
    make_pixart_xl(folder, latent=8, dtype=torch.bfloat16)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("own_signals")
def test_all_28_layers_are_recorded(model: Path, tmp_path: Path) -> None:
    options = ["--model", str(model), "--prompts", prompt_file(tmp_path, "lion", "car"), "--guidance", "3"]
    options += ["--seeds", "1", "--steps", "2", "--tokens", "4", "--name", "xl", "--sessions", str(tmp_path)]
    assert main(["record", "--headless", *options]) == 0
    session = open_session(tmp_path / "xl")
    assert session.state.phase is Phase.FINISHED
    assert session.problems == []
    assert [block.width for block in session.manifest.blocks] == [1152] * 28
    for layer in range(28):
        cond, uncond = (session.features(layer, branch, 0) for branch in ("cond", "uncond"))
        assert cond.shape == uncond.shape == (1152, 2)
        assert np.isfinite(session.features(layer, "cond", 1)).all()
        # Text tells the two images apart; without it they are one, of the same noise.
        np.testing.assert_allclose(uncond[:, 0], uncond[:, 1], rtol=1e-5, atol=1e-6)
        assert np.abs(cond[:, 0] - cond[:, 1]).max() > 1e-2
        assert session.tokens(layer, "cond", 1).shape == (2, 4, 1152)
    assert (tmp_path / "xl" / "images" / "000001.webp").stat().st_size > 0
