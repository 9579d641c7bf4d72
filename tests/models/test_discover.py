"""What is found of pipelines of many classes, held to what their code says.

No name of a model is in the program: the table below was written by hand, from diffusers' source.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from subspacelens_tui.models import ModelError
from subspacelens_tui.models.batch_rows import difference, tolerance
from subspacelens_tui.models.call import PipelineCall, pictures_of
from subspacelens_tui.models.discover import Found, discover
from subspacelens_tui.models.text_memory import TextMemory
from subspacelens_tui.planning.denoiser_blocks import block_lists
from subspacelens_tui.recording.capture import Capture, Captured
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.timesteps import as_floats
from tests.models.tiny_pipelines import RECIPES, build, generators

STEPS = 4
UC, CU = (("uncond", "cond"),), (("cond", "uncond"),)
ONE, TWO = (("cond",),), (("cond",), ("uncond",))
UNET = (
    ("down_blocks.1.attentions.0.transformer_blocks", 1),
    ("down_blocks.2.attentions.0.transformer_blocks", 2),
    ("mid_block.attentions.0.transformer_blocks", 2),
    ("up_blocks.0.attentions.0.transformer_blocks", 2),
    ("up_blocks.0.attentions.1.transformer_blocks", 2),
    ("up_blocks.1.attentions.0.transformer_blocks", 1),
    ("up_blocks.1.attentions.1.transformer_blocks", 1),
)


class Facts(NamedTuple):
    """Lists in run order with their blocks, widths, image tokens, where these are, rows of each forward."""

    lists: tuple[tuple[str, int], ...]
    widths: tuple[int, ...]
    tokens: tuple[int, ...]
    places: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def blocks(count: int, name: str = "transformer_blocks") -> tuple[tuple[str, int], ...]:
    return ((name, count),)


MOTION = (
    ("down_blocks.0.attentions.0.transformer_blocks", 1),
    ("down_blocks.0.motion_modules.0.transformer_blocks", 1),
    ("down_blocks.1.motion_modules.0.transformer_blocks", 1),
    ("mid_block.attentions.0.transformer_blocks", 1),
    ("mid_block.motion_modules.0.transformer_blocks", 1),
    ("up_blocks.0.motion_modules.0.transformer_blocks", 1),
    ("up_blocks.0.motion_modules.1.transformer_blocks", 1),
    ("up_blocks.1.attentions.0.transformer_blocks", 1),
    ("up_blocks.1.motion_modules.0.transformer_blocks", 1),
    ("up_blocks.1.attentions.1.transformer_blocks", 1),
    ("up_blocks.1.motion_modules.1.transformer_blocks", 1),
)
STREAMS = (("transformer_blocks", 2), ("single_transformer_blocks", 3))
KNOWN = {
    "pixart_alpha": Facts(blocks(3), (24,), (24,), ("all",), UC),
    "pixart_sigma": Facts(blocks(3), (24,), (24,), ("all",), UC),
    "dit": Facts(blocks(3), (16,), (16,), ("all",), CU),
    "sana": Facts(blocks(3), (16,), (256,), ("all",), UC),
    "sana_sprint": Facts(blocks(3), (16,), (256,), ("all",), ONE),
    "wan": Facts(blocks(3, "blocks"), (24,), (12,), ("all",), TWO),
    "wan22": Facts(blocks(3, "blocks"), (24,), (12,), ("all",), TWO),
    "sd3": Facts(blocks(4), (32,), (24,), ("all",), UC),
    "flux": Facts(STREAMS, (32,), (24,), ("all",), ONE),
    "flux_true_cfg": Facts(STREAMS, (32,), (24,), ("all",), TWO),
    "flux_schnell": Facts(STREAMS, (32,), (24,), ("all",), ONE),
    "flux2": Facts(STREAMS, (32,), (24,), ("all", "last"), ONE),
    "flux2_klein": Facts(STREAMS, (32,), (24,), ("all", "last"), TWO),
    "qwen_image": Facts(blocks(3), (48,), (24,), ("all",), TWO),
    "z_image": Facts((("noise_refiner", 2), ("layers", 3)), (32,), (80,), ("first",), CU),
    "lumina2": Facts((("noise_refiner", 2), ("layers", 3)), (24,), (6,), ("all", "ragged"), TWO),
    "cogview3plus": Facts(blocks(3), (16,), (24,), ("all",), UC),
    "cogvideox": Facts(blocks(3), (32,), (6,), ("all",), UC),
    "aura_flow": Facts(
        (("joint_transformer_blocks", 2), ("single_transformer_blocks", 3)), (32,), (24,), ("all", "last"), UC
    ),
    "chroma": Facts(STREAMS, (32,), (24,), ("all", "last"), TWO),
    "ltx": Facts(blocks(3), (32,), (192,), ("all",), UC),
    "sdxl": Facts(UNET, (32, 48), (24, 6), ("all",), UC),
    "sdxl_turbo": Facts(UNET, (32, 48), (24, 6), ("all",), ONE),
    "sdxl_pag": Facts(UNET, (32, 48), (24, 6), ("all",), (("uncond", "cond", "other"),)),
    "sd15": Facts(
        (
            ("down_blocks.0.attentions.0.transformer_blocks", 1),
            ("mid_block.attentions.0.transformer_blocks", 1),
            ("up_blocks.1.attentions.0.transformer_blocks", 1),
            ("up_blocks.1.attentions.1.transformer_blocks", 1),
        ),
        (16, 32),
        (96, 24),
        ("all",),
        UC,
    ),
    "kolors": Facts(UNET, (32, 48), (24, 6), ("all",), UC),
    "sd3_image": Facts(blocks(4), (32,), (24,), ("all",), UC),
    "sdxl_image": Facts(UNET, (32, 48), (24, 6), ("all",), UC),
    "stable_audio": Facts(blocks(3), (8,), (4,), ("last",), UC),
    "ernie_image": Facts(blocks(3, "layers"), (32,), (256,), ("first",), UC),
    "sd3_controlnet": Facts(blocks(4), (32,), (24,), ("all",), UC),
    "flux_controlnet": Facts(STREAMS, (32,), (24,), ("all",), ONE),
    "mochi": Facts(blocks(3), (16,), (2,), ("all",), UC),
    "animatediff": Facts(MOTION, (16, 32), (256, 64), ("all",), UC),
    "flux_kontext": Facts(STREAMS, (32,), (24,), ("first",), ONE),
    "ltx_image": Facts(blocks(3), (32,), (192,), ("all",), UC),
}


def discovered(name: str, pipeline: Any | None = None, guidance: Sequence[float] | None = None) -> Found:
    recipe = RECIPES[name]
    call = PipelineCall(build(name) if pipeline is None else pipeline, recipe.call)
    TextMemory(call.pipeline)  # as in a recording: the same text is not encoded ten times
    return discover(call, recipe.prompts, STEPS, guidance or [recipe.guidance])


@functools.cache
def known(name: str) -> tuple[PipelineCall, Found]:
    """A pipeline with what was found of it, for all tests that leave it as it is."""
    pipeline = build(name)
    found = discovered(name, pipeline)
    return PipelineCall(pipeline, RECIPES[name].call), found


def planned_blocks(denoiser: torch.nn.Module) -> Counter[tuple[str, int]]:
    """How many blocks of which list and width the shapes of the weights say, before anything is run."""
    lists = block_lists({name: tuple(weight.shape) for name, weight in denoiser.state_dict().items()})
    return Counter((name, width) for name, widths in lists.items() for width in widths)


def test_every_recipe_is_in_the_table() -> None:
    assert KNOWN.keys() == RECIPES.keys()


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_found_is_what_the_code_says(name: str) -> None:
    (call, found), facts = known(name), KNOWN[name]
    layout, test = found.layout, found.self_test
    assert tuple(layout.lists) == facts.lists
    listed = Counter((block.list, block.width) for block in layout.blocks)
    assert planned_blocks(getattr(call.pipeline, layout.denoisers[0])) == listed
    assert tuple(dict.fromkeys(block.width for block in layout.blocks)) == facts.widths
    assert tuple(sorted({block.tokens for block in layout.blocks}, reverse=True)) == facts.tokens
    assert tuple(dict.fromkeys(block.place for block in layout.blocks)) == facts.places
    assert layout.passes[RECIPES[name].guidance].rows == facts.rows
    assert layout.one_image is None
    assert layout.denoisers[0] in ("transformer", "unet")
    assert len(layout.denoisers) == (2 if name == "wan22" else 1)
    levels = {block.level for block in layout.blocks}
    assert levels == ({None} if len(facts.tokens) == 1 else {0, 1})
    # Errors are those of float32, ten times below what is allowed and more.
    guided = sum(map(len, facts.rows)) > 1
    assert (test.cond is not None) == guided
    assert max(test.cond or 0, test.batch or 0, test.mixed or 0) < 5e-6
    assert test.received_by
    assert as_floats(found.timesteps)[0] > 0


def test_branches_belong_to_a_guidance_scale_not_to_guidance_above_one() -> None:
    scales = [5.0, 1.0, 0.0]
    of_z_image = discovered("z_image", guidance=scales).layout.passes
    assert [of_z_image[scale].branches for scale in scales] == [
        ("cond", "uncond"),
        ("cond", "uncond"),
        ("cond",),
    ]
    of_sd3 = discovered("sd3", guidance=[4.0, 1.0]).layout.passes
    assert [of_sd3[scale].branches for scale in (4.0, 1.0)] == [("cond", "uncond"), ("cond",)]


def test_half_precision_has_its_own_tolerance() -> None:
    pipeline = build("sd3").to(torch.bfloat16)
    found = discovered("sd3", pipeline)
    assert found.layout.passes[4.0].rows == UC
    assert found.self_test.tolerance == tolerance(torch.bfloat16) == pytest.approx(2e-2, rel=0.05)
    assert (found.self_test.cond or 0) < found.self_test.tolerance
    assert tolerance(torch.float32) == 1e-4


def test_trial_runs_leave_a_pipeline_as_it_was() -> None:
    pipeline = build("sdxl_pag")
    processors, state = dict(pipeline.unet.attn_processors), dict(vars(pipeline.scheduler))
    discover(PipelineCall(pipeline, RECIPES["sdxl_pag"].call), RECIPES["sdxl_pag"].prompts, 3, [4.0])
    assert pipeline.unet.attn_processors == processors
    assert vars(pipeline.scheduler).keys() == state.keys()
    for name, value in vars(pipeline.scheduler).items():
        assert value is state[name] or value == state[name]
    for component in (pipeline.unet, pipeline.vae):
        for module in component.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks


@contextmanager
def refused(*words: str, error: type[Exception] = ModelError) -> Iterator[None]:
    with pytest.raises(error) as raised:
        yield
    assert "\n" not in str(raised.value)
    for word in words:
        assert word in str(raised.value)


# Whole runs of four steps


def captured(name: str, call: PipelineCall, found: Found, seeds: Sequence[int]) -> tuple[Captured, list[Any]]:
    recipe = RECIPES[name]
    with Capture(call.pipeline, found.layout, range(len(found.timesteps))) as capture:
        capture.start_batch(len(seeds), recipe.guidance, torch.device("cpu"))
        prompts = [recipe.prompts[seed] for seed in seeds]
        pictures = pictures_of(call(prompts, generators(seeds), STEPS, recipe.guidance))
        return capture.finish_batch(), [np.asarray(picture) for picture in pictures]


@pytest.mark.parametrize(
    "name",
    [
        *("sd3", "flux_true_cfg", "flux2", "z_image", "lumina2", "sdxl_pag", "wan22"),
        *("cogvideox", "sd3_image", "flux_kontext", "ltx_image"),
        *("animatediff", "ernie_image", "flux_controlnet"),
    ],
)
def test_captured_runs_agree_with_each_other_and_with_no_hooks(name: str) -> None:
    recipe, (call, found) = RECIPES[name], known(name)
    plain = pictures_of(call(recipe.prompts, generators([0, 1]), STEPS, recipe.guidance))
    together, pictures = captured(name, call, found, [0, 1])
    for bare, hooked in zip(plain, pictures, strict=True):
        np.testing.assert_array_equal(np.asarray(bare), hooked)
    branches = found.layout.passes[recipe.guidance].branches
    for image in (0, 1):
        alone, _ = captured(name, call, found, [image])
        for one, both in zip(
            [alone.layer_input, *alone.blocks], [together.layer_input, *together.blocks], strict=True
        ):
            assert one.shape == (1, len(branches), len(found.timesteps), both.shape[3])
            assert difference(torch.tensor(both[image]), torch.tensor(one[0])) <= 5e-6
    if name == "wan22":  # 0.875 of the training steps are the first one's
        assert together.denoisers[0] == 0
        assert together.denoisers[-1] == 1
    else:
        assert set(together.denoisers) == {0}


@pytest.mark.parametrize(("name", "layers"), [("lumina2", (3, 4)), ("flux2", (1, 3))])
def test_some_blocks_are_captured_as_among_all(name: str, layers: tuple[int, ...]) -> None:
    """Of Lumina2 those whose image tokens are found by a block that is not recorded."""
    call, found = known(name)
    whole, _ = captured(name, call, found, [0, 1])
    part, _ = captured(name, call, replace(found, layout=found.layout.keeping(layers)), [0, 1])
    for one, layer in zip(part.blocks, layers, strict=True):
        np.testing.assert_array_equal(one, whole.blocks[layer])
    np.testing.assert_array_equal(part.layer_input, whole.blocks[layers[0] - 1])
    with refused("there is no block 5: the model has 0 to 4"):
        found.layout.keeping((0, 5))


def test_single_tokens_are_not_followed_from_frames_to_places_in_them() -> None:
    call, found = known("animatediff")
    assert {block.parts for block in found.layout.blocks} == {4, 64, 16}
    with refused("single tokens cannot be followed", "frames as rows", error=RecordingError):
        Capture(call.pipeline, found.layout, (0,), tokens=4)


@pytest.mark.parametrize("name", ["sd3", "z_image"])
def test_cond_at_step_0_is_the_run_without_guidance(name: str) -> None:
    recipe, (call, _) = RECIPES[name], known(name)
    layout = discover(call, recipe.prompts, STEPS, [recipe.guidance, 0.0]).layout
    of_scale = {}
    for scale in (recipe.guidance, 0.0):
        with Capture(call.pipeline, layout, (0,)) as capture:
            capture.start_batch(1, scale, torch.device("cpu"))
            call([recipe.prompts[0]], generators([0]), STEPS, scale)
            of_scale[scale] = capture.finish_batch()
    for guided, free in zip(of_scale[recipe.guidance].blocks, of_scale[0.0].blocks, strict=True):
        assert difference(torch.tensor(guided[:, 0]), torch.tensor(free[:, 0])) <= 1e-5
    last = of_scale[recipe.guidance].blocks[-1]
    assert difference(torch.tensor(last[:, 1]), torch.tensor(last[:, 0])) > 1e-4
