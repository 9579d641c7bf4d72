"""What is recorded in a user's own loop: from what was given to a manifest."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import torch
from pydantic import ValidationError

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.planning.plan import images_in_order
from subspacelens_tui.planning.prompts import load_prompt_set
from subspacelens_tui.planning.steps import default_capture_steps
from subspacelens_tui.recording.captured_session import with_layout
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.versions import RECORDED_WITH, versions_of
from subspacelens_tui.sessions.format import Manifest, ModelInfo, Prompt, first_problem
from subspacelens_tui.sessions.lookalikes import canonical

# Of prompts that come without labels.
_OWN_SCHEME = "prompt"

Prompts = str | Sequence[str] | Mapping[str, Mapping[str, str] | str]
"""A prompt set, by name or TOML file; texts, each a class of its own; or texts with their labels by scheme,
or their one label."""


def prompts_given(given: Prompts) -> list[Prompt]:
    """The prompts with their labels, whichever way they were given."""
    if isinstance(given, str):
        return list(load_prompt_set(given).prompts)
    if not isinstance(given, Mapping):
        given = {text: {_OWN_SCHEME: text} for text in given}
    return [
        Prompt(text=text, labels={canonical(s): canonical(label) for s, label in _schemes(labels).items()})
        for text, labels in given.items()
    ]


def _schemes(labels: Mapping[str, str] | str) -> Mapping[str, str]:
    return {"labels": labels} if isinstance(labels, str) else labels


def plan_of_loop(
    pipeline: Any,
    prompts: list[Prompt],
    seeds: int | Sequence[int],
    steps: int,
    guidance: float | Sequence[float],
    captured: Sequence[int] | None,
    batch_size: int,
    tokens: int | None,
    call: Mapping[str, Any] | None,
) -> Manifest:
    """What is to be recorded of a pipeline in a user's own loop.

    Args:
        pipeline: what is recorded.
        prompts: with their labels.
        seeds, steps, guidance, captured, batch_size, tokens, call: as of `own_loop.capture`.

    Raises:
        RecordingError: if it cannot be.
    """
    scales = [float(scale) for scale in ([guidance] if isinstance(guidance, int | float) else guidance)]
    listed = range(seeds) if isinstance(seeds, int) else seeds
    if not (prompts and listed and scales):
        raise RecordingError(
            "there is nothing to generate: give at least a prompt, a seed and a guidance scale"
        )
    kept = default_capture_steps(steps) if captured is None else sorted(set(captured))
    try:
        return Manifest(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=ModelInfo(id=_name_of(pipeline)),
            prompt_set="own",
            prompts=prompts,
            images=images_in_order(len(prompts), listed, scales),
            steps=max(steps, *(step + 1 for step in kept)),
            inference_steps=steps,
            capture_steps=kept,
            default_capture=captured is None,
            guidance=scales,
            batch_size=batch_size,
            tokens=tokens,
            latents=tokens is not None,
            origin="loop",
            # What is neither number nor text (images, embeddings) is the user's to keep.
            call={key: value for key, value in (call or {}).items() if isinstance(value, str | int | float)},
        )
    except ValidationError as error:
        raise RecordingError(f"this cannot be recorded: {first_problem(error)}") from None


def completed(manifest: Manifest, call: PipelineCall, layout: Layout) -> Manifest:
    """The manifest once the layout is found."""
    pipeline = call.pipeline
    model = manifest.model.model_copy(
        update={
            "pipeline": type(pipeline).__name__,
            "dtype": str(pipeline.dtype).removeprefix("torch."),
            "device": torch.device(pipeline.device).type,
        }
    )
    return with_layout(manifest, call, layout, model, versions_of(RECORDED_WITH))


def _name_of(pipeline: Any) -> str:
    return os.fspath(pipeline.config.get("_name_or_path") or type(pipeline).__name__)


def trial_prompts(prompts: Sequence[Prompt], classes: bool) -> tuple[str, str]:
    """Two texts that differ, the second longer."""
    first, second = prompts[0].text, prompts[-1].text
    return (first, second) if classes else (first, f"{second}, {first}")
