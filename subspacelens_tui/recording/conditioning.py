"""The text conditioning of all prompts, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from subspacelens_tui.models import Architecture
from subspacelens_tui.recording.finite import broken_weight
from subspacelens_tui.recording.memory import give_back, out_of_memory

_ENCODE_BATCH = 32
_EMPTY_PROMPT = ""


@dataclass(frozen=True)
class Conditioning:
    """What `Architecture.encode` gives, on the host: a row for each prompt, and one for the empty prompt.

    `broken_weight` names a weight of the text encoder that is not finite, which is looked for only where what
    it gives is not.
    """

    prompts: dict[str, torch.Tensor]
    unconditional: dict[str, torch.Tensor]
    broken_weight: str | None = None

    @property
    def not_finite(self) -> list[int]:
        """The prompts whose embeddings are not finite; the empty prompt comes after the last."""
        finite = [
            torch.isfinite(torch.cat([of_prompts, self.unconditional[name]])).flatten(1).all(1)
            for name, of_prompts in self.prompts.items()
        ]
        return torch.nonzero(~torch.stack(finite).all(0)).flatten().tolist()

    def rows(self, prompts: Sequence[int], device: torch.device) -> dict[str, torch.Tensor]:
        """The rows of these prompts, on the device."""
        chosen = torch.tensor(prompts)
        return {name: tensor[chosen].to(device) for name, tensor in self.prompts.items()}

    def empty(self, device: torch.device) -> dict[str, torch.Tensor]:
        """The row of the empty prompt, on the device."""
        return {name: tensor.to(device) for name, tensor in self.unconditional.items()}


def encode_prompts(
    pipeline: Any, architecture: Architecture, texts: Sequence[str], device: torch.device
) -> Conditioning:
    """Encode all prompts once, and let the text encoder go.

    The pipeline is still in the memory of the host. The encoder has the device for itself, and works on the
    CPU if the device has no memory for it. It is freed afterwards in any case: a T5-XXL takes 8.9 GiB in
    bfloat16, and nothing needs it again.
    """
    texts = [*texts, _EMPTY_PROMPT]
    try:
        encoded = _encode(pipeline, architecture, texts, device)
    except Exception as error:
        if device.type == "cpu" or not out_of_memory(error):
            raise
        encoded = None
    if encoded is None:
        cpu = torch.device("cpu")
        pipeline.text_encoder.to(cpu)
        give_back(device)
        encoded = _encode(pipeline, architecture, texts, cpu)
    found = Conditioning(
        prompts={name: tensor[:-1] for name, tensor in encoded.items()},
        unconditional={name: tensor[-1:] for name, tensor in encoded.items()},
    )
    if found.not_finite:
        found = replace(found, broken_weight=broken_weight(pipeline.text_encoder))
    pipeline.text_encoder = None
    give_back(device)
    return found


def _encode(
    pipeline: Any, architecture: Architecture, texts: Sequence[str], device: torch.device
) -> dict[str, torch.Tensor]:
    pipeline.text_encoder.to(device)
    parts = []
    with torch.no_grad():
        for start in range(0, len(texts), _ENCODE_BATCH):
            encoded = architecture.encode(pipeline, texts[start : start + _ENCODE_BATCH])
            parts.append({name: tensor.cpu() for name, tensor in encoded.items()})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
