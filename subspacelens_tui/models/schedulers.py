"""Another scheduler for a pipeline, of any class that diffusers has."""

from __future__ import annotations

import difflib
from typing import Any

import diffusers
from diffusers import SchedulerMixin

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.problems import first_line

_NAMED = 3


def scheduler_class(name: str) -> Any:
    """The class of diffusers with that name.

    Raises:
        ModelError: if there is none; the line has those with similar names.
    """
    kind = getattr(diffusers, name, None) if name.endswith("Scheduler") else None
    if isinstance(kind, type) and issubclass(kind, SchedulerMixin):
        return kind
    there = {_short(known): known for known in dir(diffusers) if known.endswith("Scheduler")}
    near = difflib.get_close_matches(_short(name), there, _NAMED)
    near += [known for known in there if _short(name) and _short(name) in known and known not in near]
    words = ", ".join(there[known] for known in near[:_NAMED])
    advice = f"did you mean {words}?" if words else "give the name of a class, such as EulerDiscreteScheduler"
    raise ModelError(f"diffusers {diffusers.__version__} has no scheduler {name!r}: {advice}")


def _short(name: str) -> str:
    """What tells schedulers apart in their names."""
    return name.lower().removesuffix("scheduler").removesuffix("discrete")


def use_scheduler(pipeline: Any, kind: Any) -> None:
    """Give a pipeline a scheduler with the configuration of its own.

    Raises:
        ModelError: if it cannot be made, or one of the two follows a flow and the other a diffusion: what the
            denoiser predicts would be taken for something else.
    """
    own = pipeline.scheduler
    try:
        other = kind.from_config(own.config)
    except Exception as error:  # what a scheduler raises is its own
        raise ModelError(f"{kind.__name__} cannot be made: {first_line(error)}") from error
    if _of_a_flow(own) != _of_a_flow(other):
        names = [type(one).__name__ for one in (own, other)]
        flow, diffusion = names if _of_a_flow(own) else names[::-1]
        raise ModelError(
            f"{names[1]} does not fit {type(pipeline).__name__} with its {names[0]}: {flow} follows a flow, "
            f"{diffusion} as it would be configured a diffusion"
        )
    pipeline.scheduler = other


def _of_a_flow(scheduler: Any) -> bool:
    config = scheduler.config
    asked = config.get("use_flow_sigmas") or config.get("prediction_type") == "flow_prediction"
    return type(scheduler).__name__.startswith("FlowMatch") or bool(asked)
