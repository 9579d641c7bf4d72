"""Measures a trained model: ``figures.json`` and the sample sheet in its folder of ``docs``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from tools.demo_training import classifier
from tools.demo_training.architecture import Architecture
from tools.demo_training.data import BACKGROUNDS, SUBJECTS, ImagePool
from tools.demo_training.export import size_in_megabytes
from tools.demo_training.sheet import GUIDANCE, STEPS, draw_sheet, generate, load_pipeline
from tools.demo_training.vae import psnr

SEEDS = range(8)
CLASSIFIER_STEPS = 400


def on_background(subject: int) -> str:
    """The prompt of a subject with a background; the colours take turns."""
    colours = list(BACKGROUNDS)
    return f"{SUBJECTS[subject].phrase} on a {colours[subject % len(colours)]} background"


def generate_all(architecture: Architecture, folder: Path) -> dict[str, Tensor]:
    """Images of every subject in its bare form and, with fewer seeds, on a background; and without text."""
    draw = partial(generate, load_pipeline(folder, architecture.absent), architecture.call)
    samples = {subject.phrase: draw(subject.phrase, SEEDS) for subject in SUBJECTS}
    for number in range(len(SUBJECTS)):
        samples[on_background(number)] = draw(on_background(number), SEEDS[:2])
    samples[""] = draw("", SEEDS)
    return samples


def accuracy(judge: nn.Sequential, images: Tensor, subjects: Tensor) -> float:
    """Share of images that the classifier names right."""
    return (classifier.predict(judge, images) == subjects).float().mean().item()


def mean_difference(first: Tensor, second: Tensor) -> float:
    """Mean absolute difference of pixels from 0 to 255."""
    return (first.float() - second.float()).abs().mean().item()


def difference_between_seeds(images: Tensor) -> float:
    """Mean difference of each image to the one of the next seed."""
    return mean_difference(images, images.roll(1, dims=0))


def border_accuracy(samples: dict[str, Tensor]) -> float:
    """Share of images whose border is nearest to the background colour that the prompt asks for."""
    tones = torch.tensor(list(BACKGROUNDS.values())).float()
    right = []
    for number in range(len(SUBJECTS)):
        images = samples[on_background(number)].float()
        corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].median(dim=2).values
        right.append(torch.cdist(corners, tones).argmin(dim=1) == number % len(tones))
    return torch.cat(right).float().mean().item()


def sample_measurements(samples: dict[str, Tensor], judge: nn.Sequential) -> dict[str, Any]:
    """What the classifier and the pixels say about generated images."""
    bare = [samples[subject.phrase] for subject in SUBJECTS]
    coloured = [samples[on_background(number)] for number in range(len(SUBJECTS))]
    by_subject = {
        subject.name: accuracy(judge, images, torch.full((len(images),), number))
        for number, (subject, images) in enumerate(zip(SUBJECTS, bare, strict=True))
    }
    numbers = torch.arange(len(SUBJECTS))
    without_text = samples[""]
    return {
        "classifier_accuracy_bare_prompts": accuracy(
            judge, torch.cat(bare), numbers.repeat_interleave(len(SEEDS))
        ),
        "classifier_accuracy_with_background": accuracy(
            judge, torch.cat(coloured), numbers.repeat_interleave(len(coloured[0]))
        ),
        "classifier_accuracy_by_subject": by_subject,
        "background_as_asked": border_accuracy(samples),
        "pixel_difference_same_seed_text_or_none": _mean(
            mean_difference(images, without_text) for images in bare
        ),
        "pixel_difference_same_prompt_two_seeds": _mean(difference_between_seeds(images) for images in bare),
        "images_judged": sum(map(len, bare)) + sum(map(len, coloured)),
    }


def _mean(values: Any) -> float:
    return torch.tensor(list(values)).mean().item()


def measure(
    architecture: Architecture,
    folder: Path,
    autoencoder: AutoencoderTiny,
    pools: tuple[ImagePool, ImagePool],
    training: dict[str, float],
) -> None:
    """Write the numbers and the sheet of an exported folder; the second pool is of the held-out style."""
    pool, held_out = pools
    docs = Path("docs") / architecture.docs
    docs.mkdir(parents=True, exist_ok=True)
    samples = generate_all(architecture, folder)
    rows = {
        prompt or "(no text)": images for prompt, images in samples.items() if " background" not in prompt
    }
    draw_sheet(rows, docs / "samples.png")
    judge = classifier.train(pool, CLASSIFIER_STEPS)
    every_25th = ImagePool(pool.images[::25], pool.subjects[::25], pool.backgrounds[::25])
    result = {
        "sampling": {"steps": STEPS, "guidance_scale": GUIDANCE, "seeds": len(SEEDS)},
        "training": training,
        "folder_megabytes": size_in_megabytes(folder),
        "autoencoder_psnr_db": {
            "training_styles": psnr(autoencoder, every_25th),
            "held_out_style": psnr(autoencoder, held_out),
        },
        "classifier_accuracy_held_out_style": accuracy(judge, held_out.images, held_out.subjects),
        "samples": sample_measurements(samples, judge),
    }
    (docs / "figures.json").write_text(json.dumps(_rounded(result), indent=2) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    """Numbers with as many digits as they deserve."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 3) if isinstance(value, float) else value
