"""How much room a recording will take, said before it starts."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from subspacelens_tui import demo
from subspacelens_tui.sessions.format import Manifest

_CONFIG = "transformer/config.json"
_BYTES = 4  # features are float32


@dataclass(frozen=True)
class TransformerShape:
    """What the size of a session depends on; `tokens` is None where the configuration does not say."""

    blocks: int
    width: int
    tokens: int | None = None


# What the supported models on the hub have, for those that are not on this machine yet.
PIXART_XL = TransformerShape(blocks=28, width=1152)


def transformer_shape(model: str, revision: str | None = None) -> TransformerShape | None:
    """The shape of a model on this machine (demo, a folder, or in the hub's cache); None if it is not known.

    Read from the transformer's configuration, because loading the model takes seconds.
    """
    path = _config_path(model, revision)
    try:
        config = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        blocks, width = config["num_layers"], config["num_attention_heads"] * config["attention_head_dim"]
        if not (isinstance(blocks, int) and isinstance(width, int) and min(blocks, width) > 0):
            return None
        return TransformerShape(blocks, width, _tokens(config))
    except (OSError, ValueError, KeyError, TypeError):
        # What is wrong with a model is said when it is loaded.
        return None


def _tokens(config: dict[str, object]) -> int | None:
    side, patch = config.get("sample_size"), config.get("patch_size")
    if isinstance(side, int) and isinstance(patch, int) and 0 < patch <= side:
        return int((side // patch) ** 2)
    return None


def _config_path(model: str, revision: str | None) -> Path | None:
    if model == "demo":
        return demo.MODEL_PATH / _CONFIG
    if Path(model).is_dir():
        return Path(model) / _CONFIG
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, _CONFIG, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def session_bytes(manifest: Manifest, shape: TransformerShape, tokens: int) -> int:
    """Bytes of all feature files of a session that keeps so many tokens of each image and block."""
    passes = sum(len(image.branches) for image in manifest.images) * len(manifest.capture_steps)
    vectors = 1 + shape.blocks * (
        1 + tokens
    )  # the input of the first block, and of each block mean and tokens
    return passes * vectors * shape.width * _BYTES


def size_line(manifest: Manifest, folder: Path) -> str:
    """One line on the room that the features will take with and without tokens, and how much there is."""
    known = transformer_shape(manifest.model.id, manifest.model.revision)
    shape = known or PIXART_XL
    tokens = manifest.tokens or 0
    without, with_tokens = (_size(session_bytes(manifest, shape, kept)) for kept in (0, tokens))
    line = f"the features will take {without} without tokens, {with_tokens} with {tokens} an image and block"
    if known is None:
        line += f", if the model has {shape.blocks} blocks of width {shape.width} as PixArt-XL has"
    return f"{line}; {_size(shutil.disk_usage(folder).free)} are free"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**28 else f"{size / 2**20:.1f} MiB"
