"""Text encoders in the file of a whole pipeline, by functions of diffusers that it does not export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers.loaders import single_file_utils

# CLIP encoders in the order of a pipeline's `text_encoder` and `text_encoder_2`.
_CLIP = (
    "cond_stage_model.",
    "conditioner.embedders.0.",
    "conditioner.embedders.1.",
    "text_encoders.clip_l.",
    "text_encoders.clip_g.",
)


def text_encoder_in(file: Path, kind: Any, folder: Path, dtype: Any) -> Any:
    """A text encoder from such a file, with the configuration of a folder.

    Args:
        file: which holds its weights.
        kind: its class, of transformers.
        folder: where its configuration is.
        dtype: of torch.
    """
    is_clip = kind.__name__.startswith("CLIP")
    make = (
        single_file_utils.create_diffusers_clip_model_from_ldm
        if is_clip
        else single_file_utils.create_diffusers_t5_model_from_checkpoint
    )
    weights = single_file_utils.load_single_file_checkpoint(str(file))
    model = make(
        kind,
        checkpoint=_of_clip(weights, folder.name) if is_clip else weights,
        config=str(folder.parent),
        subfolder=folder.name,
        torch_dtype=dtype,
        local_files_only=True,
    )
    return model.eval()


def _of_clip(weights: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The weights of one CLIP encoder: of two that are equally wide diffusers takes the first for both."""
    there = [prefix for prefix in _CLIP if any(key.startswith(prefix) for key in weights)]
    prefix = there[-1 if name.endswith("_2") else 0]
    return {key: weight for key, weight in weights.items() if key.startswith(prefix)}
