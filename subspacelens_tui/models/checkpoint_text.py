"""Text encoders in the file of a whole pipeline, by functions of diffusers that it does not export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.loaders import single_file_utils


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
        checkpoint=weights,
        config=str(folder.parent),
        subfolder=folder.name,
        torch_dtype=dtype,
        local_files_only=True,
    )
    return model.eval()
