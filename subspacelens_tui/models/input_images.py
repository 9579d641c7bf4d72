"""Pictures and videos that a pipeline starts from, and a pipeline that takes them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.sessions.format import InputImage

IMAGE = "image"
VIDEO = "video"
_MASK = "mask_image"


class InputImages:
    """The picture that goes with each prompt, and what goes with all of them.

    Args:
        images: of `image` one for all prompts, or one for each; of other arguments a picture, or the frames
            of a video.
        prompts: the texts.

    Attributes:
        arguments: of the pipeline's call, that have some.

    Raises:
        ModelError: if one is not what it was when the session was made.
    """

    def __init__(self, images: Sequence[InputImage], prompts: Sequence[str]) -> None:
        self.arguments = tuple(dict.fromkeys(image.argument for image in images))
        self._given = {
            name: [_opened(image) for image in images if image.argument == name] for name in self.arguments
        }
        starts = self._given.get(IMAGE, [])
        self._of_prompt = dict(zip(prompts, starts, strict=True)) if len(starts) > 1 else {}

    def of(self, argument: str, prompt: str) -> Image.Image | list[Image.Image]:
        """What goes with a prompt; with one that only a trial run has, the first picture."""
        given = self._given[argument]
        if argument == IMAGE:
            return self._of_prompt.get(prompt, given[0])
        return given if len(given) > 1 else given[0]


def taking_inputs(pipeline: Any, arguments: Sequence[str]) -> Any:
    """A pipeline of the same parts whose call takes such inputs: itself, or another one of diffusers.

    Raises:
        ModelError: if diffusers has none.
    """
    import diffusers

    name = type(pipeline).__name__
    parameters = inspect.signature(type(pipeline).__call__).parameters
    lacking = [argument for argument in arguments if argument not in parameters]
    if not lacking:
        return pipeline
    try:
        if VIDEO in lacking:
            kind = getattr(diffusers, f"{name.removesuffix('Pipeline')}VideoToVideoPipeline", None)
            found = None if kind is None else kind.from_pipe(pipeline)
        elif _MASK in lacking:
            found = diffusers.AutoPipelineForInpainting.from_pipe(pipeline)
        else:
            found = diffusers.AutoPipelineForImage2Image.from_pipe(pipeline) if IMAGE in lacking else None
    except ValueError:  # it has none of these parts
        found = None
    if found is None:
        raise ModelError(
            f"{name} takes no {lacking[0]}, and diffusers has no pipeline of its parts that does: "
            f"leave --{IMAGE if lacking[0] == IMAGE else 'input'} out"
        )
    found.set_progress_bar_config(disable=True)
    return found


def _opened(image: InputImage) -> Image.Image:
    path = Path(image.path)
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != image.sha256:
            raise ModelError(f"{path} is not the picture it was when the session was made", mendable=True)
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}", mendable=True) from None
