"""Pipelines with denoisers as wide as the real ones, a few blocks deep, at random weights."""

from collections.abc import Callable
from typing import Any

import diffusers
import torch

from tests.models.tiny_pipelines import build

# All but the depth, and what the small text encoders and the VAE give, is as on the hub.
FAMILIES: dict[str, Callable[[], Any]] = {
    "flux": lambda: diffusers.FluxTransformer2DModel(
        num_layers=1,
        num_single_layers=2,
        guidance_embeds=True,
        in_channels=16,
        joint_attention_dim=32,
        pooled_projection_dim=32,
    ),
    "sd3": lambda: diffusers.SD3Transformer2DModel(
        num_layers=4,
        num_attention_heads=24,
        caption_projection_dim=1536,
        pos_embed_max_size=192,
        in_channels=4,
        out_channels=4,
        joint_attention_dim=32,
        pooled_projection_dim=64,
    ),
}


def family(name: str, dtype: torch.dtype) -> Any:
    """A pipeline of that family."""
    pipeline = build(name)
    torch.manual_seed(0)
    pipeline.register_modules(transformer=FAMILIES[name]().eval())
    return pipeline.to(dtype)
