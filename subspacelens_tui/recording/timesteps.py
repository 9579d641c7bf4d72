"""The denoising steps of a session: those that its scheduler runs, which may be more than are asked for."""

import copy
import math
from typing import Any

import torch

from subspacelens_tui.models.problems import first_line
from subspacelens_tui.planning.steps import default_capture_steps
from subspacelens_tui.recording.errors import RecordingError
from subspacelens_tui.sessions.format import MAX_STEPS, Manifest
from subspacelens_tui.sessions.steps import same_timesteps


def timesteps_of(scheduler: Any, inference_steps: int, device: torch.device) -> list[float]:
    """The timesteps of the steps that a scheduler runs, asked as pipelines ask it; on a copy of it.

    Raises:
        RecordingError: if it cannot run so many.
    """
    name, asked = type(scheduler).__name__, copy.deepcopy(scheduler)
    try:
        # Of the class: a wrapper among the scheduler's attributes would go to the original.
        type(asked).set_timesteps(asked, inference_steps, device=device)
    except Exception as error:  # what a scheduler raises is its own
        raise RecordingError(f"{name} cannot run {inference_steps} steps: {first_line(error)}") from error
    return checked_timesteps(asked.timesteps, name, inference_steps)


def checked_timesteps(timesteps: Any, name: str, inference_steps: int) -> list[float]:
    """The timesteps that a scheduler has set for so many steps, as floats.

    Raises:
        RecordingError: if they cannot be those of a recording.
    """
    found = as_floats(timesteps)
    if not 0 < len(found) <= MAX_STEPS:
        raise RecordingError(f"{name} has {len(found)} timesteps for {inference_steps} steps")
    for step, timestep in enumerate(found):
        if not math.isfinite(timestep):
            raise RecordingError(
                f"{name} has no timestep for step {step} of {len(found)} (it is {timestep}): "
                "take another number of --steps, or another configuration of the scheduler"
            )
    return found


def as_floats(timesteps: Any) -> list[float]:
    """Timesteps as schedulers have them: a tensor, an array, a list, or a single one."""
    return [float(timestep) for timestep in torch.as_tensor(timesteps).flatten().tolist()]


def with_timesteps(manifest: Manifest, timesteps: list[float], scheduler: str) -> Manifest:
    """The manifest once the steps are known; as it is if an earlier recorder has completed it.

    Args:
        manifest: of the session.
        timesteps: what the scheduler runs for its `inference_steps`.
        scheduler: its class.

    Raises:
        RecordingError: if a step that was asked for does not run, or the earlier recorder had other steps.
    """
    if manifest.timesteps:
        _refuse_other_steps(manifest, timesteps, scheduler)
        return manifest
    count, asked = len(timesteps), manifest.inference_steps
    if manifest.blocks:
        # An older program began it, and counted as many steps as were asked for.
        if count != manifest.steps:
            raise RecordingError(
                f"this session cannot be resumed: an older version counted {manifest.steps} steps, and "
                f"{scheduler} runs {count}, so what is there is under wrong steps; record it again"
            )
        return manifest
    captured = default_capture_steps(count) if manifest.default_capture else manifest.capture_steps
    if captured[-1] >= count:
        raise RecordingError(
            f"step {captured[-1]} cannot be captured: {scheduler} runs {count} steps for --steps {asked}, "
            f"which are 0 to {count - 1}"
        )
    return manifest.model_copy(
        update={"steps": count, "capture_steps": captured, "timesteps": timesteps, "scheduler": scheduler}
    )


def _refuse_other_steps(manifest: Manifest, timesteps: list[float], scheduler: str) -> None:
    """A recording that is resumed, or that several ranks share, has the same steps throughout."""
    if manifest.scheduler not in (None, scheduler):
        raise RecordingError(
            f"this session was recorded with {manifest.scheduler}, and the model has a {scheduler} now: "
            "features of both cannot be mixed"
        )
    if not same_timesteps(manifest.timesteps, timesteps):
        raise RecordingError(
            f"this session was recorded in {manifest.steps} steps from timestep {manifest.timesteps[0]:g}, "
            f"and {scheduler} now runs {len(timesteps)} from {timesteps[0]:g}: "
            "features of both cannot be mixed"
        )
