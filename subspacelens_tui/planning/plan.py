"""From what was asked to a session's manifest: which images, in which order, captured when."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from subspacelens_tui.demo import BUNDLED
from subspacelens_tui.models import ModelError
from subspacelens_tui.models.inspection import look_at_folders
from subspacelens_tui.models.requirements import GGUF, LORA, need, need_quantizer
from subspacelens_tui.models.source import DEMO, ModelSource, located
from subspacelens_tui.planning.call_arguments import call_arguments
from subspacelens_tui.planning.device import find_device
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.input_images import input_images, other_inputs
from subspacelens_tui.planning.loras import loras
from subspacelens_tui.planning.memory_estimate import estimate_memory
from subspacelens_tui.planning.pipeline_shape import blocks_at_most, denoiser_shape
from subspacelens_tui.planning.prompts import PromptSet, load_prompt_set
from subspacelens_tui.planning.steps import default_capture_steps, runs_as_asked
from subspacelens_tui.sessions.format import (
    MAX_BLOCKS,
    MAX_CAPTURED,
    MAX_IMAGES,
    MAX_STEPS,
    ImageInfo,
    Manifest,
    ModelInfo,
    expected_branches,
)
from subspacelens_tui.sessions.manifest_reader import first_problem
from subspacelens_tui.sessions.times import time_now

DTYPES = ("float32", "bfloat16", "float16")
_PIPELINE_GUIDANCE = 4.5
_FEW_WORDS = "demo"
_SMALL_TOKENIZER = 64 * 1024


@dataclass(frozen=True)
class Request:
    """What the user asked to record; None means the default.

    Attributes:
        model: a folder, an id on the hub, or the name of a bundled model.
        prompts: name of a shipped prompt set, or a TOML file.
        seeds: seeds per prompt, 0 to seeds - 1.
        steps: denoising steps to ask the scheduler for.
        guidance: classifier-free guidance scales, each a configuration of its own.
        capture: denoising steps at which features are kept, of those that the scheduler runs.
        layers: numbers of the blocks to record, in run order from 0; all.
        batch_size: images generated together; as many as fit.
        tokens: single tokens of each image and block to keep beside the token means; none.
        moments: layers at which sums over all tokens are kept, which steering is fitted to; all if none is
            named; None for no sums.
        device, dtype: as of `models.loading`.
        revision, variant, components_from: as of `models.source.ModelSource`.
        random_init: record the architecture with untrained weights.
        compiled: compile each block before recording.
        allow_pickle: as of `models.source.ModelSource`; it is not in the plan, only not objected to.
        call: arguments of the pipeline's call beside prompts, generators, steps and guidance, the same for
            all images: numbers, text, or lists of them.
        size: width and height of the pictures in pixels.
        negative: the negative prompt of all images.
        image: a picture that all images start from, or a folder with one for each prompt.
        inputs: by argument of the call a picture, or a folder of the frames of a video.
        scheduler: as of `models.source.ModelSource`.
        loras: the path of each, and the weight it is applied with.
        quantize: as of `models.source.ModelSource`.
        offload: as of `models.placement.place`.
        seeds_per_subject: "shared" gives all prompts the same seeds, "independent" none in common.
    """

    model: str = DEMO
    prompts: str | None = None
    seeds: int = 20
    steps: int = 20
    guidance: Sequence[float] | None = None
    capture: Sequence[int] | None = None
    layers: Sequence[int] | None = None
    batch_size: int | None = None
    tokens: int | None = None
    moments: Sequence[int] | None = None
    device: str | None = None
    dtype: str | None = None
    revision: str | None = None
    variant: str | None = None
    components_from: str | None = None
    random_init: bool = False
    compiled: bool = False
    allow_pickle: bool = False
    call: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    negative: str | None = None
    image: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    scheduler: str | None = None
    loras: Sequence[tuple[str, float]] = ()
    quantize: Literal["int8", "bnb-int8", "bnb-nf4"] | None = None
    offload: Literal["model", "group"] | None = None
    seeds_per_subject: Literal["shared", "independent"] = "shared"


def plan(request: Request) -> Manifest:
    """The manifest of a new session.

    Raises:
        PlanningError: with one clear line, if what was asked cannot be recorded.
    """
    prompts = prompts_of(request)
    guidance = _guidance(request)
    _check_counts(request)
    model = _model(request)
    call = call_arguments(request.call, request.size, request.negative)
    if not call:  # which may ask for another size
        _check_tokens(request.tokens, model)
    if request.model in BUNDLED:
        call = {**BUNDLED[request.model].call, **call}
    captured = _capture_steps(request)
    try:
        manifest = Manifest(
            created=time_now(),
            model=model,
            prompt_set=prompts.name,
            prompts=list(prompts.prompts),
            images=_images(prompts, request, guidance),
            # How many the scheduler runs is known once the model is loaded.
            steps=max(request.steps, *(step + 1 for step in captured)),
            inference_steps=request.steps,
            capture_steps=captured,
            default_capture=request.capture is None,
            guidance=guidance,
            layers=_layers(request, model),
            batch_size=request.batch_size,
            tokens=request.tokens,
            moments=_moments(request, model, guidance),
            # What is steered by these tokens is compared with these latents.
            latents=request.tokens is not None or request.moments is not None,
            call=call,
            input_images=[
                *input_images(request.image, len(prompts.prompts)),
                *other_inputs(request.inputs),
            ],
        )
    except ValidationError as error:
        raise PlanningError(f"this cannot be recorded: {first_problem(error)}") from None
    # Settled here, so that all recorders of a session cut its plan into the same batches.
    return manifest.model_copy(update={"batch_size": estimate_memory(manifest).batch_size})


def prompts_of(request: Request) -> PromptSet:
    """The prompt set that was asked for, or the one that fits the model.

    Raises:
        PlanningError: if there is none, or it is not right.
    """
    return load_prompt_set(request.prompts or _default_prompts(request))


def _default_prompts(request: Request) -> str:
    """The shipped set that the model can tell apart: the bundled ones and their copies know few words."""
    whole = request.model if request.components_from is None else request.components_from
    words = None if whole in BUNDLED else _vocabulary(Path(whole))
    knows_few = whole in BUNDLED or words in [_vocabulary(bundled.path) for bundled in BUNDLED.values()]
    return _FEW_WORDS if knows_few else "subjects-25"


def _vocabulary(folder: Path) -> Any:
    """The words of a small tokenizer in a pipeline's folder; None where there is none."""
    path = folder / "tokenizer" / "tokenizer.json"
    try:
        if path.stat().st_size > _SMALL_TOKENIZER:
            return None
        return json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _images(prompts: PromptSet, request: Request, guidance: Sequence[float]) -> list[ImageInfo]:
    count = len(prompts.prompts)
    if (images := count * request.seeds * len(guidance)) > MAX_IMAGES:
        # Before they are made: a thousand times as many take all memory there is.
        raise PlanningError(
            f"prompts × seeds × guidance scales are {count} × {request.seeds} × {len(guidance)} = {images} "
            f"images, and a session has at most {MAX_IMAGES}"
        )
    shared = request.seeds_per_subject == "shared"
    return images_in_order(count, range(request.seeds), guidance, shared)


def images_in_order(
    prompts: int, seeds: Sequence[int], guidance: Sequence[float], shared: bool = True
) -> list[ImageInfo]:
    """Seed by seed over all prompts, so that the classes are balanced at every moment.

    Args:
        prompts: how many there are.
        seeds: of the noise.
        guidance: each scale has an image of every prompt and seed.
        shared: whether all prompts have the same seeds, or none in common.
    """
    return [
        ImageInfo(prompt=prompt, seed=seed if shared else seed * prompts + prompt, guidance=scale)
        for seed in seeds
        for scale in guidance
        for prompt in range(prompts)
    ]


def _model(request: Request) -> ModelInfo:
    if request.dtype is not None and request.dtype not in DTYPES:
        raise PlanningError(f"there is no dtype {request.dtype!r}: use {', '.join(DTYPES)}")
    if request.quantize is not None and request.model.endswith(".gguf"):
        raise PlanningError(f"{request.model} is quantised already: leave --quantize out")
    if request.random_init and (request.quantize is not None or request.model.endswith(".gguf")):
        raise PlanningError("--random-init draws weights anew, which are not quantised: leave --quantize out")
    try:
        source = ModelSource(
            model=located(request.model, one_file=request.components_from is not None),
            revision=request.revision,
            variant=request.variant,
            components_from=None if request.components_from is None else located(request.components_from),
            allow_pickle=request.allow_pickle,
        )
        # Before a process is started, or a session made: it costs little.
        _check_requirements(request)
        pipeline = look_at_folders(source)
    except ModelError as error:
        raise PlanningError(str(error)) from None
    return ModelInfo(
        id=source.model,
        revision=source.revision,
        variant=source.variant,
        components_from=source.components_from,
        scheduler=request.scheduler,
        loras=loras(request.loras),
        quantize=request.quantize,
        offload=request.offload,
        pipeline=pipeline,
        dtype=request.dtype,
        device=request.device,
        random_init=request.random_init,
        compiled=request.compiled,
    )


def _check_requirements(request: Request) -> None:
    """See that packages and devices that it needs are there.

    Raises:
        ModelError: if one is not.
    """
    if request.quantize is not None:
        kind = find_device(request.device).kind
        need_quantizer(request.quantize, cuda=kind == "cuda")
    if request.model.endswith(".gguf"):
        need("gguf", GGUF)
    if request.loras:
        need("peft", LORA)


def _guidance(request: Request) -> list[float]:
    bundled = BUNDLED.get(request.model)
    scales = request.guidance or [_PIPELINE_GUIDANCE if bundled is None else bundled.guidance]
    for scale in scales:
        if not (math.isfinite(scale) and 0 <= scale <= 1000):
            raise PlanningError(f"guidance must be a number from 0 to 1000, not {scale:g}")
    return list(dict.fromkeys(float(scale) for scale in scales))


def _capture_steps(request: Request) -> list[int]:
    if request.capture is None:
        return default_capture_steps(request.steps)
    known = runs_as_asked(request.model, request.components_from, request.scheduler)
    range_of_steps = (
        f"{request.steps} steps are 0 to {request.steps - 1}" if known else f"steps are 0 to {MAX_STEPS - 1}"
    )
    for step in request.capture:
        if not 0 <= step < (request.steps if known else MAX_STEPS):
            raise PlanningError(f"step {step} cannot be captured: {range_of_steps}")
    steps = sorted(set(request.capture))
    if len(steps) > MAX_CAPTURED:
        raise PlanningError(f"--capture names {len(steps)} steps, the most is {MAX_CAPTURED}")
    return steps


def _layers(request: Request, model: ModelInfo) -> list[int] | None:
    if request.layers is None:
        return None
    if not request.layers or min(request.layers) < 0:
        raise PlanningError("--layers must name blocks, the first of which is 0")
    if len(layers := sorted(set(request.layers))) > MAX_BLOCKS:
        raise PlanningError(f"--layers names {len(layers)} blocks, the most is {MAX_BLOCKS}")
    there = blocks_at_most(model.id, model.revision, model.variant)
    if there is not None and layers[-1] >= there:
        raise PlanningError(f"there is no block {layers[-1]}: the model has 0 to {there - 1}")
    return layers


def _moments(request: Request, model: ModelInfo, guidance: Sequence[float]) -> list[int] | None:
    if request.moments is None:
        return None
    if request.layers is not None:
        raise PlanningError("--moments is for steering, which needs all blocks: leave --layers out")
    if all(len(expected_branches(scale)) < 2 for scale in guidance):
        raise PlanningError("--moments sums over both passes: take a --guidance above 1")
    there = blocks_at_most(model.id, model.revision, model.variant)
    layers = sorted(set(request.moments))
    if layers and there is not None and layers[-1] >= there:
        raise PlanningError(f"--moments {layers[-1]}: the model has layers 0 to {there - 1}")
    return layers


def _check_counts(request: Request) -> None:
    for name, value, least, most in (
        ("seeds", request.seeds, 1, 1_000_000),
        ("steps", request.steps, 1, 10_000),
        ("batch size", request.batch_size if request.batch_size is not None else 1, 1, 10_000),
        ("tokens", request.tokens if request.tokens is not None else 1, 1, 1_000_000),
    ):
        if not least <= value <= most:
            raise PlanningError(f"{name} must be from {least} to {most}, not {value}")


def _check_tokens(tokens: int | None, model: ModelInfo) -> None:
    if tokens is None:
        return
    shape = denoiser_shape(model.id, model.revision, model.variant)
    if shape is not None and shape.tokens is not None and tokens > shape.tokens:
        raise PlanningError(f"{tokens} tokens cannot be kept: the model has {shape.tokens} image tokens")
