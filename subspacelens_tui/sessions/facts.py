"""What was recorded in a session, in words: each fact with its name, for who looks a session up."""

from collections import Counter
from collections.abc import Iterator

from subspacelens_tui.sessions.format import UNLABELLED, Manifest, ModelInfo
from subspacelens_tui.sessions.ranges import ranges, runs_of
from subspacelens_tui.sessions.sanitise import some_of
from subspacelens_tui.sessions.state import RunState
from subspacelens_tui.sessions.steps import step_name
from subspacelens_tui.sessions.times import time_words

Fact = tuple[str, str]
"""A name and what is said under it, in one line. Both may hold a stranger's text as it is."""

_PROMPTS_AT_MOST = 500


def facts_of(manifest: Manifest, state: RunState) -> list[Fact]:
    """All of `session.json` but for what can be seen nowhere in it, such as which image has which seed."""
    return [
        *_recording(manifest, state),
        *_model(manifest.model),
        *_generation(manifest),
        *_prompts(manifest),
    ]


def _recording(manifest: Manifest, state: RunState) -> Iterator[Fact]:
    yield "created", time_words(manifest.created)
    yield "state", state.words + (f": {state.detail}" if state.detail else "")
    yield "images", f"{state.recorded} of {state.planned}"
    if manifest.steering is not None:
        yield "steered", f"{manifest.steering.words}, fitted to {manifest.steering.statistics}"


def _model(model: ModelInfo) -> Iterator[Fact]:
    random = ", untrained: random weights" if model.random_init else ""
    yield "model", model.id + random
    yield "commit", model.commit or "none: not loaded from the hub"
    for name, value in (
        ("revision", model.revision),
        ("variant", model.variant),
        ("components", model.components_from and f"from {model.components_from}"),
        ("pipeline", model.pipeline),
        ("dtype", model.dtype),
        ("device", " ".join(dict.fromkeys(filter(None, (model.device, model.device_name))))),
        ("LoRA", ", ".join(f"{lora.name} × {lora.weight:g}" for lora in model.loras)),
        ("quantised", model.quantize),
        ("offload", model.offload),
        ("compiled", "each block" if model.compiled else None),
    ):
        if value:
            yield name, value


def _generation(manifest: Manifest) -> Iterator[Fact]:
    yield "scheduler", manifest.scheduler or "not known"
    asked, steps = manifest.inference_steps, manifest.steps
    yield "steps", f"{steps}" + (f" run for {asked} asked for" if asked != steps else "")
    captured = [step_name(step, manifest.timestep(step)) for step in manifest.capture_steps]
    yield "captured", some_of(captured)
    yield "guidance", some_of([f"{scale:g}" for scale in manifest.guidance])
    yield "branches", ", ".join(manifest.branches)
    seeds = sorted({image.seed for image in manifest.images})
    runs = [run.replace("-", "–") for run in runs_of(seeds)]
    yield "seeds", f"{len(seeds)}: {some_of(runs)}"
    if manifest.input_images:
        yield "input images", some_of([image.path for image in manifest.input_images])
    if manifest.frames is not None:
        yield "frames", f"{manifest.frames} of each video; its picture is the middle one"
    if manifest.batch_size is not None:
        yield "batch size", f"{manifest.batch_size}"
    kept = f"{manifest.tokens} of each image" if manifest.tokens else "none kept"
    if manifest.moments is not None:
        at = f"layers {ranges(manifest.moments)}" if manifest.moments else "all layers"
        kept += f"; sums over all of them at {at}"
    yield "tokens", kept
    widths = sorted({block.width for block in manifest.blocks})
    blocks = (
        f"{len(manifest.blocks)} of width {some_of(widths)}"
        if widths
        else "not known before the model is loaded"
    )
    if manifest.layers is not None:
        of = f", of {manifest.model_blocks} in the model" if manifest.model_blocks else ""
        blocks += f": {ranges(manifest.layers)}{of}"
    yield "blocks", blocks
    yield (
        "versions",
        some_of([f"{name} {version}" for name, version in manifest.versions.items()]) or "not known",
    )


def _prompts(manifest: Manifest) -> Iterator[Fact]:
    prompts = manifest.prompts
    yield "prompt set", f"{manifest.prompt_set}, {len(prompts)} prompts"
    for scheme in manifest.label_schemes:
        sizes = Counter(label for prompt in prompts if (label := prompt.labels[scheme]) != UNLABELLED)
        yield f"labels {scheme}", f"{len(sizes)}: {some_of(list(sizes), counted=True)}"
    if manifest.unread_text:
        yield "not read", f"something of {len(manifest.unread_text)} prompts: the log says what"
    for number, prompt in enumerate(prompts[:_PROMPTS_AT_MOST]):
        yield f"prompt {number}", f"{prompt.text}  ({', '.join(prompt.labels.values())})"
    if (more := len(prompts) - _PROMPTS_AT_MOST) > 0:
        yield "", f"and {more} more prompts"
