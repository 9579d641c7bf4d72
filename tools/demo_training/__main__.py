"""Trains a demo model from nothing: ``python -m tools.demo_training WORK_FOLDER``.

Stages whose result is already in the work folder are skipped, so an interrupted run can be started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderTiny

import subspacelens_tui.demo
from subspacelens_tui.demo.classifier import WEIGHTS
from tools.demo_training import classifier, measurements, training, vae
from tools.demo_training.architecture import Architecture
from tools.demo_training.data import Drawings, ImagePool, compose_pool
from tools.demo_training.export import export
from tools.demo_training.mmdit import MMDiT
from tools.demo_training.pixart import PixArt

ARCHITECTURES: dict[str, Architecture] = {model.name: model for model in (PixArt(), MMDiT())}

POOL_PER_SUBJECT = 1000
HELD_OUT_PER_SUBJECT = 20


def prepare_pools(work: Path) -> tuple[ImagePool, ImagePool]:
    """The images to train on and those of the held-out style."""
    files = work / "pool.pt", work / "heldout.pt"
    if not all(file.exists() for file in files):
        drawings = Drawings(work)
        compose_pool(drawings, POOL_PER_SUBJECT).save(files[0])
        compose_pool(drawings, HELD_OUT_PER_SUBJECT, held_out=True).save(files[1])
    return ImagePool.load(files[0]), ImagePool.load(files[1])


def prepare_latents(work: Path, pool: ImagePool, autoencoder: Path | None, vae_steps: int) -> None:
    """Train the autoencoder, unless there is one, and encode the pool with it."""
    if not (work / "vae.pt").exists():
        if autoencoder:
            trained = AutoencoderTiny.from_pretrained(autoencoder, dtype=torch.float32)
            torch.save(trained.state_dict(), work / "vae.pt")
        else:
            vae.train(pool, work / "vae.pt", vae_steps)
    if not (work / "latents.pt").exists():
        latents = vae.encode_pool(vae.load(work / "vae.pt"), pool)
        data = {"latents": latents, "subjects": pool.subjects, "backgrounds": pool.backgrounds}
        torch.save(data, work / "latents.pt")


def write_classifier(work: Path) -> None:
    """Train the classifier that ships, and say how often it names drawings of the held-out style right."""
    pool, held_out = prepare_pools(work)
    judge = classifier.train(pool, measurements.CLASSIFIER_STEPS)
    print(f"held-out style: {measurements.accuracy(judge, held_out.images, held_out.subjects):.3f}")
    classifier.export(judge, WEIGHTS)


def training_measurements(plan: training.Plan) -> dict[str, float]:
    """How long the transformer was trained and on how much."""
    steps, seconds = plan.progress
    samples = steps * plan.architecture.batch
    return {
        "steps": steps,
        "samples_seen": samples,
        "minutes": seconds / 60,
        "images_per_second": samples / seconds,
    }


def main() -> None:
    """Run all stages."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo_training", description=__doc__)
    parser.add_argument("work", type=Path, help="folder for drawings, images, latents, checkpoints")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="pixart")
    parser.add_argument("--autoencoder", type=Path, help="trained one to use, a diffusers folder")
    parser.add_argument("--vae-steps", type=int, default=2800)
    parser.add_argument("--steps", type=int, help="steps of the transformer")
    parser.add_argument("--export-only", action="store_true", help="write the model as far as it is trained")
    parser.add_argument(
        "--classifier-only", action="store_true", help="train and write the classifier that judges pictures"
    )
    arguments = parser.parse_args()
    if arguments.classifier_only:
        arguments.work.mkdir(parents=True, exist_ok=True)
        write_classifier(arguments.work)
        return

    architecture = ARCHITECTURES[arguments.architecture]
    folder = Path(subspacelens_tui.demo.__file__).parent / architecture.name
    plan = training.Plan(architecture, arguments.work, arguments.steps or architecture.steps)
    if not arguments.export_only:
        arguments.work.mkdir(parents=True, exist_ok=True)
        pool, held_out = prepare_pools(arguments.work)
        prepare_latents(arguments.work, pool, arguments.autoencoder, arguments.vae_steps)
        training.train(plan)
    autoencoder = vae.load(arguments.work / "vae.pt")
    export(architecture, autoencoder, training.load_average(plan), folder)
    if not arguments.export_only:
        measurements.measure(architecture, folder, autoencoder, (pool, held_out), training_measurements(plan))


if __name__ == "__main__":
    main()
