"""The MMDiT: Stable Diffusion 3's classes, which keep text and image in two streams with joint attention.

The transformer predicts the flow, noise minus latents, at a noise level from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderTiny,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from diffusers.models.attention_processor import Attention, JointAttnProcessor2_0
from diffusers.models.embeddings import get_2d_sincos_pos_embed
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, PreTrainedTokenizerFast

from tools.demo_training.architecture import Architecture, whole_words
from tools.demo_training.vae import LATENT_CHANNELS

WIDTH = 80
HEADS = 4
LAYERS = 10
TEXT_WIDTHS = (32, 64)
TEXT_LENGTH = 12
LARGEST_PADDING = 256
"""Tokens of zeros that the pipeline puts in place of a T5's, by default."""


class JointAttentionOfRepeated(JointAttnProcessor2_0):  # type: ignore[misc]
    """Joint attention in which the last text token stands for several equal ones.

    Without a T5, the pipeline appends hundreds of zero tokens to the text. They have no positions, so they
    stay equal through all blocks, and log n on the logit of one of them is the attention to n of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.repeats = 1

    def __call__(
        self, attn: Attention, hidden_states: Tensor, encoder_hidden_states: Tensor, **_: Any
    ) -> tuple[Tensor, Tensor]:
        """Attended image and text tokens."""

        def heads(projected: Tensor, norm: Any) -> Tensor:
            split: Tensor = projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            normed: Tensor = split if norm is None else norm(split)
            return normed

        image, text = hidden_states, encoder_hidden_states
        query = torch.cat(
            [heads(attn.to_q(image), attn.norm_q), heads(attn.add_q_proj(text), attn.norm_added_q)], dim=2
        )
        key = torch.cat(
            [heads(attn.to_k(image), attn.norm_k), heads(attn.add_k_proj(text), attn.norm_added_k)], dim=2
        )
        value = torch.cat([heads(attn.to_v(image), None), heads(attn.add_v_proj(text), None)], dim=2)
        logits = query.new_zeros(key.shape[2])
        logits[-1] = math.log(self.repeats)
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=logits.expand(1, 1, key.shape[2], -1)
        )
        image, text = mixed.transpose(1, 2).flatten(2).split([image.shape[1], text.shape[1]], dim=1)
        return attn.to_out[0](image), text if attn.context_pre_only else attn.to_add_out(text)


def new_text_encoder(words: PreTrainedTokenizerFast, width: int) -> CLIPTextModelWithProjection:
    """An untrained CLIP text encoder of two layers."""
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=TEXT_LENGTH,
        hidden_act="gelu",
        pad_token_id=words.pad_token_id,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
    )
    encoder = CLIPTextModelWithProjection(config)
    with torch.no_grad():
        # CLIP starts with embeddings of size 0.02, from which little is learnt in a few thousand steps.
        encoder.text_model.embeddings.token_embedding.weight.normal_(std=0.5)
        encoder.text_model.embeddings.position_embedding.weight.normal_(std=0.2)
    return encoder


def new_transformer(latent_means: Tensor) -> SD3Transformer2DModel:
    """An untrained MMDiT whose first guess of the flow is minus the mean of every latent channel."""
    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=LAYERS,
        num_attention_heads=HEADS,
        attention_head_dim=WIDTH // HEADS,
        joint_attention_dim=sum(TEXT_WIDTHS),
        caption_projection_dim=WIDTH,
        pooled_projection_dim=sum(TEXT_WIDTHS),
        pos_embed_max_size=8,
        qk_norm="rms_norm",
    )
    with torch.no_grad():
        # The default position code hardly differs between 8 columns; this one, stored with the weights, does.
        code = get_2d_sincos_pos_embed(WIDTH, 8, base_size=8, interpolation_scale=0.02, output_type="pt")
        transformer.pos_embed.pos_embed.copy_(code.reshape(transformer.pos_embed.pos_embed.shape))
        for block in transformer.transformer_blocks:
            _start_open(block)
        transformer.norm_out.linear.weight.zero_()
        transformer.norm_out.linear.bias.zero_()
        transformer.proj_out.weight.zero_()
        transformer.proj_out.bias.copy_(-latent_means.repeat(transformer.config.patch_size**2))
    return transformer


def _start_open(block: Any) -> None:
    """Open gates over small branches: training starts sooner than from closed ones."""
    streams = [block.norm1] if block.context_pre_only else [block.norm1, block.norm1_context]
    for norm in streams:
        norm.linear.weight.mul_(0.1)
        norm.linear.bias.zero_()
        gates = norm.linear.bias.view(6, WIDTH)[[2, 5]]
        norm.linear.bias.view(6, WIDTH)[[2, 5]] = torch.ones_like(gates)
    outputs = [block.attn.to_out[0], block.ff.net[2]]
    if not block.context_pre_only:
        outputs += [block.attn.to_add_out, block.ff_context.net[2]]
    for output in outputs:
        output.weight.mul_(0.3)


class TextToFlow(nn.Module):
    """Two text encoders and the transformer as one module, fed as the pipeline feeds them."""

    def __init__(self, text_encoders: Sequence[nn.Module], transformer: SD3Transformer2DModel) -> None:
        super().__init__()
        self.text_encoders = nn.ModuleList(text_encoders)
        self.transformer = transformer

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """The predicted flow; the last text token is the zeros that stand for those of a missing T5."""
        outputs = [encoder(tokens, output_hidden_states=True) for encoder in self.text_encoders]
        words = torch.cat([output.hidden_states[-2] for output in outputs], dim=-1)
        predicted: Tensor = self.transformer(
            noisy,
            encoder_hidden_states=F.pad(words, (0, 0, 0, 1)),
            pooled_projections=torch.cat([output.text_embeds for output in outputs], dim=-1),
            timestep=timesteps,
        ).sample
        return predicted


class MMDiT(Architecture):
    """Stable Diffusion 3 without its T5."""

    name = "mmdit"
    docs = "demo-mmdit"
    call: ClassVar[dict[str, Any]] = {"max_sequence_length": 16}
    absent = ("text_encoder_3", "tokenizer_3")
    steps = 1500
    batch = 32
    processes = 1

    def __init__(self) -> None:
        self._attention = JointAttentionOfRepeated()
        self._words = whole_words("<s>", TEXT_LENGTH)

    def new_model(self, latent_means: Tensor) -> TextToFlow:
        """An untrained model."""
        encoders = [new_text_encoder(self._words, width) for width in TEXT_WIDTHS]
        transformer = new_transformer(latent_means)
        transformer.set_attn_processor(self._attention)
        return TextToFlow(encoders, transformer)

    def tokens(self, captions: Sequence[str]) -> tuple[Tensor, ...]:
        """Tokens, padded to the one length of the text encoders."""
        padded = self._words(list(captions), padding="max_length", truncation=True, return_tensors="pt")
        return (padded.input_ids,)

    def loss(self, model: nn.Module, clean: Tensor, text: tuple[Tensor, ...]) -> Tensor:
        """Squared error of the flow at noise levels that are logit-normal (Esser et al. 2024)."""
        # Any number of zero tokens, so that callers may choose it (`max_sequence_length`).
        self._attention.repeats = round(LARGEST_PADDING ** torch.rand(()).item())
        levels = torch.randn(len(clean)).sigmoid()
        noise = torch.randn_like(clean)
        part = levels.view(-1, 1, 1, 1)
        predicted = model((1 - part) * clean + part * noise, 1000 * levels, *text)
        return F.mse_loss(predicted, noise - clean)

    def pipeline(self, autoencoder: AutoencoderTiny, model: Any) -> StableDiffusion3Pipeline:
        """The pipeline of Stable Diffusion 3 with its own attention."""
        model.transformer.set_attn_processor(JointAttnProcessor2_0())
        first, second = model.text_encoders
        return StableDiffusion3Pipeline(
            transformer=model.transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(),
            vae=autoencoder,
            text_encoder=first,
            tokenizer=self._words,
            text_encoder_2=second,
            tokenizer_2=self._words,
            **dict.fromkeys(self.absent),
        )
