"""PixArt-XL-2-512x512's true architecture at random weights, as a folder that `record --model` takes."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
)
from transformers import AutoTokenizer, T5Config, T5EncoderModel

from subspacelens_tui import demo

# transformer/config.json of PixArt-alpha/PixArt-XL-2-512x512.
TRANSFORMER = {
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 72,
    "attention_type": "default",
    "caption_channels": 4096,
    "cross_attention_dim": 1152,
    "dropout": 0.0,
    "in_channels": 4,
    "norm_elementwise_affine": False,
    "norm_eps": 1e-06,
    "norm_num_groups": 32,
    "norm_type": "ada_norm_single",
    "num_attention_heads": 16,
    "num_embeds_ada_norm": 1000,
    "num_layers": 28,
    "out_channels": 8,
    "patch_size": 2,
    "sample_size": 64,
    "upcast_attention": False,
}
# T5-XXL's encoder: its width, which is that of the captions, and its kind of layer; but 1 of 24 layers, 2 of
# 64 heads, an inner width of 64 for 10240, and the vocabulary of the demo's tokenizer for T5's 32128.
TEXT_ENCODER = {
    "d_model": 4096,
    "d_kv": 64,
    "num_layers": 1,
    "num_heads": 2,
    "d_ff": 64,
    "feed_forward_proj": "gated-gelu",
    "tie_word_embeddings": False,
    "is_encoder_decoder": False,
    "use_cache": False,
}
# The VAE's levels, an eighth as wide.
VAE = {
    "block_out_channels": (32, 32, 64, 64),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "scaling_factor": 0.18215,
}
SCHEDULER = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "solver_order": 2}

_NOISE = 2**22
_STD = 0.02


def make_pixart_xl(folder: Path, latent: int = 64, dtype: torch.dtype = torch.float32) -> None:
    """Write the pipeline.

    Args:
        folder: where to.
        latent: side of the latents it makes, 64 for 512 pixels; it makes (latent / 2)² tokens.
        dtype: of the weights on disk.
    """
    tokenizer = AutoTokenizer.from_pretrained(demo.MODEL_PATH / "tokenizer")
    with torch.device("meta"):
        transformer = PixArtTransformer2DModel(**{**TRANSFORMER, "sample_size": latent})
        text_encoder = T5EncoderModel(T5Config(**TEXT_ENCODER, vocab_size=len(tokenizer)))
        vae = AutoencoderKL(**VAE)
    pipeline = PixArtAlphaPipeline(
        tokenizer=tokenizer,
        text_encoder=_drawn(text_encoder, dtype),
        vae=_drawn(vae, dtype),
        transformer=_drawn(transformer, dtype),
        scheduler=DPMSolverMultistepScheduler(**SCHEDULER),
    )
    pipeline.save_pretrained(folder)


def _drawn(model: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """The model with weights drawn anew: matrices of noise, norms at 1, biases at 0.

    Noise is repeated after four million numbers: drawing 600 million takes longer than all else.
    """
    noise = (_STD * torch.randn(_NOISE, generator=torch.Generator().manual_seed(0))).to(dtype)
    model = model.to(dtype).to_empty(device="cpu")
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.data.fill_(1.0 if name.endswith("weight") else 0.0)
            continue
        noise = noise.roll(parameter.shape[0])
        for part in parameter.data.view(-1).split(_NOISE):
            part.copy_(noise[: part.numel()])
    return model
