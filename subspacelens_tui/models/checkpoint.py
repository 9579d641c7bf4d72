"""One file with the weights of a whole pipeline, named as its authors named them."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

# How the names of weights begin, and the part that they are of: a T5's name is not the same in all pipelines.
_PREFIXES = {
    "first_stage_model.": "vae",
    "vae.": "vae",
    "cond_stage_model.": "text_encoder",
    "conditioner.embedders.0.transformer.": "text_encoder",
    "conditioner.embedders.0.model.": "text_encoder_2",  # of a refiner, which has no first
    "conditioner.embedders.1.": "text_encoder_2",
    "text_encoders.clip_l.": "text_encoder",
    "text_encoders.clip_g.": "text_encoder_2",
    "text_encoders.t5": "t5",
}


def parts_in(file: Path | None) -> frozenset[str]:
    """What a file has beside a denoiser, as of `part_of`; nothing that is not safetensors."""
    if file is None or file.suffix != ".safetensors":
        return frozenset()
    try:
        with safe_open(file, "numpy") as opened:
            names = tuple(opened.keys())
    except (OSError, SafetensorError):  # said when it is loaded
        return frozenset()
    return frozenset(part for name in names if (part := part_of(name)) is not None)


def part_of(name: str) -> str | None:
    """The part that a weight of such a file belongs to, by its name; None for the denoiser's."""
    return next((part for begin, part in _PREFIXES.items() if name.startswith(begin)), None)


def part_for(name: str, kind: str) -> str | None:
    """The part of such a file that a component is, as of `part_of`; None for what no file has.

    Args:
        name: of the component.
        kind: its class.
    """
    if name.startswith("text_encoder") and kind.startswith("T5"):
        return "t5"
    return name if name == "vae" or kind.startswith("CLIPText") else None
