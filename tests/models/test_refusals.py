"""Pipelines that cannot be recorded, each refused in one line that says what was seen."""

from collections.abc import Callable
from typing import Any

import diffusers as df
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel, hooks

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.discover import discover
from subspacelens_tui.recording.capture import Capture
from subspacelens_tui.recording.errors import RecordingError
from tests.models.test_discover import discovered, refused
from tests.models.tiny_parts import unet
from tests.models.tiny_pipelines import RECIPES, build, generators
from tests.models.tiny_recipe import enliven
from tests.models.tiny_unets import PICTURE


def test_a_cache_is_refused_on_any_denoiser() -> None:
    pipeline = build("wan22")
    hooks.apply_first_block_cache(pipeline.transformer_2, hooks.FirstBlockCacheConfig(threshold=0.2))
    with refused("has the cache hook", "call `disable_cache()` on its transformer_2"):
        discovered("wan22", pipeline)


def test_dropout_in_training_mode_is_refused() -> None:
    pipeline = build("sd3")
    block = pipeline.transformer.transformer_blocks[1]
    block.ff.net[1] = torch.nn.Dropout(0.1)
    pipeline.transformer.train()
    with refused("the transformer is in training mode", "transformer_blocks.1.ff.net.1 drops 10 % at random"):
        discovered("sd3", pipeline)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_model_compiled_as_a_whole_is_refused_after_a_warm_up(in_place: bool) -> None:
    pipeline = build("dit")
    if in_place:
        pipeline.transformer.compile(backend="eager")
    else:
        pipeline.transformer = torch.compile(pipeline.transformer, backend="eager")
    PipelineCall(pipeline)(["3"], generators([0]), 1, 4.0)
    with refused("is compiled as a whole, which hides its blocks from hooks"):
        discovered("dit", pipeline)


def test_a_denoiser_that_takes_over_on_the_way_is_not_compiled_either() -> None:
    pipeline = build("wan22")
    pipeline.transformer_2.compile(backend="eager")
    with refused(
        "the transformer_2 of WanPipeline is compiled as a whole, which hides its blocks from hooks"
    ):
        discovered("wan22", pipeline)


def test_guidance_that_ends_early_is_refused_where_it_is_captured() -> None:
    recipe = RECIPES["z_image"]
    call = PipelineCall(build("z_image"), {**recipe.call, "cfg_truncation": 0.5})
    layout = discover(call, recipe.prompts, 4, [recipe.guidance]).layout
    for steps, ends in (((0,), False), ((0, 3), True)):
        with Capture(call.pipeline, layout, steps) as capture:
            capture.start_batch(1, recipe.guidance, torch.device("cpu"))
            if not ends:
                call([recipe.prompts[0]], generators([0]), 4, recipe.guidance)
                assert capture.finish_batch().blocks[0].shape[1] == 2
                continue
            with refused("at step 3", "1 rows instead of 2: guidance is off there", error=RecordingError):
                call([recipe.prompts[0]], generators([0]), 4, recipe.guidance)


def without_blocks() -> Any:
    pipeline = build("sd15")
    pipeline.unet = unet(
        down_block_types=("DownBlock2D",) * 2,
        mid_block_type="UNetMidBlock2D",
        up_block_types=("UpBlock2D",) * 2,
    ).eval()
    return pipeline


def no_prompt() -> Any:
    model = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        **{"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2},
    )
    return DDPMPipeline(unet=model, scheduler=DDPMScheduler())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (without_blocks, "no entry of a module list in its unet gives back image tokens"),
        (no_prompt, "its call takes no prompt (batch_size, generator, num_inference_steps"),
    ],
)
def test_a_pipeline_with_nothing_to_hook_is_refused(make: Callable[[], Any], words: str) -> None:
    with refused("cannot be recorded", words):
        discovered("sd15", make())


def test_two_rows_without_text_are_refused() -> None:
    pipeline = df.StableDiffusionInstructPix2PixPipeline(
        **{**build("sd15").components, "unet": unet(in_channels=8).eval()}, requires_safety_checker=False
    )
    enliven(pipeline.unet)
    call = PipelineCall(pipeline, {"image": PICTURE, "image_guidance_scale": 1.5})
    with refused("2 of its 3 rows do not follow the prompt"):
        discover(call, RECIPES["sd15"].prompts, 3, [4.0])


def test_two_denoisers_in_one_step_are_refused() -> None:
    """As where one has the conditional branch and the other the unconditional."""
    pipeline = build("wan22")
    first, second = pipeline.transformer, pipeline.transformer_2
    first.register_forward_pre_hook(
        lambda module, args, kwargs: second(*args, **kwargs) and None, with_kwargs=True
    )
    with refused("its transformer_2 and its transformer both run in one step"):
        discovered("wan22", pipeline)


def test_prompts_that_are_one_to_the_model_are_refused() -> None:
    recipe = RECIPES["sd3"]
    with refused("do not follow the prompt in its first step"):
        discover(PipelineCall(build("sd3"), recipe.call), ("a red cat", "a red cat"), 3, [4.0])


def test_arguments_that_the_call_does_not_take_are_refused() -> None:
    with refused("takes no 'num_frames': it takes prompt, "):
        PipelineCall(build("sd3"), {"num_frames": 3})
