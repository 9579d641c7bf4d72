"""What is recorded in a user's own loop: from what was given to a manifest."""

import operator
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError

from subspacelens_tui.models.call import PipelineCall
from subspacelens_tui.models.layout import Layout
from subspacelens_tui.models.text_readers import TokenizerWatch
from subspacelens_tui.models.trial import run_trial
from subspacelens_tui.planning.plan import images_in_order
from subspacelens_tui.planning.prompts import load_prompt_set
from subspacelens_tui.planning.steps import default_capture_steps
from subspacelens_tui.recording.captured_session import with_layout
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.recording.prompt_checks import read_prompts, two_to_try
from subspacelens_tui.recording.versions import RECORDED_WITH, versions_of
from subspacelens_tui.sessions.format import Manifest, ModelInfo, Prompt, UnreadText
from subspacelens_tui.sessions.lookalikes import canonical, label_notes
from subspacelens_tui.sessions.manifest_reader import first_problem
from subspacelens_tui.sessions.times import time_now

# Of prompts that come without labels.
_OWN_SCHEME = "prompt"
_LONGEST_LABEL = 150

Prompts = str | Sequence[str] | Mapping[str, Mapping[str, str] | str]
"""A prompt set, by name or TOML file; texts, each a class of its own; or texts with their labels by scheme,
or their one label."""


def prompts_given(given: Prompts) -> list[Prompt]:
    """The prompts with their labels, whichever way they were given.

    Raises:
        RecordingError: if they cannot be those of a session.
    """
    if isinstance(given, str):
        return list(load_prompt_set(given).prompts)
    if not isinstance(given, Mapping):
        texts = list(given) if isinstance(given, Iterable) else [given]
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise RecordingError(f"{wrong[0]!r} is no prompt: give texts, or texts with their labels")
        if twice := [text for text, count in Counter(texts).items() if count > 1]:
            raise RecordingError(f"the prompt {twice[0]!r} is given twice: give each once, with more seeds")
        given = {text: {_OWN_SCHEME: _own_label(text, place)} for place, text in enumerate(texts)}
    for text, labels in given.items():
        if not all(isinstance(label, str) for label in (text, *_schemes(labels).values())):
            raise RecordingError(f"the labels of the prompt {text!r} are {labels!r}: give texts by scheme")
    try:
        return [
            Prompt(
                text=text, labels={canonical(s): canonical(label) for s, label in _schemes(labels).items()}
            )
            for text, labels in given.items()
        ]
    except ValidationError as error:
        raise RecordingError(f"these prompts cannot be recorded: {first_problem(error)}") from None


def _own_label(text: str, place: int) -> str:
    """A prompt as its own class; of a long one its beginning and its number."""
    return text if len(text) <= _LONGEST_LABEL else f"{text[:_LONGEST_LABEL]}… ({place})"


def _schemes(labels: Mapping[str, str] | str) -> Mapping[str, str]:
    return labels if isinstance(labels, Mapping) else {"labels": labels}


def look_alike_labels(given: Prompts) -> list[str]:
    """What to say of labels that look alike, as they were given; of a prompt set its file says it."""
    if isinstance(given, str) or not isinstance(given, Mapping):
        return []
    written: dict[str, list[str]] = {}
    for labels in given.values():
        for scheme, label in _schemes(labels).items():
            written.setdefault(canonical(scheme), []).append(label)
    return [note for scheme, labels in written.items() for note in label_notes(scheme, labels)]


def plan_of_loop(
    pipeline: Any,
    prompts: list[Prompt],
    seeds: int | Sequence[int],
    steps: int,
    guidance: float | Sequence[float],
    call: Mapping[str, Any] | None,
    *,
    captured: Sequence[int] | None,
    layers: Sequence[int] | None,
    batch_size: int,
    tokens: int | None,
) -> Manifest:
    """What is to be recorded of a pipeline in a user's own loop.

    Args:
        pipeline: what is recorded.
        prompts: with their labels.
        seeds, steps, guidance, call, captured, layers, batch_size, tokens: as of `own_loop.capture`.

    Raises:
        RecordingError: if it cannot be.
    """
    scales = [float(scale) for scale in ([guidance] if isinstance(guidance, int | float) else guidance)]
    try:
        listed = [operator.index(seed) for seed in (range(seeds) if isinstance(seeds, int) else seeds)]
    except TypeError:
        raise RecordingError(f"the seeds are {seeds!r}: give how many, or a list of whole numbers") from None
    if twice := [seed for seed, count in Counter(listed).items() if count > 1]:
        raise RecordingError(f"the seed {twice[0]} is given twice, which would be the same image twice")
    if not (prompts and listed and scales):
        raise RecordingError(
            "there is nothing to generate: give at least a prompt, a seed and a guidance scale"
        )
    kept = default_capture_steps(steps) if captured is None else sorted(set(captured))
    if not kept:
        raise RecordingError("no step is captured: name one or more, or leave `captured` out")
    try:
        return Manifest(
            created=time_now(),
            model=ModelInfo(id=_name_of(pipeline)),
            prompt_set="own",
            prompts=prompts,
            images=images_in_order(len(prompts), listed, scales),
            steps=max(steps, *(step + 1 for step in kept)),
            inference_steps=steps,
            capture_steps=kept,
            default_capture=captured is None,
            guidance=scales,
            layers=None if layers is None else sorted(set(layers)),
            batch_size=batch_size,
            tokens=tokens,
            latents=tokens is not None,
            origin="loop",
            # What is neither number nor text (images, embeddings) is the user's to keep.
            call={key: value for key, value in (call or {}).items() if isinstance(value, str | int | float)},
        )
    except ValidationError as error:
        raise RecordingError(f"this cannot be recorded: {first_problem(error)}") from None


def unread_of(call: PipelineCall, text: str, manifest: Manifest) -> list[UnreadText]:
    """What the pipeline does not read of its prompts.

    Args:
        call: of the pipeline.
        text: of a trial run, which shows how each tokenizer gets its text.
        manifest: with the prompts.

    Raises:
        RecordingError: if two prompts are the same where the pipeline has cut them.
    """
    watch = TokenizerWatch(call.pipeline)
    generators = [torch.Generator("cpu").manual_seed(0)]
    with watch.reading(text):
        run_trial(
            call.pipeline,
            lambda: call([text], generators, manifest.inference_steps, manifest.guidance[0]),
        )
    return read_prompts(watch.readers, manifest)


def completed(
    manifest: Manifest, call: PipelineCall, layout: Layout, unread_text: Sequence[UnreadText]
) -> Manifest:
    """The manifest once the layout is found."""
    pipeline = call.pipeline
    model = manifest.model.model_copy(
        update={
            "pipeline": type(pipeline).__name__,
            "dtype": str(pipeline.dtype).removeprefix("torch."),
            "device": torch.device(pipeline.device).type,
        }
    )
    return with_layout(manifest, call, layout, model, versions_of(RECORDED_WITH), unread_text)


def _name_of(pipeline: Any) -> str:
    return os.fspath(pipeline.config.get("_name_or_path") or type(pipeline).__name__)


def trial_prompts(prompts: Sequence[Prompt], classes: bool) -> tuple[str, str]:
    """Two texts that differ, the second longer."""
    return two_to_try([prompt.text for prompt in prompts], classes)
