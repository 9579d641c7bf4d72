"""From what was asked to a session's manifest: which images, in which order, captured when."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from subspacelens_tui import demo
from subspacelens_tui.models import ModelError, architecture_of, local_pipeline_class
from subspacelens_tui.models.source import DEMO
from subspacelens_tui.planning.errors import PlanningError
from subspacelens_tui.planning.prompts import PromptSet, load_prompt_set
from subspacelens_tui.planning.room import room_for
from subspacelens_tui.planning.shape import transformer_shape
from subspacelens_tui.sessions.format import ImageInfo, Manifest, ModelInfo

DTYPES = ("float32", "bfloat16", "float16")
DEFAULT_STEPS = 20
DEFAULT_SEEDS = 20
_DEFAULT_GUIDANCE = {DEMO: 3.0}
_PIPELINE_GUIDANCE = 4.5


@dataclass(frozen=True)
class Request:
    """What the user asked to record; None means the default.

    Attributes:
        model: a folder, an id on the hub, or "demo".
        prompts: name of a shipped prompt set, or a TOML file.
        seeds: seeds per prompt, 0 to seeds - 1.
        steps: denoising steps.
        guidance: classifier-free guidance scales, each a configuration of its own.
        capture: denoising steps at which features are kept.
        batch_size: images generated together; as many as fit.
        tokens: single tokens of each image and block to keep beside the token means; none.
        device, dtype: as of `models.loading`.
        revision, variant, components_from: as of `models.source.ModelSource`.
        random_init: record the architecture with untrained weights.
        compiled: compile each block before recording.
        seeds_per_subject: "shared" gives all prompts the same seeds, "independent" none in common.
    """

    model: str = DEMO
    prompts: str | None = None
    seeds: int = DEFAULT_SEEDS
    steps: int = DEFAULT_STEPS
    guidance: Sequence[float] | None = None
    capture: Sequence[int] | None = None
    batch_size: int | None = None
    tokens: int | None = None
    device: str | None = None
    dtype: str | None = None
    revision: str | None = None
    variant: str | None = None
    components_from: str | None = None
    random_init: bool = False
    compiled: bool = False
    seeds_per_subject: Literal["shared", "independent"] = "shared"


def plan(request: Request) -> Manifest:
    """The manifest of a new session.

    Raises:
        PlanningError: with one clear line, if what was asked cannot be recorded.
    """
    prompts = load_prompt_set(request.prompts or (DEMO if request.model == DEMO else "subjects-25"))
    guidance = _guidance(request)
    _check_counts(request)
    _check_tokens(request)
    manifest = Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=_model(request),
        prompt_set=prompts.name,
        prompts=prompts.prompts,
        images=_images(prompts, request, guidance),
        steps=request.steps,
        capture_steps=_capture_steps(request),
        guidance=guidance,
        batch_size=request.batch_size,
        tokens=request.tokens,
    )
    # Settled here, so that all recorders of a session cut its plan into the same batches.
    return manifest.model_copy(update={"batch_size": room_for(manifest).batch_size})


def _images(prompts: PromptSet, request: Request, guidance: Sequence[float]) -> list[ImageInfo]:
    # Seed by seed over all prompts, so that the classes are balanced at every moment.
    count = len(prompts.prompts)
    shared = request.seeds_per_subject == "shared"
    return [
        ImageInfo(prompt=prompt, seed=seed if shared else seed * count + prompt, guidance=scale)
        for seed in range(request.seeds)
        for scale in guidance
        for prompt in range(count)
    ]


def _model(request: Request) -> ModelInfo:
    if request.dtype is not None and request.dtype not in DTYPES:
        raise PlanningError(f"there is no dtype {request.dtype!r}: use {', '.join(DTYPES)}")
    others = request.components_from
    return ModelInfo(
        id=_located(request.model),
        revision=request.revision,
        variant=request.variant,
        components_from=None if others is None else _located(others),
        pipeline=_local_pipeline(request.model, others),
        dtype=request.dtype,
        device=request.device,
        random_init=request.random_init,
        compiled=request.compiled,
    )


def _located(model: str) -> str:
    """The model by a name that holds in any folder: the recorder may start in another."""
    if model != DEMO and Path(model).is_dir():
        return str(Path(model).resolve())
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise PlanningError(f"there is no folder {model}")
    return model


def _local_pipeline(model: str, others: str | None) -> str | None:
    # Said here already, before a process is started, because it costs nothing.
    if others is not None and Path(model).is_dir() and not (Path(model) / "transformer").is_dir():
        raise PlanningError(f"{model} has no transformer: it must be in a folder `transformer` there")
    whole = model if others is None else others
    folder = demo.MODEL_PATH if whole == DEMO else Path(whole)
    if not folder.is_dir():
        return None
    try:
        name = local_pipeline_class(folder)
        architecture_of(name)
    except ModelError as error:
        raise PlanningError(str(error)) from None
    return name


def _guidance(request: Request) -> list[float]:
    scales = request.guidance or [_DEFAULT_GUIDANCE.get(request.model, _PIPELINE_GUIDANCE)]
    for scale in scales:
        if not (math.isfinite(scale) and 1 <= scale <= 1000):
            raise PlanningError(f"guidance must be a number from 1 to 1000, not {scale:g}")
    return list(dict.fromkeys(float(scale) for scale in scales))


def _capture_steps(request: Request) -> list[int]:
    last = request.steps - 1
    if request.capture is None:
        # Step 0 is in because there the unconditional branch must show ΔR = 0: a check of the whole chain.
        quarters = (0, request.steps // 4, request.steps // 2, 3 * request.steps // 4, last)
        return sorted(set(quarters))
    for step in request.capture:
        if not 0 <= step <= last:
            raise PlanningError(f"step {step} cannot be captured: {request.steps} steps are 0 to {last}")
    return sorted(set(request.capture))


def _check_counts(request: Request) -> None:
    # A single step makes DPM-Solver fail inside diffusers.
    for name, value, least, most in (
        ("seeds", request.seeds, 1, 1_000_000),
        ("steps", request.steps, 2, 10_000),
        ("batch size", request.batch_size if request.batch_size is not None else 1, 1, 10_000),
        ("tokens", request.tokens if request.tokens is not None else 1, 1, 1_000_000),
    ):
        if not least <= value <= most:
            raise PlanningError(f"{name} must be from {least} to {most}, not {value}")


def _check_tokens(request: Request) -> None:
    if request.tokens is None:
        return
    shape = transformer_shape(request.model, request.revision)
    if shape is not None and shape.tokens is not None and request.tokens > shape.tokens:
        raise PlanningError(
            f"{request.tokens} tokens cannot be kept: the model has {shape.tokens} image tokens"
        )
