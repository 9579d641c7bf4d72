"""The hooks on real pipelines: what they capture, and that they change nothing."""

import copy
import functools
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import PixArtAlphaPipeline, PixArtSigmaPipeline, PixArtTransformer2DModel, hooks

from subspacelens_tui.models import ModelError
from subspacelens_tui.recording.capture import Capture, Captured
from subspacelens_tui.recording.compiling import compile_blocks
from subspacelens_tui.recording.errors import RecordingError
from tests.recording.conftest import Loaded, found


def captured(
    loaded: Loaded,
    prompts: list[str],
    seeds: list[int],
    guidance: float,
    capture_steps: tuple[int, ...] = (0, 1, 2),
) -> Captured:
    with Capture(loaded.pipeline, loaded.layout, capture_steps) as capture:
        capture.start_batch(len(prompts), guidance, torch.device("cpu"))
        loaded.generate(prompts, seeds, guidance)
        return capture.finish_batch()


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


TWO = ["a lion", "a car"]


def test_the_conditional_half_under_guidance_is_the_run_without_guidance(loaded: Loaded) -> None:
    guided = captured(loaded, TWO, [0, 1], guidance=3.0)
    plain = captured(loaded, TWO, [0, 1], guidance=1.0)
    for with_guidance, without in zip(guided.blocks, plain.blocks, strict=True):
        assert with_guidance.shape == (2, 2, 3, 96)
        assert without.shape == (2, 1, 3, 96)
        # Step 0 only: afterwards guidance has moved the latents.
        assert relative(with_guidance[:, 0, 0], without[:, 0, 0]) < 1e-6
        assert relative(with_guidance[:, 1, 0], without[:, 0, 0]) > 1e-3
        assert relative(with_guidance[:, 0, 2], without[:, 0, 2]) > 1e-4
    assert relative(guided.layer_input[:, 0, 0], plain.layer_input[:, 0, 0]) < 1e-6


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (PixArtSigmaPipeline, {}),
        (PixArtAlphaPipeline, {"sample_size": 128, "patch_size": 8, "use_additional_conditions": True}),
    ],
    ids=["sigma", "alpha-1024"],
)
def test_the_other_models_of_the_family(loaded: Loaded, kind: Any, changes: dict[str, Any]) -> None:
    """Sigma reads 300 tokens of text; alpha at 1024 pixels is told the size of the picture besides."""
    pipeline = loaded.pipeline
    config = {**pipeline.transformer.config, "num_layers": 2, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformer = PixArtTransformer2DModel.from_config(config).eval()
    narrow = {"decoder_block_out_channels": (8, 8, 8), "num_decoder_blocks": (1, 1, 1)}
    vae = type(pipeline.vae).from_config({**pipeline.vae.config, **narrow})
    other = found(loaded.with_other(kind, transformer=transformer, vae=vae).pipeline)
    guided = captured(other, ["a lion"], [0], guidance=3.0)
    plain = captured(other, ["a lion"], [0], guidance=1.0)
    for with_guidance, without in zip(guided.blocks, plain.blocks, strict=True):
        assert relative(with_guidance[:, 0, 0], without[:, 0, 0]) < 1e-6
        assert relative(with_guidance[:, 1, 0], without[:, 0, 0]) > 1e-4


def test_features_are_the_token_means_of_what_the_blocks_put_out(loaded: Loaded) -> None:
    seen: list[torch.Tensor] = []
    block = loaded.blocks[5]
    handle = block.register_forward_hook(lambda module, args, output: seen.append(output.double().mean(1)))
    of_steps = captured(loaded, TWO, [0, 1], guidance=3.0, capture_steps=(0, 2))
    handle.remove()
    assert len(seen) == 3
    for slot, step in enumerate((0, 2)):
        uncond, cond = seen[step].numpy()[:2], seen[step].numpy()[2:]
        np.testing.assert_allclose(of_steps.blocks[5][:, 0, slot], cond, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(of_steps.blocks[5][:, 1, slot], uncond, rtol=1e-5, atol=1e-6)


def test_an_image_does_not_depend_on_its_batch(loaded: Loaded) -> None:
    together = captured(loaded, TWO, [4, 7], guidance=3.0)
    for row, (prompt, seed) in enumerate(zip(TWO, (4, 7), strict=True)):
        alone = captured(loaded, [prompt], [seed], guidance=3.0)
        for one, both in zip(alone.blocks, together.blocks, strict=True):
            assert relative(one[0], both[row]) < 2e-5


def test_hooks_change_nothing_and_leave_nothing_behind(loaded: Loaded) -> None:
    pipeline = loaded.pipeline
    bare = np.asarray(loaded.generate(TWO, [0, 1], 3.0)[0])
    with Capture(pipeline, loaded.layout, (0,)) as capture:
        capture.start_batch(2, 3.0, torch.device("cpu"))
        hooked = np.asarray(loaded.generate(TWO, [0, 1], 3.0)[0])
    np.testing.assert_array_equal(bare, hooked)
    for module in pipeline.transformer.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert "step" not in vars(pipeline.scheduler)
    assert "set_timesteps" not in vars(pipeline.scheduler)


def test_a_block_that_did_not_run_is_an_error_not_a_zero(loaded: Loaded) -> None:
    with Capture(loaded.pipeline, loaded.layout, (0, 2)) as capture:
        capture.start_batch(1, 3.0, torch.device("cpu"))
        loaded.generate(["a lion"], [0], 3.0, steps=2)
        with pytest.raises(RecordingError, match="ran 0 times at step 2 instead of once"):
            capture.finish_batch()


class Skipped(torch.nn.Module):
    def forward(self, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return hidden_states


def test_a_block_that_was_skipped_between_others_is_named(loaded: Loaded) -> None:
    blocks = loaded.pipeline.transformer.transformer_blocks
    whole = blocks[5]
    with Capture(loaded.pipeline, loaded.layout, (0, 1)) as capture:
        capture.start_batch(1, 3.0, torch.device("cpu"))
        try:
            blocks[5] = Skipped()
            loaded.generate(["a lion"], [0], 3.0, steps=2)
        finally:
            blocks[5] = whole
        with pytest.raises(
            RecordingError, match=r"^transformer_blocks\.5 ran 0 times at step 0 instead of once"
        ):
            capture.finish_batch()


INSIDE = {
    "spatial_attention_block_skip_range": 2,
    "spatial_attention_block_identifiers": ("transformer_blocks",),
    "current_timestep_callback": lambda: 0,
}


@pytest.mark.parametrize(
    ("cache", "config"),
    [
        (hooks.apply_first_block_cache, hooks.FirstBlockCacheConfig(threshold=0.2)),
        (hooks.apply_mag_cache, hooks.MagCacheConfig(num_inference_steps=3, calibrate=True)),
        (hooks.apply_pyramid_attention_broadcast, hooks.PyramidAttentionBroadcastConfig(**INSIDE)),
        (hooks.apply_faster_cache, hooks.FasterCacheConfig(**INSIDE, tensor_format="BCHW")),
    ],
)
def test_a_pipeline_with_a_cache_is_refused(loaded: Loaded, cache: Any, config: Any) -> None:
    transformer = PixArtTransformer2DModel.from_config(loaded.pipeline.transformer.config)
    cache(transformer, config)
    cached = loaded.with_other(transformer=transformer)
    words = (
        r"has the cache hook '.+', with which layers report .*: call `disable_cache\(\)` on its transformer"
    )
    with pytest.raises(RecordingError, match=words):
        Capture(cached.pipeline, loaded.layout, (0,))
    with pytest.raises(ModelError, match=words):
        found(cached.pipeline)


def test_compiled_blocks_are_captured_all_and_compiled_once(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the graphs run as they are: what the default backend makes of them takes a minute here."""
    plain = captured(loaded, TWO, [0, 1], guidance=3.0)
    compiled = loaded.with_other(transformer=copy.deepcopy(loaded.pipeline.transformer))
    graphs: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    compile_blocks(compiled.blocks)
    of_compiled = captured(compiled, TWO, [0, 1], guidance=3.0)
    for one, other in zip(of_compiled.blocks, plain.blocks, strict=True):
        assert relative(one, other) < 1e-6
    assert relative(of_compiled.layer_input, plain.layer_input) < 1e-6
    assert 1 <= len(graphs) < len(plain.blocks)  # blocks that are alike share one
