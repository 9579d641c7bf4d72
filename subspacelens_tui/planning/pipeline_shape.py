"""The shape of a pipeline that is on this machine, read from its configuration: loading it takes seconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subspacelens_tui.models.source import at_hand


@dataclass(frozen=True)
class TransformerShape:
    """What the size of a session depends on; `tokens` is None where the configuration does not say."""

    blocks: int
    width: int
    tokens: int | None = None


@dataclass(frozen=True)
class PictureShape:
    """The pictures a pipeline makes: pixels along a side, and channels of the decoder at that size."""

    side: int
    channels: int


# What the supported models on the hub have, for those that are not on this machine yet.
PIXART_XL = TransformerShape(blocks=28, width=1152)
PIXART_XL_TOKENS = 1024
PIXART_XL_PICTURE = PictureShape(side=512, channels=128)


def transformer_shape(model: str, revision: str | None = None) -> TransformerShape | None:
    """The shape of a model on this machine (demo, a folder, in the hub's cache); None if it is not known."""
    config = _config(at_hand(model, revision), "transformer")
    try:
        blocks, width = config["num_layers"], config["num_attention_heads"] * config["attention_head_dim"]
    except (KeyError, TypeError):
        return None
    if not (isinstance(blocks, int) and isinstance(width, int) and min(blocks, width) > 0):
        return None
    return TransformerShape(blocks, width, _tokens(config))


def picture_shape(transformer: Path | None, vae: Path | None) -> PictureShape | None:
    """The pictures of a pipeline whose transformer and VAE are in subfolders of these; None if not known."""
    latent = _config(transformer, "transformer").get("sample_size")
    config = _config(vae, "vae")
    channels = config.get("block_out_channels") or config.get("decoder_block_out_channels")
    if not (isinstance(latent, int) and isinstance(channels, list) and channels):
        return None
    # Each level of the VAE but one halves the side.
    return PictureShape(latent << (len(channels) - 1), channels[0])


def _tokens(config: Mapping[str, Any]) -> int | None:
    side, patch = config.get("sample_size"), config.get("patch_size")
    if isinstance(side, int) and isinstance(patch, int) and 0 < patch <= side:
        return int((side // patch) ** 2)
    return None


def _config(folder: Path | None, component: str) -> Mapping[str, Any]:
    if folder is None:
        return {}
    try:
        found = json.loads((folder / component / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # What is wrong with a model is said when it is loaded.
        return {}
    return found if isinstance(found, dict) else {}
