"""Loading a diffusers pipeline, with one clear line for each way in which that fails."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from huggingface_hub.utils import logging as hub_logging
from packaging.version import Version
from transformers.utils import logging as transformers_logging

from subspacelens_tui.models.checkpoint_text import text_encoder_in
from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.inspection import DENOISERS, Part, find_pipeline
from subspacelens_tui.models.loras import load_loras
from subspacelens_tui.models.problems import first_line, not_loaded
from subspacelens_tui.models.quantization import gguf_config, quantization_config
from subspacelens_tui.models.schedulers import scheduler_class, use_scheduler
from subspacelens_tui.models.source import ModelSource
from subspacelens_tui.models.weight_files import WeightSet

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_RANDOM_INIT_SEED = 0
# What `from_pretrained` calls the precision: the older name goes.
_DTYPE = {
    "diffusers": "dtype" if Version(diffusers.__version__) >= Version("0.40") else "torch_dtype",
    "transformers": "dtype" if Version(transformers.__version__) >= Version("4.56") else "torch_dtype",
}
_OF_BLOCK = re.compile(r"(\w+)\.(\d+)\.")


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


def load_pipeline(source: ModelSource, dtype: torch.dtype, *, random_init: bool = False) -> Any:
    """Load a pipeline of any class, into the memory of the host.

    What the hub's cache has is not downloaded again; HF_HUB_OFFLINE and HF_HOME mean what they always mean.
    Code that comes with a model is never run.

    Args:
        source: where its weights are.
        dtype: precision of its weights.
        random_init: keep the architecture but draw the denoiser's weights anew (seed 0), as a control.

    Raises:
        ModelError: if it cannot be loaded.
    """
    _be_quiet()
    scheduler = None if source.scheduler is None else scheduler_class(source.scheduler)
    found = find_pipeline(source)
    classes = {part.name: _class_of(part) for part in found.parts}
    loaded = {
        part.name: _load(part, part.weights, classes[part.name], dtype, source.quantize)
        for part in found.parts
        if part.weights is not None
    }
    loaded |= {
        part.name: _load_file(part, part.file, classes[part.name], dtype, source.quantize)
        for part in found.parts
        if part.file is not None
    }
    without = next(part for part in found.parts if part.name not in loaded)
    with _one_line(without.model, "tokenizer or scheduler", without.again):
        # All that is left to it is what has no weights; what it does without, some classes must be told.
        absent = dict.fromkeys(found.absent)
        pipeline = DiffusionPipeline.from_pretrained(found.folder, **loaded, **absent)
    if scheduler is not None:
        use_scheduler(pipeline, scheduler)
    if random_init:
        _draw_weights_anew(pipeline, dtype)
    if source.loras:
        load_loras(pipeline, source.loras)
    pipeline.set_progress_bar_config(disable=True)
    if hasattr(getattr(pipeline, "vae", None), "enable_slicing"):
        pipeline.vae.enable_slicing()  # or decoding a batch would take more memory than all else
    return pipeline


def _class_of(part: Part) -> Any:
    library = {"transformers": transformers}.get(part.library, diffusers)
    own = library.__name__ != part.library  # a folder of diffusers' pipelines
    place = importlib.import_module(f"diffusers.pipelines.{part.library}") if own else library
    kind = getattr(place, part.kind, None)
    if kind is None:
        why = f"{library.__name__} {library.__version__} has no {part.kind}"
        raise not_loaded(part.model, part.name, why, f"run `pip install --upgrade {library.__name__}`")
    return kind


def _load(part: Part, weights: WeightSet, kind: Any, dtype: torch.dtype, quantize: str | None) -> Any:
    """A part with its weights; those of a denoiser quantised, if asked for.

    Raises:
        ModelError: if it cannot be loaded, or its configuration and its weights do not belong together: the
            libraries draw missing weights at random.
    """
    how: dict[str, Any] = {"variant": weights.variant, "use_safetensors": not weights.pickled}
    # It must be a torch.dtype: a string silently loads float32.
    library = (
        "diffusers"
        if issubclass(kind, diffusers.ModelMixin) or kind is diffusers.AutoModel
        else "transformers"
    )
    how[_DTYPE[library]] = dtype
    if library == "transformers":
        how["ignore_mismatched_sizes"] = True  # then it says which they are
    if quantize is not None and part.name.startswith(DENOISERS):
        how["quantization_config"] = quantization_config(quantize, dtype)
    with _one_line(part.model, part.name, part.again):
        model, info = kind.from_pretrained(
            part.folder, output_loading_info=True, low_cpu_mem_usage=True, **how
        )
    if (misfit := _misfit(model, info)) is not None:
        raise not_loaded(part.model, part.name, misfit, part.again)
    return model


def _load_file(part: Part, file: Path, kind: Any, dtype: torch.dtype, quantize: str | None) -> Any:
    """A part with its weights from a file, which has a denoiser alone or a whole pipeline.

    Raises:
        ModelError: if it cannot be loaded, or lacks weights that its configuration wants.
    """
    again = f"check that the file has the weights of a {kind.__name__}"
    if part.library != "transformers" and not hasattr(kind, "from_single_file"):
        raise ModelError(f"diffusers loads no {kind.__name__} from a single file: give a diffusers folder")
    how: dict[str, Any] = {_DTYPE["diffusers"]: dtype}
    if file.suffix == ".gguf":
        how["quantization_config"] = gguf_config(dtype)
    elif quantize is not None and part.name.startswith(DENOISERS):
        how["quantization_config"] = quantization_config(quantize, dtype)
    with _one_line(str(file), part.name, again):
        if part.library == "transformers":
            model = text_encoder_in(file, kind, part.folder, dtype)
        else:
            model = kind.from_single_file(str(file), config=str(part.folder), **how)
    if (misfit := _misfit(model, {})) is not None:
        raise not_loaded(str(file), part.name, misfit, again)
    return model


def _misfit(model: Any, info: Mapping[str, Any]) -> str | None:
    """How the weights that were found differ from what the configuration wants; None if they do not."""
    # Some versions of transformers do not say that weights are missing, and leave these without memory.
    missing = {
        *info.get("missing_keys", ()),
        *(name for name, one in model.named_parameters() if one.is_meta),
    }
    # Names with shapes.
    others = [found if isinstance(found, str) else found[0] for found in info.get("mismatched_keys", ())]
    for names, words in ((others, "of another shape"), (missing, "missing")):
        if len(names) == 1:
            return f"the weight {min(names)} is {words}"
        if names:
            return f"{len(names)} weights are {words}, {min(names)} is one"
    for name in sorted(info.get("unexpected_keys", ())):
        block = _OF_BLOCK.match(name)
        blocks = getattr(model, block[1], None) if block else None
        if block and isinstance(blocks, torch.nn.ModuleList) and int(block[2]) >= len(blocks):
            return f"its configuration has {len(blocks)} {block[1]}, its weights have more"
    return None


@contextmanager
def _one_line(model: str, part: str, again: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # from_pretrained raises nearly anything
        raise not_loaded(model, part, first_line(error), again) from error


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
        for name, trained in list(pipeline.components.items()):
            # What decodes is a VAE.
            if isinstance(trained, diffusers.ModelMixin) and not hasattr(trained, "decode"):
                setattr(pipeline, name, type(trained).from_config(trained.config).to(dtype).eval())
