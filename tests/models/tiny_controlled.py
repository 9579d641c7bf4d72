"""Tiny pipelines with a ControlNet, which adds to what their blocks give."""

from typing import Any

import diffusers as df
import torch

from tests.models.tiny_recipe import SIZE, heads, of_parts, recipe
from tests.models.tiny_streams import FLUX
from tests.models.tiny_unets import PICTURE


def controlled(kind: Any, name: str, controlnet: Any) -> Any:
    """A pipeline with a ControlNet; its VAE, as trained ones do, encodes a picture nearly without noise."""
    pipeline = of_parts(kind, name, controlnet=controlnet)
    last = pipeline.vae.encoder.conv_out
    with torch.no_grad():
        last.weight[last.out_channels // 2 :] = 0.0
        last.bias[last.out_channels // 2 :] = -30.0
    return pipeline


@recipe(**SIZE, max_sequence_length=32, control_image=PICTURE)
def sd3_controlnet() -> Any:
    controlnet = df.SD3ControlNetModel(
        **heads(4, 8),
        sample_size=16,
        in_channels=4,
        num_layers=2,
        joint_attention_dim=32,
        caption_projection_dim=32,
        pooled_projection_dim=64,
        out_channels=4,
        pos_embed_max_size=32,
    )
    return controlled(df.StableDiffusion3ControlNetPipeline, "sd3", controlnet)


@recipe(guidance=3.5, **FLUX, control_image=PICTURE)
def flux_controlnet() -> Any:
    """No block of the second list takes, bit for bit, what the last of the first gave."""
    controlnet = df.FluxControlNetModel(
        **heads(2, 16),
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
    )
    return controlled(df.FluxControlNetPipeline, "flux", controlnet)
