"""Loading a diffusers pipeline, with one clear line for each way in which that fails."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from huggingface_hub.utils import logging as hub_logging
from packaging.version import Version
from transformers.utils import logging as transformers_logging

from subspacelens_tui.models import Architecture, architecture_of, local_pipeline_class
from subspacelens_tui.models.architecture import ModelError
from subspacelens_tui.models.problems import first_line, model_problem
from subspacelens_tui.models.source import ModelSource

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_RANDOM_INIT_SEED = 0
# What `from_pretrained` calls the precision: the older name ends with diffusers 1.0.
_DTYPE = "dtype" if Version(diffusers.__version__) >= Version("0.40") else "torch_dtype"


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
        raise ModelError(f"device {asked!r} cannot be used: {first_line(error)}") from None
    return device


def choose_dtype(asked: str | None, device: torch.device) -> torch.dtype:
    """The precision asked for, or bfloat16 on a GPU that has it and float32 elsewhere."""
    if asked is not None:
        return _DTYPES[asked]
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def load_pipeline(
    source: ModelSource, dtype: torch.dtype, *, random_init: bool = False
) -> tuple[Any, Architecture]:
    """Load a pipeline that can be recorded, into the memory of the host.

    What the hub's cache has is not downloaded again; HF_HUB_OFFLINE and HF_HOME mean what they always mean.
    Code that comes with a model is never run.

    Args:
        source: where its weights are.
        dtype: precision of its weights.
        random_init: keep the architecture but draw the transformer's weights anew (seed 0), as a control.

    Raises:
        ModelError: if it cannot be loaded, or is of a class that is not supported.
    """
    _be_quiet()
    # It must be a torch.dtype: a string silently loads float32. None for `use_safetensors` means: pickle
    # where there is nothing else.
    how = {_DTYPE: dtype, "use_safetensors": None if source.allow_pickle else True}
    whole = source.components_from or source.model
    architecture = architecture_of(_pipeline_class(whole, source))
    given = {"transformer": _transformer(source, getattr(diffusers, architecture.transformer), how)}
    if source.components_from is None:
        given |= {"revision": source.revision, "variant": source.variant}
    with _one_line_each(whole, source):
        pipeline = DiffusionPipeline.from_pretrained(whole, **given, **how)
    if random_init:
        _draw_weights_anew(pipeline, dtype)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.vae.enable_slicing()  # or decoding a batch would take more memory than all else
    return pipeline, architecture


def _transformer(source: ModelSource, kind: Any, how: dict[str, Any]) -> Any:
    """The transformer; apart from the rest, because only then diffusers says which weights were not found."""
    own = {"subfolder": "transformer", "revision": source.revision, "variant": source.variant}
    with _one_line_each(source.model, source):
        transformer, found = kind.from_pretrained(source.model, **own, **how, output_loading_info=True)
        if missing := found["missing_keys"]:
            raise ValueError(f"{len(missing)} weights of its transformer are missing, {min(missing)} is one")
    return transformer


def _pipeline_class(model: str, source: ModelSource) -> str:
    if Path(model).is_dir():
        return local_pipeline_class(Path(model))
    with _one_line_each(model, source):
        config: dict[str, Any] = DiffusionPipeline.load_config(model, revision=source.revision_of(model))
        return str(config["_class_name"])


@contextmanager
def _one_line_each(model: str, source: ModelSource) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # from_pretrained raises nearly anything on a damaged folder
        raise model_problem(model, source, error) from error


def _be_quiet() -> None:
    """Leave stderr to our own progress: what they say of optional config entries and files would bury it."""
    for library in (diffusers_logging, transformers_logging, hub_logging):
        library.set_verbosity(logging.CRITICAL)
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="The `local_dir_use_symlinks` argument")  # diffusers' own


def _draw_weights_anew(pipeline: Any, dtype: torch.dtype) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_RANDOM_INIT_SEED)
        trained = pipeline.transformer
        pipeline.transformer = type(trained).from_config(trained.config).to(dtype).eval()
