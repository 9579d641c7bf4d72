"""A planted session and a steering run that was fitted to it, in the real format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.features import LATENTS, TokenSample
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo, Prompt, Steering
from subspacelens_tui.sessions.writer import create_session, write_features, write_image

CLASSES = ("lion", "panda", "car")
_WIDTH, _BLOCKS = 6, [Block(name="blocks.0", width=6), Block(name="blocks.1", width=6)]
_MEANS = 8 * np.eye(_WIDTH, dtype=np.float32)
_SHADES = ((200, 40, 40), (40, 200, 40), (40, 40, 200))


def steering(control: str | None = None, strength: float = 1.0, statistics: str = "natural") -> Steering:
    """What was done to lions."""
    return Steering(
        statistics=statistics,
        method="transport",
        control=control,
        scheme="fine",
        source="lion",
        target="panda",
        layers=[1],
        strength=strength,
        steps=(0, 19),
        blocks=_BLOCKS,
    )


def plant(
    folder: Path,
    name: str,
    classes: Sequence[int],
    seeds: range,
    of: Steering | None = None,
    looks_like: int | None = None,
    far: float = 0.0,
    finished: bool = True,
    tokens: bool = False,
) -> None:
    """A session with images of some classes.

    Args:
        folder: of sessions.
        name: of the session.
        classes: of its prompts.
        seeds: of its images.
        of: how it was steered.
        looks_like: the class that features, latents and pictures are of; their own if None.
        far: how far the latents are from natural ones.
        finished: whether all images are there; else half of them.
        tokens: whether it has single tokens.
    """
    manifest = Manifest(
        created="2026-11-29T12:00:00+00:00",
        model=ModelInfo(id="planted", pipeline="PixArtAlphaPipeline", dtype="float32", device="cpu"),
        prompt_set="planted",
        prompts=[Prompt(text=f"a {CLASSES[c]}", labels={"fine": CLASSES[c]}) for c in classes],
        images=[ImageInfo(prompt=p, seed=seed, guidance=3.0) for seed in seeds for p in range(len(classes))],
        steps=20,
        capture_steps=[19],
        guidance=[3.0],
        batch_size=100,
        guidance_branches=[["cond", "uncond"]],
        blocks=_BLOCKS,
        input_width=_WIDTH,
        steering=of,
        tokens=2 if tokens else None,
        latents=True,
    )
    path = folder / name
    create_session(path, manifest)
    images = list(range(len(manifest.images) // (1 if finished else 2)))
    seen = [classes[manifest.images[i].prompt] if looks_like is None else looks_like for i in images]
    rng = np.random.default_rng([len(name), *seeds])

    def noisy() -> np.ndarray:
        return (_MEANS[seen] + rng.standard_normal((len(images), _WIDTH))).astype(np.float32)

    features = np.stack([np.stack([noisy(), noisy()], axis=1)[:, :, None]] * 2)
    sample = None
    if tokens:
        shape = (len(images), 2, 1, 2, _WIDTH)
        kept = [rng.standard_normal(shape).astype(np.float32) for _ in _BLOCKS]
        sample = TokenSample(np.tile([0, 1], (len(images), 1)), np.full(len(images), 4), kept)
    more = {LATENTS: noisy() + np.float32(far)}
    write_features(path, images, features[0], [*features], sample, more=more)
    for image, shade in zip(images, seen, strict=True):
        write_image(path, image, Image.new("RGB", (16, 16), _SHADES[shade]))
    events = EventWriter(path)
    events.write("started", host="elsewhere", pid=1)
    events.write("batch", images=images, seconds=0.5)
    events.write("finished" if finished else "recording")


def plant_run(folder: Path, run: str = "run", statistics: str = "natural", finished: bool = True) -> None:
    """A run whose method steers, and whose rotation of equal energy does not and leaves the manifold."""
    new = range(1000, 1008)
    plant(folder, f"{run}~target", [1], new)
    plant(folder, f"{run}~s0", [0], new)
    plant(folder, f"{run}~s0.5", [0], new, steering(None, 0.5, statistics))
    plant(folder, f"{run}~s1", [0], new, steering(None, 1.0, statistics), looks_like=1)
    plant(folder, f"{run}~rotation", [0], new, steering("rotation", 1.0, statistics), 0, 50.0, finished)
