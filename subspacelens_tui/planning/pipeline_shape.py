"""The shape of a pipeline that is on this machine, from its configuration and the headers of its weights.

Loading it takes seconds.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from subspacelens_tui.models.source import at_hand
from subspacelens_tui.planning.denoiser_blocks import block_lists
from subspacelens_tui.planning.weight_headers import (
    Shapes,
    denoisers_of,
    shapes_by_part,
    shapes_in,
    weight_files,
)

# Pixels along a side that most denoisers have to a token: eight to a latent, two latents to a token.
_PIXELS_A_TOKEN = 16


@dataclass(frozen=True)
class DenoiserShape:
    """What the size of a session depends on.

    Attributes:
        widths: of each block.
        tokens: image tokens; None where the configuration does not say.
    """

    widths: tuple[int, ...]
    tokens: int | None = None

    @property
    def width(self) -> int:
        """The largest."""
        return max(self.widths)


@dataclass(frozen=True)
class PictureShape:
    """The pictures a pipeline makes: pixels along a side, and channels of the decoder at that size."""

    side: int
    channels: int

    @property
    def tokens(self) -> int:
        """The image tokens that most denoisers have for so many pixels."""
        return max(1, self.side // _PIXELS_A_TOKEN) ** 2


# What the supported models on the hub have, for those that are not on this machine yet.
PIXART_XL = DenoiserShape((1152,) * 28)
PIXART_XL_PICTURE = PictureShape(side=512, channels=128)


def denoiser_shape(
    model: str, revision: str | None = None, variant: str | None = None, file: Path | None = None
) -> DenoiserShape | None:
    """The shape of a model on this machine; None if it is not known.

    Args:
        model: "demo", a folder, or a name in the hub's cache.
        revision, variant: of the model.
        file: with the weights, if they are not in the model's folder.
    """
    folders = denoisers_of(at_hand(model, revision))
    if not folders:
        return None
    config = _config(folders[0])
    # In the words of its authors a file's blocks may lack the name of attention: what is configured goes first.
    widths = _widths_of_weights(folders[0], variant) or _widths_said(config) or _widths_in(file)
    return DenoiserShape(widths, _tokens(config)) if widths else None


def blocks_at_most(model: str, revision: str | None = None, variant: str | None = None) -> int | None:
    """How many blocks a model on this machine has at most, by its weights; None if these cannot be read."""
    folders = denoisers_of(at_hand(model, revision))
    return len(_widths_of_weights(folders[0], variant)) or None if folders else None


def picture_shape(
    denoiser: Path | None, others: Path | None, size: tuple[int, int] | None = None
) -> PictureShape | None:
    """The pictures of a pipeline whose denoiser and VAE are in subfolders of these; None if not known.

    Args:
        denoiser, others: folders of pipelines.
        size: width and height that are asked for; the pipeline's own.
    """
    config = _config(others / "vae") if others is not None else {}
    channels = config.get("block_out_channels") or config.get("decoder_block_out_channels")
    if not (isinstance(channels, list) and channels):
        return None
    if size is not None:
        return PictureShape(math.isqrt(size[0] * size[1]), channels[0])
    latent = next((_config(folder).get("sample_size") for folder in denoisers_of(denoiser)), None)
    # Each level of the VAE but one halves the side.
    return PictureShape(latent << (len(channels) - 1), channels[0]) if isinstance(latent, int) else None


def _widths_of_weights(folder: Path, variant: str | None) -> tuple[int, ...]:
    """The widths of all blocks by the weights; none where there are no headers to read."""
    try:
        shapes = shapes_in(weight_files(folder, variant))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return ()
    return _widths(shapes)


def _widths_in(file: Path | None) -> tuple[int, ...]:
    """The same of a file that may hold a whole pipeline."""
    try:
        shapes = shapes_by_part(file).get("denoiser", {})
    except (OSError, SafetensorError):
        return ()
    return _widths(shapes)


def _widths(shapes: Shapes) -> tuple[int, ...]:
    return tuple(width for widths in block_lists(shapes).values() for width in widths)


def _widths_said(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The widths by a configuration as most transformers have it."""
    try:
        blocks = config["num_layers"] + config.get("num_single_layers", 0)
        width = config["num_attention_heads"] * config["attention_head_dim"]
    except (KeyError, TypeError):
        return ()
    known = isinstance(blocks, int) and isinstance(width, int) and min(blocks, width) > 0
    return (width,) * blocks if known else ()


def _tokens(config: Mapping[str, Any]) -> int | None:
    side, patch = config.get("sample_size"), config.get("patch_size")
    if isinstance(side, int) and isinstance(patch, int) and 0 < patch <= side:
        return int((side // patch) ** 2)
    return None


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # What is wrong with a model is said when it is loaded.
        return {}
    return found if isinstance(found, dict) else {}
