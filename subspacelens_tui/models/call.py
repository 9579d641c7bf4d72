"""Calling any pipeline for some prompts, by what the signature of its call says. Imports no torch."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.input_images import IMAGE, InputImages

GUIDER = "guider"
# Names of classifier-free guidance scales in diffusers; a session's guidance goes to the first that applies.
_SCALES = ("guidance_scale", "true_cfg_scale")
# What stays off unless asked for, where a call has it: binning silently maps a request to another size, and
# cleaning alters the prompt that is recorded (and needs bs4 and ftfy).
LEFT_OUT = {"use_resolution_binning": False, "clean_caption": False}
# What a recording sets itself in each call.
_OWN = ("prompt", "class_labels", "generator", "num_inference_steps", "num_images_per_prompt")
# What takes one entry for each image: a single one would be shared, with its noise, by all of them.
_PER_IMAGE = (IMAGE, "mask_image")
_FRAMES = "num_frames"
# Grey, colours, colours with opacity.
_CHANNELS = (1, 3, 4)

Unguided = Mapping[str, float]
"""Arguments that turn guidance off in one call."""


class PipelineCall:
    """A pipeline with the arguments of its calls that are the same for all images.

    Attributes:
        pipeline: what is called.
        arguments: of its call, beside prompts, generators, steps and guidance.
        guidance_argument: which argument a session's guidance scale goes to, or "guider" for the component;
            None where there is none.

    Args:
        pipeline, arguments: as above.
        inputs: the pictures and videos that images start from, if any.

    Raises:
        ModelError: if its call takes no prompts or generators, or not the arguments given.
    """

    def __init__(
        self, pipeline: Any, arguments: Mapping[str, Any] | None = None, inputs: InputImages | None = None
    ) -> None:
        self.pipeline = pipeline
        self.arguments = dict(arguments or {})
        self._inputs = inputs
        self._parameters = inspect.signature(type(pipeline).__call__).parameters
        self._guider = getattr(pipeline, GUIDER, None)
        self.guidance_argument = self._where_guidance_goes()
        self._check()

    def __call__(
        self,
        prompts: Sequence[str],
        generators: Sequence[Any],
        steps: int,
        guidance: float,
        unguided: Unguided | None = None,
    ) -> Any:
        """Run the pipeline, and return what it returns.

        Args:
            prompts: one for each image.
            generators: of torch, one for each image.
            steps: denoising steps to ask for.
            guidance: the classifier-free guidance scale.
            unguided: one of `ways_without_guidance`, to run the conditional branch only.
        """
        # Lists are made anew: some pipelines write into those they are given.
        arguments = {**self._fixed(prompts), **self._of_prompts(prompts)}
        arguments["generator"] = self._generators(generators)
        if "num_inference_steps" in self._parameters:
            arguments["num_inference_steps"] = steps
        if self.guidance_argument in self._parameters:
            arguments[str(self.guidance_argument)] = guidance
        # Of its own: what some pipelines draw besides, as of the pictures that a ControlNet is given.
        with self._guided(guidance, unguided is None), _seeded(generators[0].initial_seed()):
            return self.pipeline(**{**arguments, **(unguided or {})})

    @property
    def of_classes(self) -> bool:
        """Whether the prompts are names or numbers of classes."""
        return "prompt" not in self._parameters

    @property
    def frames(self) -> int | None:
        """How many frames of each video are asked for; None where the call makes pictures."""
        named = self._parameters.get(_FRAMES)
        found = self.arguments.get(_FRAMES, None if named is None else named.default)
        return found if isinstance(found, int) else None

    def ways_without_guidance(self) -> Iterator[Unguided]:
        """What may turn guidance off, the least intrusive first.

        Guidance is on above 1 in most pipelines and above 0 in some; a scale that is embedded must stay as it
        is, for it changes the conditional branch too.
        """
        others: dict[str, float] = {"pag_scale": 0.0} if "pag_scale" in self._parameters else {}
        if "true_cfg_scale" in self._parameters:
            others["true_cfg_scale"] = 1.0
        if others or self._guider is not None:
            yield others
        scales = [name for name in _SCALES if name in self._parameters]
        for off in (1.0, 0.0):
            if scales:
                yield others | dict.fromkeys(scales, off)

    def _where_guidance_goes(self) -> str | None:
        there = [name for name in _SCALES if name in self._parameters]
        for name in there:  # None by default: for distilled models only
            if isinstance(self._parameters[name].default, int | float):
                return name
        if hasattr(self._guider, "guidance_scale"):
            return GUIDER
        return there[0] if there else None

    def _check(self) -> None:
        name = type(self.pipeline).__name__
        if not {"prompt", "class_labels"} & self._parameters.keys():
            raise ModelError(f"{name} cannot be recorded: its call takes no prompt ({self._words()})")
        if "generator" not in self._parameters:
            raise ModelError(f"{name} cannot be recorded: its call takes no generator ({self._words()})")
        given = [*self.arguments, *(self._inputs.arguments if self._inputs is not None else ())]
        unknown = [key for key in given if key not in self._parameters]
        if {"width", "height"} <= {*unknown}:
            raise ModelError(
                f"{name} makes pictures of its own size: its call takes no width and height ({self._words()})"
            )
        if unknown:
            raise ModelError(f"the call of {name} takes no {unknown[0]!r}: it takes {self._words()}")
        if own := [name for name in _OWN if name in self.arguments]:
            raise ModelError(
                f"the recording sets {own[0]} in each call of {name}, so leave it out of the other arguments"
            )
        if (scale := self.guidance_argument) in self.arguments:
            raise ModelError(
                f"{scale} of the call of {name} is the guidance scale of a recording (--guidance): leave "
                "it out of the other arguments"
            )

    def _words(self) -> str:
        return ", ".join(name for name in self._parameters if name != "self")

    def _fixed(self, prompts: Sequence[str]) -> dict[str, Any]:
        images = len(prompts)
        fixed: dict[str, Any] = {name: value for name, value in LEFT_OUT.items() if name in self._parameters}
        fixed |= self.arguments
        if self.guidance_argument == "true_cfg_scale" and "negative_prompt" in self._parameters:
            # Without a negative prompt these pipelines leave guidance out, whatever its scale.
            fixed = {"negative_prompt": "", **fixed}
        for name in fixed:
            if name.startswith("negative_prompt") and isinstance(fixed[name], str):
                fixed[name] = self._texts(name, [fixed[name]] * images)
            elif name in _PER_IMAGE and not isinstance(fixed[name], list):
                fixed[name] = [fixed[name]] * images
        if self._inputs is not None:
            for name in self._inputs.arguments:
                fixed[name] = [self._inputs.of(name, prompt) for prompt in prompts]
        return fixed

    def _of_prompts(self, prompts: Sequence[str]) -> dict[str, Any]:
        if "prompt" in self._parameters:
            return {"prompt": self._texts("prompt", prompts)}
        return {"class_labels": [self._class_label(text) for text in prompts]}

    def _generators(self, generators: Sequence[Any]) -> Any:
        """As the call takes them: a few take one only."""
        one = len(generators) == 1 and not _takes_lists(self._parameters["generator"])
        return generators[0] if one else list(generators)

    def _texts(self, name: str, texts: Sequence[str]) -> Any:
        """Texts as an argument takes them: a few take one only."""
        of_one = len(set(texts)) == 1 and not _takes_lists(self._parameters[name])
        return texts[0] if of_one else list(texts)

    def _class_label(self, text: str) -> int:
        if text.strip().isdecimal():
            return int(text)
        labels = getattr(self.pipeline, "labels", None) or {}
        if text not in labels:
            raise ModelError(
                f"{type(self.pipeline).__name__} takes classes for prompts, and has none {text!r}: give "
                "names "
                "or numbers of its classes"
            )
        return int(labels[text])

    @contextlib.contextmanager
    def _guided(self, guidance: float, on: bool) -> Iterator[None]:
        """Guidance by a component, which is told of its scale, and turned off for a run without it."""
        if self._guider is None:
            yield
            return
        if self.guidance_argument == GUIDER:
            self._guider.guidance_scale = guidance
        if on:
            yield
            return
        self._guider.disable()
        try:
            yield
        finally:
            self._guider.enable()


def _takes_lists(parameter: inspect.Parameter) -> bool:
    return "list" in str(parameter.annotation).lower()


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's own random numbers from a seed on, which go on afterwards as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def pictures_of(output: Any) -> list[Image.Image | None]:
    """One picture for each image that a pipeline has returned; of a video its middle frame.

    None for what is no picture, such as sound or an embedding.
    """
    return [_picture(one) for one in output[0]]


def frames_of(output: Any) -> int | None:
    """How many frames each video has that a pipeline returned; None where it returned pictures."""
    first: Any = output[0][0]
    if isinstance(first, list):
        return len(first)
    return int(first.shape[0]) if getattr(first, "ndim", 0) == 4 else None


def _picture(one: Any) -> Image.Image | None:
    if isinstance(one, Image.Image):
        return one
    if isinstance(one, list):
        return _picture(one[len(one) // 2]) if one else None
    # A tensor has its channels before height and width.
    pixels = np.asarray(one.detach().float().cpu() if hasattr(one, "detach") else one)
    if hasattr(one, "detach") and one.ndim > 2:
        pixels = np.moveaxis(pixels, -3, -1)
    if pixels.ndim == 4:
        pixels = pixels[len(pixels) // 2]
    if pixels.ndim != 3 or pixels.shape[2] not in _CHANNELS:
        return None
    if pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.dtype != np.uint8:
        pixels = (np.nan_to_num(pixels).clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(pixels)
