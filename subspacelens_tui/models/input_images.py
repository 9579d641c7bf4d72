"""Pictures that a pipeline starts from, and a pipeline that takes them."""

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


class InputImages:
    """The picture that goes with each prompt.

    Args:
        images: one for all prompts, or one for each.
        prompts: the texts.

    Raises:
        ModelError: if one is not what it was when the session was made.
    """

    def __init__(self, images: Sequence[InputImage], prompts: Sequence[str]) -> None:
        pictures = [_opened(image) for image in images]
        self._first = pictures[0]
        self._of = dict(zip(prompts, pictures, strict=True)) if len(pictures) > 1 else {}

    def of(self, prompt: str) -> Image.Image:
        """Its picture; of a prompt that only a trial run has, the first."""
        return self._of.get(prompt, self._first)


def taking_an_image(pipeline: Any) -> Any:
    """A pipeline of the same parts whose call takes a picture: itself, or diffusers' image-to-image one.

    Raises:
        ModelError: if diffusers has none.
    """
    if IMAGE in inspect.signature(type(pipeline).__call__).parameters:
        return pipeline
    from diffusers import AutoPipelineForImage2Image

    try:
        found = AutoPipelineForImage2Image.from_pipe(pipeline)
    except ValueError:
        name = type(pipeline).__name__
        raise ModelError(
            f"{name} takes no picture, and diffusers has no image-to-image pipeline of its parts: "
            "leave --image out"
        ) from None
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
