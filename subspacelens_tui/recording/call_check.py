"""Holding a user's own calls of a pipeline to what the session, or an intervention, takes them to be."""

import contextlib
import functools
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from subspacelens_tui.models.call import LEFT_OUT, PipelineCall
from subspacelens_tui.recording.errors import RecordingError

_PROMPT, _GENERATOR, _STEPS, _COPIES = "prompt", "generator", "num_inference_steps", "num_images_per_prompt"
# What may be another in each call: what is done with pictures, and noise or texts given ready-made.
_FREE = ("output_type", "return_dict", "class_labels", _PROMPT, _GENERATOR, _STEPS)


@dataclass(frozen=True)
class AskedImages:
    """The prompt of each image, and the seed of its noise."""

    prompts: Sequence[str]
    seeds: Sequence[int]


@dataclass(frozen=True)
class AskedCall:
    """What a call is to ask for.

    Attributes:
        by: what asks for it, as the user wrote it: `batch` or `steer(…)`.
        guidance: the guidance scale.
        steps: denoising steps; None if they are checked elsewhere.
        images: which images; None for any.
    """

    by: str
    guidance: float
    steps: int | None = None
    images: AskedImages | None = None


@contextlib.contextmanager
def checked_calls(call: PipelineCall, asked: AskedCall) -> Iterator[None]:
    """Refuse calls of a pipeline that ask for something else. What runs its parts by hand is not seen.

    Meanwhile the pipeline is of a subclass of its class, because Python looks `__call__` up there.

    Args:
        call: of the pipeline, with the arguments that every call is to have besides.
        asked: what else.

    Raises:
        RecordingError: from the call, in one line that names the argument.
    """
    pipeline, kind = call.pipeline, type(call.pipeline)
    called = False

    class Watched(kind):  # type: ignore[misc, valid-type]
        @functools.wraps(kind.__call__)
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal called
            if self is pipeline:
                if called and asked.images is not None:
                    raise RecordingError(
                        "the pipeline is called twice in one batch: call it once for all its images"
                    )
                called = True
                _check(call, asked, _given(kind, self, *args, **kwargs))
            return super().__call__(*args, **kwargs)

    Watched.__name__, Watched.__qualname__ = kind.__name__, kind.__qualname__
    Watched.__module__, Watched.__doc__ = kind.__module__, kind.__doc__
    pipeline.__class__ = Watched
    try:
        yield
    finally:
        pipeline.__class__ = kind


def _given(kind: type, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by name, also those that its signature takes without naming them."""
    signature = inspect.signature(kind.__call__)
    given = signature.bind(*args, **kwargs).arguments
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            given |= given.pop(name, {})
    return given


def _check(call: PipelineCall, asked: AskedCall, given: dict[str, Any]) -> None:
    parameters = inspect.signature(type(call.pipeline).__call__).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}

    def value(name: str | None) -> Any:
        return None if name is None else given.get(name, defaults.get(name))

    scale = call.guidance_argument
    if scale in parameters and isinstance(value(scale), int | float) and value(scale) != asked.guidance:
        raise RecordingError(
            f"{scale} is {value(scale):g} in the call, and {asked.guidance:g} in {asked.by}: give both the same"
        )
    if asked.steps is not None and _STEPS in parameters and value(_STEPS) != asked.steps:
        raise RecordingError(
            f"{_STEPS} is {value(_STEPS)} in the call, and {asked.steps} in {asked.by}: give both the same"
        )
    if asked.images is None:
        return
    if _COPIES in parameters and value(_COPIES) not in (None, 1):
        raise RecordingError(
            f"{_COPIES} is {value(_COPIES)}: a recording has one image for each prompt and seed"
        )
    if value(_PROMPT) is not None:
        _check_prompts(asked.images.prompts, value(_PROMPT))
    if value("latents") is None:
        _check_generators(asked.images.seeds, value(_GENERATOR))
    _check_others(call, given, defaults)


def _check_prompts(asked: Sequence[str], given: Any) -> None:
    texts = [given] if isinstance(given, str) else list(given)
    if texts == list(asked):
        return
    if len(texts) == len(asked):
        place = next(i for i, text in enumerate(texts) if text != asked[i])
        raise RecordingError(
            f"the call's prompt {place + 1} is {texts[place]!r}, and {asked[place]!r} in the batch: "
            "use batch.prompts, and give `capture` the texts as the pipeline gets them"
        )
    raise RecordingError(f"the call has {len(texts)} prompts, and the batch {len(asked)}: use batch.prompts")


def _check_generators(asked: Sequence[int], given: Any) -> None:
    if given is None:
        raise RecordingError(
            "the call has no generator, so that its noise has none of the batch's seeds: add "
            "generator=batch.generators"
        )
    each = list(given) if isinstance(given, list | tuple) else [given]
    seeds = [one.initial_seed() for one in each]
    if seeds != list(asked):
        raise RecordingError(
            f"the call's generators have the seeds {_listed(seeds)}, and the batch {_listed(asked)}: use "
            "batch.generators"
        )


def _check_others(call: PipelineCall, given: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Numbers and texts, which the session says that all of its images have in common."""
    for name in dict.fromkeys((*call.arguments, *given)):
        if (
            name in _FREE
            or name == call.guidance_argument
            or (name in LEFT_OUT and name not in call.arguments)
        ):
            continue
        expected = _plain(name, call.arguments.get(name, defaults.get(name)))
        found = _plain(name, given.get(name, defaults.get(name)))
        if _is_simple(expected) and _is_simple(found) and expected != found:
            raise RecordingError(
                f"{name} is {found!r} in the call, and {expected!r} for the session: give `capture` the same, "
                f"call={{{name!r}: …}}"
            )


def _plain(name: str, value: Any) -> Any:
    """One for all images, where each has the same; no negative prompt is an empty one."""
    if isinstance(value, list) and value and all(one == value[0] for one in value) and _is_simple(value[0]):
        value = value[0]
    return "" if value is None and name.startswith("negative_prompt") else value


def _is_simple(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds[:4])) + (", …" if len(seeds) > 4 else "")
