"""Writes the trained parts as a diffusers folder in half precision."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusers import AutoencoderTiny
from torch import nn

from tools.demo_training.architecture import Architecture


def export(architecture: Architecture, autoencoder: AutoencoderTiny, model: nn.Module, folder: Path) -> None:
    """Write the pipeline, replacing file by file, so that a reader never meets half a file."""
    pipeline = architecture.pipeline(autoencoder.half(), model.half())
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as name:
        temporary = Path(name)
        pipeline.save_pretrained(temporary)
        _tidy(temporary)
        for file in sorted(path for path in temporary.rglob("*") if path.is_file()):
            target = folder / file.relative_to(temporary)
            target.parent.mkdir(exist_ok=True)
            file.replace(target)
            target.chmod(0o644)
    autoencoder.float()
    model.float()


def _tidy(folder: Path) -> None:
    """Make the folder load quietly, and with transformers 4 as well as 5."""
    # transformers 5 writes a class name that transformers 4 does not have; both know the older name.
    for file in (folder / "model_index.json", *folder.glob("tokenizer*/tokenizer_config.json")):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("TokenizersBackend", "PreTrainedTokenizerFast"), encoding="utf-8")
    # AutoencoderTiny adds this to its configuration by itself and warns about it when it reads it.
    _edit_json(folder / "vae" / "config.json", lambda config: config.pop("block_out_channels"))
    # Loaded without a dtype, all parts shall be float32; transformers would keep the stored one.
    for file in folder.glob("text_encoder*/config.json"):
        _edit_json(file, lambda config: config.update(dtype="float32"))


def _edit_json(file: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    edit(content)
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def size_in_megabytes(folder: Path) -> float:
    """What all files of the folder take, in millions of bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
