"""Text encoders in the file of a whole pipeline, by functions of diffusers that it does not export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers.loaders import single_file_utils
from safetensors import safe_open

from subspacelens_tui.models.checkpoint import part_for, part_of

# Of Stable Diffusion 3's first encoder, for which diffusers (0.42) takes the identity even where a file has it.
_PROJECTION = "text_encoders.clip_l.transformer.text_projection.weight"


def text_encoder_in(file: Path, kind: Any, folder: Path, dtype: Any) -> Any:
    """A text encoder from such a file, with the configuration of a folder.

    Args:
        file: which holds its weights.
        kind: its class, of transformers.
        folder: where its configuration is.
        dtype: of torch.
    """
    part = part_for(folder.name, kind.__name__)
    # All others left out: of two CLIPs that are equally wide diffusers takes the first for both.
    with safe_open(file, "pt") as opened:
        weights = {name: opened.get_tensor(name) for name in opened.keys() if part_of(name) == part}  # noqa: SIM118
    if part == "t5":
        _tie_embeddings(weights)
        make = single_file_utils.create_diffusers_t5_model_from_checkpoint
    else:
        make = single_file_utils.create_diffusers_clip_model_from_ldm
    model = make(
        kind,
        checkpoint=dict(weights),
        config=str(folder.parent),
        subfolder=folder.name,
        torch_dtype=dtype,
        local_files_only=True,
    )
    if _PROJECTION in weights:
        model.text_projection.weight.data.copy_(weights[_PROJECTION])
    return model.eval()


def _tie_embeddings(weights: dict[str, Any]) -> None:
    """Have them under both of their names: diffusers leaves the one that a file lacks without memory."""
    begin = next(iter(weights)).split("transformer.")[0] + "transformer."
    shared, embedded = f"{begin}shared.weight", f"{begin}encoder.embed_tokens.weight"
    for one, other in ((shared, embedded), (embedded, shared)):
        if one in weights:
            weights.setdefault(other, weights[one])
