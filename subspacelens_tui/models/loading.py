"""Loading a diffusers pipeline, with one clear line for each way in which that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from subspacelens_tui.models import Architecture, architecture_of, local_pipeline_class
from subspacelens_tui.models.architecture import ModelError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_RANDOM_INIT_SEED = 0


def choose_device(asked: str | None) -> torch.device:
    """The device asked for, or the best there is.

    Raises:
        ModelError: if it is not there.
    """
    if asked is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {asked!r} cannot be used: {_first_line(error)}") from None
    return device


def choose_dtype(asked: str | None, device: torch.device) -> torch.dtype:
    """The precision asked for, or bfloat16 on a GPU that has it and float32 elsewhere."""
    if asked is not None:
        return _DTYPES[asked]
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def load_pipeline(
    model: str,
    device: torch.device,
    dtype: torch.dtype,
    *,
    revision: str | None = None,
    random_init: bool = False,
) -> tuple[Any, Architecture]:
    """Load a pipeline that can be recorded.

    Args:
        model: a folder, or an id on the hub (or in its cache).
        device: where it shall run.
        dtype: precision of its weights.
        revision: of the hub repository.
        random_init: keep the architecture but draw the transformer's weights anew (seed 0), as a control.

    Raises:
        ModelError: if it cannot be loaded, or is of a class that is not supported.
    """
    _be_quiet()
    architecture = architecture_of(_pipeline_class(model, revision))
    try:
        # `dtype` must be a torch.dtype: a string silently loads float32.
        pipeline = DiffusionPipeline.from_pretrained(
            model, revision=revision, dtype=dtype, use_safetensors=True
        )
    except Exception as error:  # from_pretrained raises nearly anything on a damaged folder
        raise ModelError(f"model {model!r} cannot be loaded: {_first_line(error)}") from error
    if random_init:
        _draw_weights_anew(pipeline, dtype)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device), architecture


def _pipeline_class(model: str, revision: str | None) -> str:
    if Path(model).is_dir():
        return local_pipeline_class(Path(model))
    try:
        config: dict[str, Any] = DiffusionPipeline.load_config(model, revision=revision)
    except Exception as error:
        raise ModelError(_hub_problem(model, error)) from error
    return str(config["_class_name"])


def _hub_problem(model: str, error: BaseException) -> str:
    """Say which of the hub's failures it was: diffusers calls most of them "couldn't connect"."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    if "GatedRepoError" in chain:
        return f"model {model!r} is gated: accept its licence on the hub, then run `hf auth login`"
    if "RepositoryNotFoundError" in chain or "HFValidationError" in chain:
        return f"there is no model {model!r}: not a folder here, and not a repository on the hub"
    if "RevisionNotFoundError" in chain:
        return f"model {model!r} has no such revision"
    return (
        f"model {model!r} is neither a folder nor in the hub's cache, and the hub cannot be reached: "
        "check the id and the network, or download it where there is one with `hf download`"
    )


def _be_quiet() -> None:
    """Leave stderr to our own progress: warnings about optional config entries would bury it."""
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def _draw_weights_anew(pipeline: Any, dtype: torch.dtype) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_RANDOM_INIT_SEED)
        trained = pipeline.transformer
        pipeline.transformer = type(trained).from_config(trained.config).to(dtype).eval()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
