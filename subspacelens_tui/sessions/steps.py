"""Denoising steps by name, and older sessions in which they are not what they are called.

A session says which timestep each of its steps has. Versions before that took the number of steps that was asked
for as the number that ran, and some schedulers call the model more often: the session counts 20 steps of 39, and
the one it calls the last is in the middle.
"""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from subspacelens_tui.sessions.errors import SessionError
from subspacelens_tui.sessions.files import read_plain
from subspacelens_tui.sessions.format import Manifest, ModelInfo

# Schedulers that the recorders of those sessions could use and that call the model more often than asked, however
# they are configured. The list is closed: newer sessions do not need it.
_CALL_MORE_OFTEN = (
    "DPMSolverSDEScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "PNDMScheduler",
)
_BUNDLED = "demo"
_CONFIG = ("scheduler", "scheduler_config.json")
_CONFIG_BYTES = 64 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Timesteps are float32 on the device; what they are computed from is rounded otherwise on other machines.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-5


def step_name(step: int | None, timestep: float | None) -> str:
    """A denoising step for people, `19 (t 50)`; its index alone where its timestep is not known."""
    return f"{step}" if timestep is None else f"{step} ({timestep_name(timestep)})"


def timestep_name(timestep: float) -> str:
    """A timestep for people, `t 50`: in four digits, which tell those of a thousand apart."""
    return f"t {timestep:.4g}"


def same_timesteps(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two schedules are the same but for rounding."""
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE) for a, b in zip(one, other, strict=True)
    )


class OlderSteps:
    """What can be told about the steps of a session that has no timesteps.

    Args:
        manifest: of the session, with its model loaded.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._steps = manifest.steps
        scheduler = _scheduler_at_hand(manifest.model)
        self._scheduler = scheduler if scheduler in _CALL_MORE_OFTEN else None

    def problem(self, furthest: int) -> str | None:
        """One line if its steps are not what they are called; None if nothing says so.

        Args:
            furthest: the furthest step that its recorders were at, by their logs.
        """
        counted = f"more than the {self._steps} counted here"
        if furthest > self._steps:
            found = f"{self._scheduler or 'its scheduler'} ran {counted} (the log has step {furthest})"
        elif self._scheduler is not None:
            found = f"the {self._scheduler} of its model runs {counted}"
        else:
            return None
        return f"steps are mislabelled: {found}, so {self._steps - 1} is not the last; record it again"


def _scheduler_at_hand(model: ModelInfo) -> str | None:
    """The class of the model's scheduler, if the model is on this machine; nothing else of it is read."""
    try:
        path = _config_at_hand(model)
        # Resolved, because the hub's cache holds links; what is there is opened only if it is a plain file.
        content = json.loads(read_plain(path.parent, path.name, at_most=_CONFIG_BYTES)) if path else None
    except (OSError, ValueError, SessionError, RecursionError):
        return None
    name = content.get("_class_name") if isinstance(content, dict) else None
    return name if isinstance(name, str) else None


def _config_at_hand(model: ModelInfo) -> Path | None:
    place = model.components_from or model.id
    if place == _BUNDLED:  # it runs as many steps as are asked for
        return None
    if Path(place).is_absolute():
        return Path(place, *_CONFIG).resolve()
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    known = model.commit is not None and model.components_from is None and _COMMIT.fullmatch(model.commit)
    try:
        found = try_to_load_from_cache(place, "/".join(_CONFIG), revision=model.commit if known else None)
    except HFValidationError:
        return None
    return Path(found).resolve() if isinstance(found, str) else None
