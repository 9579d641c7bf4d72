"""Tiny pipelines with a UNet, and those that start from a picture."""

from typing import Any

import diffusers as df
from PIL import Image

from tests.models.tiny_parts import (
    chatglm_tokenizer,
    clip_text,
    euler,
    sdxl_unet,
    unet,
    vae,
)
from tests.models.tiny_recipe import SIZE, assembled, of_parts, recipe
from tests.models.tiny_streams import FLUX


def sdxl_pipeline(scheduler: Any) -> Any:
    texts = clip_text(projected=False), clip_text()
    return assembled(df.StableDiffusionXLPipeline, sdxl_unet(), vae(), scheduler, *texts)


@recipe(**SIZE)
def sdxl() -> Any:
    return sdxl_pipeline(euler())


@recipe(guidance=0.0, **SIZE)
def sdxl_turbo() -> Any:
    return sdxl_pipeline(df.EulerAncestralDiscreteScheduler(timestep_spacing="trailing"))


@recipe(**SIZE)
def sdxl_pag() -> Any:
    """Perturbed-attention guidance adds a row that is of neither branch."""
    return of_parts(df.StableDiffusionXLPAGPipeline, "sdxl", pag_applied_layers=["mid"])


@recipe(**SIZE)
def sd15() -> Any:
    scheduler, text = df.PNDMScheduler(skip_prk_steps=True, steps_offset=1), clip_text(projected=False)
    safety = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return assembled(df.StableDiffusionPipeline, unet(), vae(), scheduler, text, **safety)


@recipe(**SIZE, max_sequence_length=32)
def kolors() -> Any:
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig, ChatGLMModel

    config = ChatGLMConfig(
        num_layers=2,
        padded_vocab_size=400,
        hidden_size=8,
        ffn_hidden_size=16,
        kv_channels=4,
        num_attention_heads=2,
        multi_query_attention=True,
        multi_query_group_num=1,
        seq_length=256,
        rmsnorm=True,
        post_layer_norm=True,
        add_bias_linear=False,
        add_qkv_bias=True,
        original_rope=True,
        use_cache=False,
    )
    denoiser = sdxl_unet(cross_attention_dim=8, projection_class_embeddings_input_dim=56)
    text = ChatGLMModel(config), chatglm_tokenizer()
    return assembled(df.KolorsPipeline, denoiser, vae(), euler(), text)


# Pipelines that start from a picture

PICTURE = Image.radial_gradient("L").convert("RGB").resize((24, 16))


@recipe(**SIZE, max_sequence_length=32, image=PICTURE, strength=0.5)
def sd3_image() -> Any:
    return of_parts(df.StableDiffusion3Img2ImgPipeline, "sd3")


@recipe(image=PICTURE, strength=0.5)
def sdxl_image() -> Any:
    return of_parts(df.StableDiffusionXLImg2ImgPipeline, "sdxl")


@recipe(guidance=3.5, **FLUX, image=PICTURE, _auto_resize=False, max_area=16 * 24)
def flux_kontext() -> Any:
    """Tokens of the picture stand behind those that are denoised."""
    return of_parts(df.FluxKontextPipeline, "flux")


@recipe(height=32, width=32, num_frames=9, max_sequence_length=16, image=PICTURE)
def ltx_image() -> Any:
    return of_parts(df.LTXImageToVideoPipeline, "ltx")
