"""Tiny pipelines whose transformer reads text by cross-attention, and what it denoises may be a video."""

from typing import Any

import diffusers as df

from tests.models.tiny_parts import (
    gemma_text,
    sana_vae,
    t5_text,
    umt5_text,
    vae,
)
from tests.models.tiny_recipe import LATENTS, SIZE, assembled, enliven, heads, of_parts, recipe


@recipe(**SIZE)
def pixart_alpha() -> Any:
    transformer = df.PixArtTransformer2DModel(
        **heads(3, 8),
        **LATENTS,
        sample_size=8,
        num_layers=3,
        caption_channels=32,
        cross_attention_dim=24,
        out_channels=8,
    )
    return assembled(df.PixArtAlphaPipeline, transformer, vae(), df.DPMSolverMultistepScheduler(), t5_text())


@recipe(**SIZE)
def pixart_sigma() -> Any:
    return of_parts(df.PixArtSigmaPipeline, "pixart_alpha")


@recipe(prompts=("3", "7"))
def dit() -> Any:
    transformer = df.DiTTransformer2DModel(
        **heads(2, 8), **LATENTS, sample_size=8, num_layers=3, out_channels=8
    )
    return assembled(df.DiTPipeline, transformer, vae(), df.DDIMScheduler())


def sana_transformer(**more: Any) -> Any:
    return df.SanaTransformer2DModel(
        **heads(2, 8),
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=3,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=16,
        sample_size=16,
        **more,
    )


def flow_solver(kind: Any) -> Any:
    return kind(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)


_SANA = {"height": 32, "width": 32, "max_sequence_length": 32, "complex_human_instruction": None}


@recipe(**_SANA)
def sana() -> Any:
    scheduler = flow_solver(df.DPMSolverMultistepScheduler)
    return assembled(df.SanaPipeline, sana_transformer(), sana_vae(), scheduler, gemma_text())


@recipe(**_SANA, intermediate_timesteps=None)
def sana_sprint() -> Any:
    transformer = sana_transformer(qk_norm="rms_norm_across_heads", guidance_embeds=True)
    return assembled(df.SanaSprintPipeline, transformer, sana_vae(), df.SCMScheduler(), gemma_text())


def wan_transformer() -> Any:
    return df.WanTransformer3DModel(
        **heads(2, 12),
        patch_size=(1, 2, 2),
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=3,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32,
    )


_VIDEO = {"num_frames": 5, "height": 32, "width": 48, "max_sequence_length": 32}


@recipe(**_VIDEO)
def wan() -> Any:
    decoder = df.AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1] * 4, num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    scheduler = flow_solver(df.UniPCMultistepScheduler)
    return assembled(
        df.WanPipeline, wan_transformer(), decoder, scheduler, umt5_text(512), transformer_2=None
    )


@recipe(**_VIDEO)
def wan22() -> Any:
    components = {**wan().components, "transformer_2": wan_transformer()}
    enliven(components["transformer_2"], seed=1)
    return df.WanPipeline(**components, boundary_ratio=0.875)


@recipe(guidance=7.0, audio_end_in_s=0.01)
def stable_audio() -> Any:
    """What it makes is sound; what projects its text projects its duration as well."""
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel

    transformer = df.StableAudioDiTModel(
        sample_size=4,
        in_channels=3,
        num_layers=3,
        attention_head_dim=4,
        num_attention_heads=2,
        num_key_value_attention_heads=2,
        out_channels=3,
        cross_attention_dim=4,
        time_proj_dim=8,
        global_states_input_dim=8,
        cross_attention_input_dim=4,
    )
    decoder = df.AutoencoderOobleck(
        encoder_hidden_size=6,
        downsampling_ratios=[1, 2],
        channel_multiples=[2, 4],
        decoder_channels=3,
        decoder_input_channels=3,
        sampling_rate=4,
    )
    projection = StableAudioProjectionModel(
        text_encoder_dim=32, conditioning_dim=4, min_value=0, max_value=32
    )
    scheduler = df.EDMDPMSolverMultistepScheduler(prediction_type="v_prediction", sigma_data=1.0)
    return assembled(
        df.StableAudioPipeline, transformer, decoder, scheduler, t5_text(), projection_model=projection
    )
