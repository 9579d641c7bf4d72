"""The PixArt: image tokens that attend to each other and, in a second attention, to the text.

The transformer predicts the clean latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderTiny,
    DPMSolverMultistepScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
)
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from tools.demo_training.architecture import Architecture, whole_words
from tools.demo_training.vae import LATENT_CHANNELS

WIDTH = 96
TEXT_WIDTH = 64
LAYERS = 12


def new_scheduler() -> DPMSolverMultistepScheduler:
    """PixArt's solver and noise schedule, for a model that predicts the clean sample."""
    return DPMSolverMultistepScheduler(
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        algorithm_type="dpmsolver++",
        solver_order=2,
        prediction_type="sample",
    )


def new_text_encoder(words: PreTrainedTokenizerFast) -> T5EncoderModel:
    """An untrained T5 encoder of two layers."""
    config = T5Config(
        vocab_size=len(words),
        d_model=TEXT_WIDTH,
        d_kv=32,
        d_ff=128,
        num_layers=2,
        num_heads=2,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
        tie_word_embeddings=False,
    )
    return T5EncoderModel(config)


def new_transformer(latent_means: Tensor) -> PixArtTransformer2DModel:
    """An untrained PixArt whose first guess is the mean of every latent channel."""
    transformer = PixArtTransformer2DModel(
        num_attention_heads=3,
        attention_head_dim=WIDTH // 3,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=LAYERS,
        cross_attention_dim=WIDTH,
        caption_channels=TEXT_WIDTH,
        sample_size=16,
        patch_size=2,
        use_additional_conditions=False,
        # The default position code hardly differs between 8 columns; this one tells them apart.
        interpolation_scale=0.02,
    )
    with torch.no_grad():
        for block in transformer.transformer_blocks:
            # Open gates over small branches: at this depth and width training starts sooner than from noise.
            block.scale_shift_table.zero_()
            block.scale_shift_table[[2, 5]] = 1
            for output in (block.attn1.to_out[0], block.attn2.to_out[0], block.ff.net[2]):
                output.weight.mul_(0.3)
        transformer.proj_out.weight.zero_()
        transformer.proj_out.bias.copy_(latent_means.repeat(transformer.config.patch_size**2))
    return transformer


class TextToLatents(nn.Module):
    """Text encoder and transformer as one module."""

    def __init__(self, text_encoder: T5EncoderModel, transformer: PixArtTransformer2DModel) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.transformer = transformer

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """The predicted clean latents."""
        text = self.text_encoder(tokens, attention_mask=mask)[0]
        predicted: Tensor = self.transformer(
            noisy, encoder_hidden_states=text, encoder_attention_mask=mask, timestep=timesteps
        ).sample
        return predicted


class PixArt(Architecture):
    """PixArt-α."""

    name = "pixart"
    docs = "demo-model"
    call: ClassVar[dict[str, Any]] = {"use_resolution_binning": False, "clean_caption": False}
    steps = 3500
    batch = 96
    processes = 2

    def __init__(self) -> None:
        self._words = whole_words(None, 120)
        self._signal = new_scheduler().alphas_cumprod

    def new_model(self, latent_means: Tensor) -> TextToLatents:
        """An untrained model."""
        return TextToLatents(new_text_encoder(self._words), new_transformer(latent_means))

    def tokens(self, captions: Sequence[str]) -> tuple[Tensor, ...]:
        """Tokens and their mask, padded to the longest caption."""
        padded = self._words(list(captions), padding=True, return_tensors="pt")
        return padded.input_ids, padded.attention_mask

    def loss(self, model: nn.Module, clean: Tensor, text: tuple[Tensor, ...]) -> Tensor:
        """Weighted squared error of the predicted clean latents."""
        timesteps = torch.randint(len(self._signal), (len(clean),))
        signal = self._signal[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * torch.randn_like(clean)
        # Bounded signal-to-noise ratio: neither pure noise nor nearly clean latents rule the gradient.
        weight = (signal / (1 - signal)).clamp(0.5, 4.0)
        predicted: Tensor = model(noisy, timesteps, *text)
        loss: Tensor = (weight * (predicted - clean).square()).mean()
        return loss

    def pipeline(self, autoencoder: AutoencoderTiny, model: Any) -> PixArtAlphaPipeline:
        """The pipeline of PixArt-α."""
        return PixArtAlphaPipeline(
            tokenizer=self._words,
            text_encoder=model.text_encoder,
            vae=autoencoder,
            transformer=model.transformer,
            scheduler=new_scheduler(),
        )
