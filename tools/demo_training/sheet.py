"""Generates images with the exported folder and lays them out on a sheet with labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from tools.demo_training.data import IMAGE_SIZE

STEPS = 20
GUIDANCE = 3.0
LABEL_WIDTH = 130
GAP = 4


def load_pipeline(folder: Path, absent: Iterable[str]) -> Any:
    """The exported pipeline in single precision, without its progress bar and without some parts."""
    pipeline = DiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, **dict.fromkeys(absent)
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def generate(pipeline: Any, call: Mapping[str, Any], prompt: str, seeds: Sequence[int]) -> Tensor:
    """One uint8 image (3 x 64 x 64) of the prompt for each seed, with more arguments of the call."""
    images = pipeline(
        prompt=[prompt] * len(seeds),
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="np",
        **call,
    ).images
    return torch.from_numpy((images * 255).round().astype(np.uint8)).permute(0, 3, 1, 2)


def draw_sheet(rows: Mapping[str, Tensor], file: Path) -> None:
    """Write a picture with one labelled row of images for each entry."""
    cell = IMAGE_SIZE + GAP
    columns = max(len(images) for images in rows.values())
    sheet = Image.new("RGB", (LABEL_WIDTH + columns * cell, len(rows) * cell), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for row, (label, images) in enumerate(rows.items()):
        draw.text((8, row * cell + cell // 2), label, fill="black", font=font, anchor="lm")
        for column, image in enumerate(images):
            picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
            sheet.paste(picture, (LABEL_WIDTH + column * cell, row * cell + GAP // 2))
    file.parent.mkdir(parents=True, exist_ok=True)
    # A palette keeps the file under a megabyte.
    sheet.quantize(256).save(file, optimize=True)
