"""Recording single tokens: on the demo model, against plain hooks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from subspacelens_tui.cli import main
from subspacelens_tui.planning.disk_estimate import feature_bytes
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.pipeline_shape import DenoiserShape, denoiser_shape
from subspacelens_tui.planning.plan import Request, plan
from subspacelens_tui.recording.capture import Capture, Captured
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.generation import Generation
from subspacelens_tui.recording.token_positions import draw_positions
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.features import TokenSample
from tests.recording.conftest import Loaded
from tests.recording.test_capture import TWO, relative

T = 5


def captured(loaded: Loaded, prompts: list[str], seeds: list[int], tokens: int | None) -> Captured:
    keys = [(seed, TWO.index(prompt)) for seed, prompt in zip(seeds, prompts, strict=True)]
    with Capture(loaded.pipeline, loaded.layout, (0, 2), tokens=tokens) as capture:
        capture.start_batch(len(prompts), 3.0, torch.device("cpu"), keys)
        loaded.generate(prompts, seeds, 3.0)
        return capture.finish_batch()


def sample_of(found: Captured) -> TokenSample:
    assert found.tokens is not None
    return found.tokens


def test_tokens_are_what_a_plain_hook_sees_at_their_positions(loaded: Loaded) -> None:
    seen: dict[int, list[np.ndarray]] = {0: [], 11: []}
    handles = [
        loaded.blocks[block].register_forward_hook(
            lambda module, args, output, block=block: seen[block].append(output.numpy().copy())
        )
        for block in seen
    ]
    sample = sample_of(captured(loaded, TWO, [0, 1], T))
    for handle in handles:
        handle.remove()
    assert sample.positions.shape == (2, T)
    assert sample.counts.tolist() == [64, 64]
    assert len(sample.blocks) == 12
    for block, outputs in seen.items():
        assert sample.blocks[block].shape == (2, 2, 2, T, 96)
        for slot, step in enumerate((0, 2)):
            for image, positions in enumerate(sample.positions):
                # A pass stacks the unconditional half first, the session the conditional one.
                cond, uncond = outputs[step][2 + image], outputs[step][image]
                np.testing.assert_array_equal(sample.blocks[block][image, 0, slot], cond[positions])
                np.testing.assert_array_equal(sample.blocks[block][image, 1, slot], uncond[positions])


def test_pooled_features_are_the_same_bit_for_bit_with_and_without_tokens(loaded: Loaded) -> None:
    plain, both = captured(loaded, TWO, [0, 1], None), captured(loaded, TWO, [0, 1], T)
    assert plain.tokens is None
    np.testing.assert_array_equal(plain.layer_input, both.layer_input)
    for without, with_tokens in zip(plain.blocks, both.blocks, strict=True):
        np.testing.assert_array_equal(without, with_tokens)


def test_the_tokens_of_an_image_do_not_depend_on_its_batch(loaded: Loaded) -> None:
    together = sample_of(captured(loaded, TWO, [4, 7], T))
    for row, (prompt, seed) in enumerate(zip(TWO, (4, 7), strict=True)):
        alone = sample_of(captured(loaded, [prompt], [seed], T))
        np.testing.assert_array_equal(alone.positions[0], together.positions[row])
        for one, both in zip(alone.blocks, together.blocks, strict=True):
            assert relative(one[0], both[row]) < 2e-5


def test_positions_are_ascending_reproducible_and_an_images_own() -> None:
    drawn = draw_positions([(0, 0), (0, 1), (1, 0), (0, 0)], 16, 64)
    assert (np.diff(drawn, axis=1) > 0).all()
    assert drawn.min() >= 0
    assert drawn.max() < 64
    np.testing.assert_array_equal(drawn[0], drawn[3])
    assert len(np.unique(drawn, axis=0)) == 3
    np.testing.assert_array_equal(draw_positions([(3, 1)], 8, 8), [range(8)])
    many = draw_positions([(seed, 0) for seed in range(2000)], 16, 64)
    # Each position is drawn by a quarter of the images: 500 ± 5 standard deviations of 19.4.
    assert np.abs(np.bincount(many.ravel(), minlength=64) - 500).max() < 97


def test_more_tokens_than_there_are_is_an_error_in_one_line(loaded: Loaded) -> None:
    message = "65 tokens cannot be kept: the model has 64 image tokens"
    with pytest.raises(PlanningError, match=message):
        plan(Request(tokens=65))
    # For a model that is not here it is known in the first pass only.
    with pytest.raises(RecordingError, match=message):
        captured(loaded, TWO, [0, 1], 65)
    with pytest.raises(PlanningError, match="tokens must be from 1 to"):
        plan(Request(tokens=0))


def test_tokens_of_a_session_are_read_as_they_were_recorded(planned: Callable[..., Path]) -> None:
    folder = planned(tokens=T, capture=[0, 2], batch_size=2)
    with Generation(folder, open_session(folder).manifest, lambda step: None) as generation:
        generation.describe({})
        generation.record([0, 1])
        generation.record([2, 3])
    session = open_session(folder)
    assert session.problems == []
    positions, counts = session.token_positions()
    assert counts.tolist() == [64] * 4
    written = [load_file(path) for path in sorted((folder / "features").glob("*.safetensors"))]
    np.testing.assert_array_equal(positions, np.concatenate([file["token_positions"] for file in written]))
    tokens = session.tokens(7, "uncond", 2)
    assert tokens.shape == (4, T, 96)
    expected = np.concatenate([file["tokens.07"][:, 1, 1] for file in written])
    np.testing.assert_array_equal(tokens, expected)


def test_the_size_is_foretold(planned: Callable[..., Path]) -> None:
    folder = planned(tokens=T, capture=[0, 2], batch_size=25)
    manifest = open_session(folder).manifest
    with Generation(folder, manifest, lambda step: None) as generation:
        generation.describe({})
        generation.record(list(range(25)))
    (file,) = (folder / "features").glob("*.safetensors")
    shape = denoiser_shape("demo")
    assert shape == DenoiserShape((96,) * 12, tokens=64)
    latents = 25 * 8 * 16 * 16 * 4  # of a shape that is known once the model is loaded
    assert 0 <= file.stat().st_size - feature_bytes(manifest, shape) - latents < 16_000  # header, positions


def test_record_says_the_size_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("subspacelens_tui.cli.commands.record._record_here", lambda *_: 0)
    arguments = ["record", "--headless", "--seeds", "1", "--sessions", str(tmp_path)]
    assert main([*arguments, "--name", "some", "--tokens"]) == 0
    # 25 images × 2 branches × 5 steps × (1 + 12 · (1 + 16)) vectors × 96 × 4 bytes
    assert "25 images, features 18.8 MiB (1.2 MiB without tokens)" in capsys.readouterr().err
    assert open_session(tmp_path / "some").manifest.tokens == 16
    assert main([*arguments, "--name", "few", "--tokens", "3"]) == 0
    assert open_session(tmp_path / "few").manifest.tokens == 3
    capsys.readouterr()
    assert main([*arguments, "--name", "none"]) == 0
    assert "without tokens" not in capsys.readouterr().err
    assert main([*arguments, "--name", "many", "--tokens", "99"]) == 1
    assert not (tmp_path / "many").exists()
    assert main(["analyze", "none", "--tokens", "--sessions", str(tmp_path)]) == 2
    assert "none has no tokens: record with --tokens" in capsys.readouterr().err
