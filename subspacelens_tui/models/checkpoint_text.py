"""Text encoders in the file of a whole pipeline, by functions of diffusers that it does not export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.loaders import single_file_utils
from safetensors import safe_open

from subspacelens_tui.models.checkpoint import PREFIXES


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
    model = make(
        kind,
        checkpoint=_weights(file, "clip" if is_clip else "t5", folder.name),
        config=str(folder.parent),
        subfolder=folder.name,
        torch_dtype=dtype,
        local_files_only=True,
    )
    return model.eval()


def _weights(file: Path, family: str, name: str) -> dict[str, Any]:
    """Those of one encoder: of two CLIPs that are equally wide diffusers takes the first for both."""
    with safe_open(file, "pt") as opened:
        names = tuple(opened.keys())
        there = [begin for begin in PREFIXES[family] if any(key.startswith(begin) for key in names)]
        begin = there[-1 if name.endswith("_2") else 0]
        return {key: opened.get_tensor(key) for key in names if key.startswith(begin)}
