"""Diffusers pipelines of their true classes at random weights, a megabyte each, made offline.

Each recipe is the least that its classes take. Weights are drawn so that text, noise and time all reach every
token: as they are initialised, some models have zeros there.
"""

import functools
import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers as df
import torch
import transformers as tf
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = (
    "a photo of a red cat on a table",
    "a blue dog in the park, with more text than before",
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of "
    "the objects and background: system user assistant You are an assistant designed to generate superior "
    "images",
)
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}"
    "{% else %}{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PRINTABLE = [chr(code) for code in range(33, 127)]


@dataclass(frozen=True)
class Recipe:
    """How a tiny pipeline is made and called.

    Attributes:
        make: builds it.
        call: arguments of its call beside prompts, generators, steps and guidance.
        guidance: a scale that users would take.
        prompts: two of them.
    """

    make: Callable[[], Any]
    call: Mapping[str, Any] = field(default_factory=dict)
    guidance: float = 4.0
    prompts: tuple[str, str] = ("a red cat on a table", "a blue dog in the park, with more text than before")


RECIPES: dict[str, Recipe] = {}


def recipe(guidance: float = 4.0, prompts: tuple[str, str] | None = None, **call: Any) -> Any:
    """Keep a function that builds a pipeline, by its name."""

    def keep(make: Callable[[], Any]) -> Callable[[], Any]:
        more = {} if prompts is None else {"prompts": prompts}
        RECIPES[make.__name__] = Recipe(make, call, guidance, **more)
        return make

    return keep


def build(name: str) -> Any:
    """A tiny pipeline, in memory."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = RECIPES[name].make()
    for part, component in pipeline.components.items():
        if isinstance(component, torch.nn.Module):
            component.eval()
            if not part.startswith("vae"):
                enliven(component)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def enliven(module: torch.nn.Module, seed: int = 0) -> None:
    """Draw weights under which everything that a model is given reaches every token."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            if weight.ndim >= 2:
                weight.copy_(drawn * 0.7 / math.sqrt(max(1, weight[0].numel())))
            else:
                weight.copy_(0.1 * drawn + float("norm" in name and name.endswith("weight")))


# Tokenizers


@functools.cache
def _byte_pairs() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level tokenizer that was trained on a few sentences."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _words() -> list[str]:
    return sorted({word for text in TEXTS for word in text.split()})


def clip_tokenizer() -> Any:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = [*alphabet, *(f"{character}</w>" for character in alphabet), "<|startoftext|>", "<|endoftext|>"]
    return tf.CLIPTokenizer(
        vocab={entry: index for index, entry in enumerate(entries)}, merges=[], model_max_length=77
    )


def t5_tokenizer(length: int = 77) -> Any:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((f"▁{word}", -2.0) for word in _words())]
    pieces += [("▁", -3.0), *((character, -5.0) for character in PRINTABLE)]
    return tf.T5Tokenizer(vocab=pieces, extra_ids=10, model_max_length=length)


def qwen_tokenizer() -> Any:
    vocabulary, merges = _byte_pairs()
    tokenizer = tf.Qwen2Tokenizer(vocab=dict(vocabulary), merges=list(merges), model_max_length=2048)
    special = ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
    tokenizer.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in special]})
    tokenizer.chat_template = CHAT
    return tokenizer


def fast_tokenizer() -> Any:
    vocabulary, merges = _byte_pairs()
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocabulary), merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=2048, **special)
    fast.chat_template = CHAT
    return fast


def gemma_tokenizer() -> Any:
    entries = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *PRINTABLE]
    entries += [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {entry: index for index, entry in enumerate(entries)}
    return tf.GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=512)


def chatglm_tokenizer() -> Any:
    import sentencepiece
    from diffusers.pipelines.kolors.tokenizer import ChatGLMTokenizer

    folder = Path(tempfile.mkdtemp())
    (folder / "texts").write_text("\n".join(TEXTS * 3))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=150,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return ChatGLMTokenizer(str(folder / "tokenizer.model"))


# Text encoders

_DECODER = {
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": 700,
}


def clip(projected: bool = True) -> Any:
    config = tf.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=600,
        projection_dim=32,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return (tf.CLIPTextModelWithProjection if projected else tf.CLIPTextModel)(config)


def t5(model: Any = tf.T5EncoderModel, config: Any = tf.T5Config) -> Any:
    sizes = {"vocab_size": 300, "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    return model(config(**sizes, feed_forward_proj="gated-gelu", tie_word_embeddings=False))


def gemma2() -> Any:
    return tf.Gemma2Model(tf.Gemma2Config(hidden_size=16, head_dim=8, **_DECODER))


def qwen3(model: Any = tf.Qwen3Model) -> Any:
    return model(tf.Qwen3Config(hidden_size=16, head_dim=8, **_DECODER))


def qwen25vl() -> Any:
    rope = {"mrope_section": [2, 3, 3], "rope_type": "default", "type": "default"}
    text = {"hidden_size": 32, **_DECODER, "rope_scaling": rope, "rope_theta": 1e6}
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 32}
    config = tf.Qwen2_5_VLConfig(text_config=text, vision_config=vision, hidden_size=32, vocab_size=700)
    return tf.Qwen2_5_VLForConditionalGeneration(config)


def mistral3() -> Any:
    text = {"model_type": "mistral", "hidden_size": 16, "head_dim": 8, **_DECODER}
    vision = {"model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4}
    vision |= {"intermediate_size": 37, "image_size": 30, "patch_size": 6, "num_channels": 3}
    config = tf.Mistral3Config(
        text_config=text, vision_config=vision, image_token_index=1, vision_feature_layer=-1
    )
    return tf.Mistral3ForConditionalGeneration(config)


# VAEs and schedulers


def vae(channels: int = 4, **more: Any) -> Any:
    return df.AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 16],
        layers_per_block=1,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=32,
        **more,
    )


def flow_vae() -> Any:
    return vae(shift_factor=0.06, scaling_factor=1.5, use_quant_conv=False, use_post_quant_conv=False)


def sana_vae() -> Any:
    return df.AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=[1, 1],
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41,
    )


def flux2_vae() -> Any:
    return df.AutoencoderKLFlux2(
        sample_size=32,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(4, 4),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
    )


def flow(**changes: Any) -> Any:
    return df.FlowMatchEulerDiscreteScheduler(**changes)


def shifted_flow() -> Any:
    shift = {"base_shift": 0.5, "max_shift": 1.15, "base_image_seq_len": 256, "max_image_seq_len": 4096}
    return flow(use_dynamic_shifting=True, **shift)


def euler() -> Any:
    return df.EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        steps_offset=1,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
    )


# Pipelines of one transformer, by cross-attention

_SIZE = {"height": 16, "width": 24}


def pixart_transformer() -> Any:
    return df.PixArtTransformer2DModel(
        sample_size=8,
        num_layers=3,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=32,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
    )


@recipe(**_SIZE)
def pixart_alpha() -> Any:
    return df.PixArtAlphaPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(),
        vae=vae(),
        scheduler=df.DPMSolverMultistepScheduler(),
        transformer=pixart_transformer(),
    )


@recipe(**_SIZE)
def pixart_sigma() -> Any:
    return df.PixArtSigmaPipeline(**pixart_alpha().components)


@recipe(prompts=("3", "7"))
def dit() -> Any:
    transformer = df.DiTTransformer2DModel(
        sample_size=8,
        num_layers=3,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=2,
        in_channels=4,
        out_channels=8,
    )
    return df.DiTPipeline(transformer=transformer, vae=vae(), scheduler=df.DDIMScheduler())


def sana_transformer(**more: Any) -> Any:
    return df.SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=3,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=16,
        sample_size=16,
        **more,
    )


@recipe(height=32, width=32, max_sequence_length=32, complex_human_instruction=None)
def sana() -> Any:
    scheduler = df.DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    return df.SanaPipeline(
        transformer=sana_transformer(),
        vae=sana_vae(),
        scheduler=scheduler,
        text_encoder=gemma2(),
        tokenizer=gemma_tokenizer(),
    )


@recipe(
    height=32, width=32, max_sequence_length=32, complex_human_instruction=None, intermediate_timesteps=None
)
def sana_sprint() -> Any:
    return df.SanaSprintPipeline(
        transformer=sana_transformer(qk_norm="rms_norm_across_heads", guidance_embeds=True),
        vae=sana_vae(),
        scheduler=df.SCMScheduler(),
        text_encoder=gemma2(),
        tokenizer=gemma_tokenizer(),
    )


def wan_transformer() -> Any:
    return df.WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
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
    video_vae = df.AutoencoderKLWan(
        base_dim=3,
        z_dim=16,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
    )
    scheduler = df.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    return df.WanPipeline(
        transformer=wan_transformer(),
        transformer_2=None,
        vae=video_vae,
        scheduler=scheduler,
        text_encoder=t5(tf.UMT5EncoderModel, tf.UMT5Config),
        tokenizer=t5_tokenizer(512),
    )


@recipe(**_VIDEO)
def wan22() -> Any:
    components = {**wan().components, "transformer_2": wan_transformer()}
    enliven(components["transformer_2"], seed=1)
    return df.WanPipeline(**components, boundary_ratio=0.875)


# Of text and image streams


@recipe(**_SIZE, max_sequence_length=32)
def sd3() -> Any:
    transformer = df.SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        num_layers=4,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        pooled_projection_dim=64,
        out_channels=4,
        pos_embed_max_size=32,
    )
    return df.StableDiffusion3Pipeline(
        transformer=transformer,
        scheduler=flow(shift=3.0),
        vae=flow_vae(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip(),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5(),
        tokenizer_3=t5_tokenizer(),
    )


def flux_pipeline(guidance_embeds: bool, scheduler: Any) -> Any:
    transformer = df.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=guidance_embeds,
    )
    return df.FluxPipeline(
        transformer=transformer,
        vae=flow_vae(),
        scheduler=scheduler,
        text_encoder=clip(projected=False),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
    )


@recipe(guidance=3.5, **_SIZE, max_sequence_length=32)
def flux() -> Any:
    return flux_pipeline(True, shifted_flow())


@recipe(
    guidance=3.5, **_SIZE, max_sequence_length=32, true_cfg_scale=2.0, negative_prompt="a photo of a table"
)
def flux_true_cfg() -> Any:
    return flux()


@recipe(guidance=0.0, **_SIZE, max_sequence_length=32)
def flux_schnell() -> Any:
    return flux_pipeline(False, flow(shift=1.0))


def flux2_transformer(**more: Any) -> Any:
    return df.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        timestep_guidance_channels=256,
        axes_dims_rope=[4, 4, 4, 4],
        **more,
    )


@recipe(**_SIZE, max_sequence_length=512, text_encoder_out_layers=(1,))
def flux2() -> Any:
    return df.Flux2Pipeline(
        transformer=flux2_transformer(),
        scheduler=shifted_flow(),
        vae=flux2_vae(),
        text_encoder=mistral3(),
        tokenizer=fast_tokenizer(),
    )


@recipe(**_SIZE, max_sequence_length=32, text_encoder_out_layers=(1,))
def flux2_klein() -> Any:
    return df.Flux2KleinPipeline(
        transformer=flux2_transformer(guidance_embeds=False),
        scheduler=shifted_flow(),
        vae=flux2_vae(),
        text_encoder=qwen3(tf.Qwen3ForCausalLM),
        tokenizer=qwen_tokenizer(),
        is_distilled=False,
    )


@recipe(height=32, width=48, max_sequence_length=64)
def qwen_image() -> Any:
    transformer = df.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=3,
        attention_head_dim=16,
        num_attention_heads=3,
        joint_attention_dim=32,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )
    image_vae = df.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    return df.QwenImagePipeline(
        transformer=transformer,
        vae=image_vae,
        scheduler=shifted_flow(),
        text_encoder=qwen25vl(),
        tokenizer=qwen_tokenizer(),
    )


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
    return df.ZImagePipeline(
        transformer=transformer,
        vae=flow_vae(),
        scheduler=flow(),
        text_encoder=qwen3(),
        tokenizer=qwen_tokenizer(),
    )


@recipe(height=32, width=48)
def lumina2() -> Any:
    transformer = df.Lumina2Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
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
    return df.Lumina2Pipeline(
        transformer=transformer,
        vae=flow_vae(),
        scheduler=flow(),
        text_encoder=gemma2(),
        tokenizer=gemma_tokenizer(),
    )


@recipe(**_SIZE)
def cogview3plus() -> Any:
    transformer = df.CogView3PlusTransformer2DModel(
        patch_size=2,
        in_channels=4,
        num_layers=3,
        attention_head_dim=4,
        num_attention_heads=4,
        out_channels=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=2,
        pos_embed_max_size=16,
        sample_size=8,
    )
    return df.CogView3PlusPipeline(
        transformer=transformer,
        vae=vae(),
        scheduler=df.CogVideoXDDIMScheduler(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


@recipe(height=16, width=32, num_frames=9, max_sequence_length=16)
def cogvideox() -> Any:
    video_vae = df.AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8,) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
    )
    transformer = df.CogVideoXTransformer3DModel(
        num_attention_heads=4,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        time_embed_dim=2,
        text_embed_dim=32,
        num_layers=3,
        sample_width=4,
        sample_height=2,
        sample_frames=9,
        patch_size=2,
        max_text_seq_length=16,
    )
    return df.CogVideoXPipeline(
        transformer=transformer,
        vae=video_vae,
        scheduler=df.CogVideoXDPMScheduler(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(226),
    )


@recipe(**_SIZE)
def aura_flow() -> Any:
    transformer = df.AuraFlowTransformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        num_mmdit_layers=2,
        num_single_dit_layers=3,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=32,
        out_channels=4,
        pos_embed_max_size=256,
    )
    return df.AuraFlowPipeline(
        transformer=transformer,
        scheduler=flow(),
        vae=vae(),
        text_encoder=t5(tf.UMT5EncoderModel, tf.UMT5Config),
        tokenizer=t5_tokenizer(),
    )


@recipe(**_SIZE)
def chroma() -> Any:
    transformer = df.ChromaTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=[4, 4, 8],
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    )
    return df.ChromaPipeline(
        transformer=transformer,
        scheduler=flow(),
        vae=flow_vae(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


@recipe(height=32, width=32, num_frames=9, max_sequence_length=16)
def ltx() -> Any:
    levels = {"block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
    scaling = (True, True, False, False)
    video_vae = df.AutoencoderKLLTXVideo(
        latent_channels=8,
        **levels,
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
        in_channels=8,
        out_channels=8,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=3,
        caption_channels=32,
    )
    return df.LTXPipeline(
        transformer=transformer,
        vae=video_vae,
        scheduler=flow(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
    )


# UNets


def unet(**changes: Any) -> Any:
    config = {
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "sample_size": 16,
        "norm_num_groups": 4,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 2,
    }
    return df.UNet2DConditionModel(**{**config, **changes})


def sdxl_unet(**changes: Any) -> Any:
    config = {
        "block_out_channels": (16, 32, 48),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 1, 2),
        "attention_head_dim": (2, 4, 6),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 80,
        "cross_attention_dim": 64,
    }
    return unet(**{**config, **changes})


def sdxl_pipeline(scheduler: Any) -> Any:
    return df.StableDiffusionXLPipeline(
        unet=sdxl_unet(),
        scheduler=scheduler,
        vae=vae(),
        text_encoder=clip(projected=False),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip(),
        tokenizer_2=clip_tokenizer(),
    )


@recipe(**_SIZE)
def sdxl() -> Any:
    return sdxl_pipeline(euler())


@recipe(guidance=0.0, **_SIZE)
def sdxl_turbo() -> Any:
    return sdxl_pipeline(df.EulerAncestralDiscreteScheduler(timestep_spacing="trailing"))


@recipe(**_SIZE)
def sdxl_pag() -> Any:
    """Perturbed-attention guidance adds a row that is of neither branch."""
    pipeline = df.StableDiffusionXLPAGPipeline(**sdxl().components, pag_applied_layers=["mid"])
    return pipeline


@recipe(**_SIZE)
def sd15() -> Any:
    return df.StableDiffusionPipeline(
        unet=unet(),
        scheduler=df.PNDMScheduler(skip_prk_steps=True, steps_offset=1),
        vae=vae(),
        text_encoder=clip(projected=False),
        tokenizer=clip_tokenizer(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


@recipe(**_SIZE, max_sequence_length=32)
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
    return df.KolorsPipeline(
        unet=sdxl_unet(cross_attention_dim=8, projection_class_embeddings_input_dim=56),
        scheduler=euler(),
        vae=vae(),
        text_encoder=ChatGLMModel(config),
        tokenizer=chatglm_tokenizer(),
    )


# Pipelines that start from a picture

PICTURE = Image.radial_gradient("L").convert("RGB").resize((24, 16))


def of_parts(kind: Any, name: str) -> Any:
    """A pipeline of the parts of another one."""
    return kind(**RECIPES[name].make().components)


@recipe(**_SIZE, max_sequence_length=32, image=PICTURE, strength=0.5)
def sd3_image() -> Any:
    return of_parts(df.StableDiffusion3Img2ImgPipeline, "sd3")


@recipe(image=PICTURE, strength=0.5)
def sdxl_image() -> Any:
    return of_parts(df.StableDiffusionXLImg2ImgPipeline, "sdxl")


@recipe(guidance=3.5, **_SIZE, max_sequence_length=32, image=PICTURE, _auto_resize=False, max_area=16 * 24)
def flux_kontext() -> Any:
    """Tokens of the picture stand behind those that are denoised."""
    return of_parts(df.FluxKontextPipeline, "flux")


@recipe(height=32, width=32, num_frames=9, max_sequence_length=16, image=PICTURE)
def ltx_image() -> Any:
    return of_parts(df.LTXImageToVideoPipeline, "ltx")


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One for each image."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
