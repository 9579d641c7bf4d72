"""One file with the weights of a whole pipeline, named as its authors named them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from safetensors import SafetensorError, safe_open

# How the names of weights begin, by the part that they are of; CLIP encoders in the order of a pipeline's
# `text_encoder` and `text_encoder_2`.
PREFIXES = {
    "vae": ("first_stage_model.", "vae."),
    "clip": (
        "cond_stage_model.",
        "conditioner.embedders.0.",
        "conditioner.embedders.1.",
        "text_encoders.clip_l.",
        "text_encoders.clip_g.",
    ),
    "t5": ("text_encoders.t5",),
}


def parts_in(file: Path | None) -> frozenset[str]:
    """What a file has beside a denoiser: "vae", "clip" and "t5"; nothing that is not safetensors."""
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
    return next((part for part, begins in PREFIXES.items() if name.startswith(begins)), None)


def holds(parts: Collection[str], name: str, kind: str) -> bool:
    """Whether a file with these parts has the weights of a component.

    Args:
        parts: as of `parts_in`.
        name: of the component.
        kind: its class.
    """
    if name == "vae":
        return "vae" in parts
    family = "clip" if kind.startswith("CLIPText") else "t5" if kind.startswith("T5") else None
    return name.startswith("text_encoder") and family in parts
