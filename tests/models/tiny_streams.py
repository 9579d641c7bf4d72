"""Tiny pipelines whose transformer has text and image among its tokens."""

from typing import Any

import diffusers as df
import transformers as tf

from tests.models.tiny_parts import (
    clip_text,
    fast_tokenizer,
    flow,
    flow_vae,
    flux2_vae,
    gemma_text,
    mistral3,
    qwen3,
    qwen25vl,
    qwen_tokenizer,
    shifted_flow,
    t5_text,
    umt5_text,
    vae,
)
from tests.models.tiny_recipe import LATENTS, SIZE, assembled, heads, recipe


@recipe(**SIZE, max_sequence_length=32)
def sd3() -> Any:
    transformer = df.SD3Transformer2DModel(
        **heads(4, 8),
        **LATENTS,
        sample_size=16,
        num_layers=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=64,
        out_channels=4,
        pos_embed_max_size=32,
    )
    texts = clip_text(), clip_text(), t5_text()
    return assembled(df.StableDiffusion3Pipeline, transformer, flow_vae(), flow(shift=3.0), *texts)


# Of two lists, the second of which has text and image in one stream.
_TWO_LISTS = {
    **heads(2, 16),
    "patch_size": 1,
    "in_channels": 16,
    "num_layers": 2,
    "num_single_layers": 3,
}


def flux_pipeline(guidance_embeds: bool, scheduler: Any) -> Any:
    transformer = df.FluxTransformer2DModel(
        **_TWO_LISTS,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=guidance_embeds,
    )
    return assembled(
        df.FluxPipeline, transformer, flow_vae(), scheduler, clip_text(projected=False), t5_text()
    )


FLUX = {**SIZE, "max_sequence_length": 32}


@recipe(guidance=3.5, **FLUX)
def flux() -> Any:
    return flux_pipeline(True, shifted_flow())


@recipe(guidance=3.5, **FLUX, true_cfg_scale=2.0, negative_prompt="a photo of a table")
def flux_true_cfg() -> Any:
    return flux()


@recipe(guidance=0.0, **FLUX)
def flux_schnell() -> Any:
    return flux_pipeline(False, flow(shift=1.0))


def flux2_transformer(**more: Any) -> Any:
    rope = {"timestep_guidance_channels": 256, "axes_dims_rope": [4, 4, 4, 4]}
    return df.Flux2Transformer2DModel(**_TWO_LISTS, **rope, joint_attention_dim=16, **more)


@recipe(**SIZE, max_sequence_length=512, text_encoder_out_layers=(1,))
def flux2() -> Any:
    text = mistral3(), fast_tokenizer()
    return assembled(df.Flux2Pipeline, flux2_transformer(), flux2_vae(), shifted_flow(), text)


@recipe(**SIZE, max_sequence_length=32, text_encoder_out_layers=(1,))
def flux2_klein() -> Any:
    transformer, text = (
        flux2_transformer(guidance_embeds=False),
        (qwen3(tf.Qwen3ForCausalLM), qwen_tokenizer()),
    )
    return assembled(
        df.Flux2KleinPipeline, transformer, flux2_vae(), shifted_flow(), text, is_distilled=False
    )


@recipe(**SIZE)
def chroma() -> Any:
    transformer = df.ChromaTransformer2DModel(
        **_TWO_LISTS,
        joint_attention_dim=32,
        axes_dims_rope=[4, 4, 8],
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    )
    return assembled(df.ChromaPipeline, transformer, flow_vae(), flow(), t5_text())


@recipe(height=32, width=48, max_sequence_length=64)
def qwen_image() -> Any:
    transformer = df.QwenImageTransformer2DModel(
        **heads(3, 16),
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=3,
        joint_attention_dim=32,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )
    decoder = df.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    text = qwen25vl(), qwen_tokenizer()
    return assembled(df.QwenImagePipeline, transformer, decoder, shifted_flow(), text)


@recipe(height=32, width=40, max_sequence_length=32)
def z_image() -> Any:
    transformer = df.ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=3,
        n_refiner_layers=2,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[256, 32, 32],
    )
    return assembled(df.ZImagePipeline, transformer, flow_vae(), flow(), (qwen3(), qwen_tokenizer()))


@recipe(height=32, width=48)
def lumina2() -> Any:
    transformer = df.Lumina2Transformer2DModel(
        **LATENTS,
        sample_size=16,
        hidden_size=24,
        num_layers=3,
        num_refiner_layers=2,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=[4, 2, 2],
        axes_lens=[512, 64, 64],
        cap_feat_dim=16,
    )
    return assembled(df.Lumina2Pipeline, transformer, flow_vae(), flow(), gemma_text())


@recipe(**SIZE)
def cogview3plus() -> Any:
    transformer = df.CogView3PlusTransformer2DModel(
        **heads(4, 4),
        **LATENTS,
        num_layers=3,
        out_channels=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=2,
        pos_embed_max_size=16,
        sample_size=8,
    )
    return assembled(df.CogView3PlusPipeline, transformer, vae(), df.CogVideoXDDIMScheduler(), t5_text())


@recipe(height=16, width=32, num_frames=9, max_sequence_length=16)
def cogvideox() -> Any:
    decoder = df.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8,) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
    )
    transformer = df.CogVideoXTransformer3DModel(
        **heads(4, 8),
        **LATENTS,
        out_channels=4,
        time_embed_dim=2,
        text_embed_dim=32,
        num_layers=3,
        sample_width=4,
        sample_height=2,
        sample_frames=9,
        max_text_seq_length=16,
    )
    return assembled(df.CogVideoXPipeline, transformer, decoder, df.CogVideoXDPMScheduler(), t5_text(226))


@recipe(**SIZE)
def aura_flow() -> Any:
    transformer = df.AuraFlowTransformer2DModel(
        **heads(4, 8),
        **LATENTS,
        sample_size=16,
        num_mmdit_layers=2,
        num_single_dit_layers=3,
        caption_projection_dim=32,
        joint_attention_dim=32,
        out_channels=4,
        pos_embed_max_size=256,
    )
    return assembled(df.AuraFlowPipeline, transformer, vae(), flow(), umt5_text())


@recipe(height=32, width=32, num_frames=9, max_sequence_length=16)
def ltx() -> Any:
    scaling = (True, True, False, False)
    decoder = df.AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=scaling,
        decoder_spatio_temporal_scaling=scaling,
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
        patch_size=1,
    )
    transformer = df.LTXVideoTransformer3DModel(
        **heads(4, 8),
        in_channels=8,
        out_channels=8,
        cross_attention_dim=32,
        num_layers=3,
        caption_channels=32,
    )
    return assembled(df.LTXPipeline, transformer, decoder, flow(), t5_text())


@recipe(height=64, width=64)
def ernie_image() -> Any:
    """Its blocks have tokens before rows."""
    transformer = df.ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=3,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=16,
        rope_axes_dim=(4, 6, 6),
    )
    text = qwen3(), qwen_tokenizer()
    return assembled(
        df.ErnieImagePipeline, transformer, flux2_vae(), flow(), text, pe=None, pe_tokenizer=None
    )
