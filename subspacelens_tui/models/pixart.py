"""PixArt-α and PixArt-Σ: one forward pass for both branches, text by cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from subspacelens_tui.models.architecture import Architecture, HookedBlock, TextReader

if TYPE_CHECKING:
    import torch
    from PIL import Image

_TEXT_TOKENS = {"PixArtAlphaPipeline": 120, "PixArtSigmaPipeline": 300}


class PixArt(Architecture):
    """Blocks return the image tokens as a plain tensor; guidance stacks [uncond, cond]."""

    pipelines = tuple(_TEXT_TOKENS)
    transformer = "PixArtTransformer2DModel"
    guidance_order = ("uncond", "cond")

    def blocks(self, pipeline: Any) -> list[HookedBlock]:
        """The blocks of the transformer, all of one width."""
        config = pipeline.transformer.config
        width = config.num_attention_heads * config.attention_head_dim
        return [
            HookedBlock(f"transformer_blocks.{i}", block, width)
            for i, block in enumerate(pipeline.transformer.transformer_blocks)
        ]

    def misfit(self, pipeline: Any) -> str | None:
        """By the widths in which they meet."""
        transformer = pipeline.transformer.config
        for part, width, wanted in (
            ("text encoder", pipeline.text_encoder.config.d_model, transformer.caption_channels),
            ("VAE", pipeline.vae.config.latent_channels, transformer.in_channels),
        ):
            if width != wanted:
                return f"its {part} has {width} channels, and the transformer wants {wanted}"
        return None

    def block_input(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """`hidden_states`, the first argument."""
        tokens: torch.Tensor = args[0] if args else kwargs["hidden_states"]
        return tokens

    def image_tokens(self, output: Any) -> torch.Tensor:
        """The output itself: all its tokens are image tokens."""
        tokens: torch.Tensor = output
        return tokens

    def text_readers(self, pipeline: Any) -> list[TextReader]:
        """One T5, whose text is lower-cased where captions are not cleaned."""
        limit = _TEXT_TOKENS[type(pipeline).__name__]
        return [TextReader(pipeline.tokenizer, limit, lambda text: text.lower().strip())]

    def encode(self, pipeline: Any, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """T5 embeddings with their attention masks, padded to the pipeline's text length."""
        # Captions are not cleaned: that needs bs4 and ftfy, and would alter the prompt that is recorded.
        embeds, mask, _, _ = pipeline.encode_prompt(
            list(texts),
            do_classifier_free_guidance=False,
            device=pipeline.text_encoder.device,
            clean_caption=False,
            max_sequence_length=_TEXT_TOKENS[type(pipeline).__name__],
        )
        return {"prompt_embeds": embeds, "prompt_attention_mask": mask}

    def generate(
        self,
        pipeline: Any,
        conditioning: dict[str, torch.Tensor],
        unconditional: dict[str, torch.Tensor],
        generators: list[torch.Generator],
        steps: int,
        guidance: float,
    ) -> list[Image.Image]:
        """Run the pipeline at the size the model was trained for."""
        negative = {
            f"negative_{name}": row.expand(len(generators), *row.shape[1:])
            for name, row in unconditional.items()
        }
        images: list[Image.Image] = pipeline(
            **conditioning,
            **(negative if guidance > 1 else {}),
            negative_prompt=None,  # its default "" is refused beside embeddings
            generator=generators,
            num_inference_steps=steps,
            guidance_scale=guidance,
            # Binning would silently map the request to another size.
            use_resolution_binning=False,
        ).images
        return images
