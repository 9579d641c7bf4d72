"""What a recording asks of the pipeline's call beside prompts, seeds, steps and guidance."""

from collections.abc import Mapping
from typing import Any

from subspacelens_tui.planning.errors import PlanningError

_LARGEST_SIDE = 100_000
# What the recorder gives itself, and the option that says it.
_GIVEN = {
    "prompt": "--prompts",
    "class_labels": "--prompts",
    "generator": "--seeds",
    "num_images_per_prompt": "--seeds",
    "num_videos_per_prompt": "--seeds",
    "num_inference_steps": "--steps",
}
# What it needs as it is: pictures of each image, and a call that runs through.
_NEEDED = ("output_type", "return_dict", "latents")

_SCALARS = (bool, int, float, str, type(None))


def call_arguments(
    call: Mapping[str, Any], size: tuple[int, int] | None, negative: str | None
) -> dict[str, Any]:
    """The arguments together, by name.

    Raises:
        PlanningError: if one is said twice, or is not the user's to give.
    """
    for name in call:
        if name in _GIVEN:
            raise PlanningError(f"--call {name} cannot be given: say {_GIVEN[name]}")
        if name in _NEEDED:
            raise PlanningError(f"--call {name} cannot be given: a recording needs the pipeline's own")
    for name, value in call.items():
        parts = value.values() if isinstance(value, dict) else [value]
        if not all(
            isinstance(one, _SCALARS) for of in parts for one in (of if isinstance(of, list) else [of])
        ):
            raise PlanningError(
                f"--call {name} cannot be given: values are numbers, text, true, false, none, or lists or "
                "objects of these"
            )
    found = dict(call)
    if size is not None:
        if not all(1 <= side <= _LARGEST_SIDE for side in size):
            raise PlanningError(f"a picture of {size[0]}x{size[1]} pixels cannot be generated")
        _add(found, {"width": size[0], "height": size[1]}, "--size")
    if negative is not None:
        _add(found, {"negative_prompt": negative}, "--negative")
    return found


def picture_size(call: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height that are asked for; None if the pipeline's own."""
    width, height = call.get("width"), call.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _add(call: dict[str, Any], more: Mapping[str, Any], flag: str) -> None:
    if twice := [name for name in more if name in call]:
        raise PlanningError(f"{twice[0]} is said twice, by {flag} and by --call")
    call.update(more)
