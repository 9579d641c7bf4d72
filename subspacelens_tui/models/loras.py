"""LoRAs of a pipeline, which must do something: diffusers passes over weights that fit nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from subspacelens_tui.models.errors import ModelError
from subspacelens_tui.models.problems import first_line
from subspacelens_tui.models.requirements import LORA, need
from subspacelens_tui.models.trial import modules_of
from subspacelens_tui.sessions.format import Lora

_MATRICES = ("lora_A", "lora_B", "lora_down", "lora_up", "lora.down", "lora.up")


def load_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Load LoRAs and set their weights.

    Raises:
        ModelError: if one is not for this pipeline, changes nothing, or is not the file it was.
    """
    kind = type(pipeline).__name__
    need("peft", LORA)
    if not hasattr(pipeline, "load_lora_weights"):
        raise ModelError(f"diffusers loads no LoRA into a {kind}")
    names = [f"lora_{index}" for index in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        path = _checked(lora)
        try:
            expected = _matrices(pipeline.lora_state_dict(path.parent, weight_name=path.name))
            pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name)
        except Exception as error:  # it raises nearly anything
            raise ModelError(f"LoRA {lora.name} does not fit {kind}: {first_line(error)}") from error
        loaded = [*_layers(pipeline, name)]
        # Each layer has two matrices.
        if 2 * len(loaded) < expected or not loaded:
            raise ModelError(
                f"LoRA {lora.name} does not fit {kind}: {2 * len(loaded)} of its {expected} matrices have "
                "a place there"
            )
        if not any(bool(layer.get_delta_weight(name).any()) for layer in loaded):
            raise ModelError(f"LoRA {lora.name} changes nothing: its product is zero in every layer")
    pipeline.set_adapters(names, [lora.weight for lora in loras])


def _checked(lora: Lora) -> Path:
    """Its file, if it is what it was when the session was made."""
    path = Path(lora.path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"LoRA {path} cannot be read: {error.strerror or error}", mendable=True) from None
    if digest != lora.sha256:
        raise ModelError(f"LoRA {path} is not the file it was when the session was made", mendable=True)
    return path


def _matrices(found: Any) -> int:
    """How many matrices of low rank are in what `lora_state_dict` gives."""
    weights = found[0] if isinstance(found, tuple) else found
    return sum(any(f".{part}" in name for part in _MATRICES) for name in weights)


def _layers(pipeline: Any, name: str) -> Iterator[Any]:
    """The layers that have an adapter of that name."""
    for _, component in modules_of(pipeline):
        for module in component.modules():
            if hasattr(module, "get_delta_weight") and name in getattr(module, "lora_A", {}):
                yield module
