"""Tiny pipelines whose frames are rows of their own in some blocks, and those of other videos."""

from typing import Any

import diffusers as df

from tests.models.tiny_parts import clip_text, flow, t5_text, unet, vae
from tests.models.tiny_recipe import assembled, heads, recipe


@recipe(height=16, width=16, num_frames=4)
def animatediff() -> Any:
    """Between its blocks of pictures are some of motion, which have a row for each place in the frames."""
    motion = df.MotionAdapter(
        block_out_channels=(16, 32),
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=4,
    )
    scheduler, text = df.DDIMScheduler(clip_sample=False), clip_text(projected=False)
    return assembled(df.AnimateDiffPipeline, unet(), vae(), scheduler, text, motion_adapter=motion)


@recipe(height=16, width=16, num_frames=7, max_sequence_length=16)
def mochi() -> Any:
    """Its last block gives no text, and its lists have gaps."""
    transformer = df.MochiTransformer3DModel(
        **heads(2, 8),
        num_layers=3,
        pooled_projection_dim=16,
        text_embed_dim=32,
        time_embed_dim=4,
        max_sequence_length=16,
    )
    decoder = df.AutoencoderKLMochi(
        encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4, layers_per_block=(1,) * 5
    )
    return assembled(df.MochiPipeline, transformer, decoder, flow(), t5_text())
