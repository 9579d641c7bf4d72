"""Where the weights of a pipeline are while it runs."""

from __future__ import annotations

from typing import Any

import torch

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.problems import first_line


def place(pipeline: Any, device: torch.device, offload: str | None) -> None:
    """Put a pipeline on the device that it runs on, or in the memory of the host with a part there at a time.

    Args:
        pipeline: in the memory of the host.
        device: where it runs.
        offload: "model" brings whole components to the device as they run, "group" single layers; None puts
            all of them there.

    Raises:
        ModelError: if diffusers cannot offload it.
    """
    if offload is None:
        pipeline.to(device)
        return
    try:
        if offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        else:
            # Layers, because blocks are not found in every class.
            pipeline.enable_group_offload(onload_device=device, offload_type="leaf_level")
    except (ValueError, AttributeError, NotImplementedError) as error:
        kind = type(pipeline).__name__
        raise ModelError(
            f"{kind} cannot be recorded with --offload {offload}: {first_line(error)}"
        ) from error
