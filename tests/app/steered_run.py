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
_WIDTH = 6
_MEANS = 8 * np.eye(_WIDTH, dtype=np.float32)
_SHADES = ((200, 40, 40), (40, 200, 40), (40, 40, 200))


def _blocks(depth: int) -> list[Block]:
    return [Block(name=f"blocks.{layer}", width=_WIDTH) for layer in range(depth)]


def steering(
    control: str | None = None,
    strength: float = 1.0,
    statistics: str = "natural",
    layer: int = 1,
    depth: int = 2,
) -> Steering:
    """What was done to lions."""
    return Steering(
        statistics=statistics,
        method="transport",
        control=control,
        scheme="fine",
        source="lion",
        target="panda",
        layers=[layer],
        strength=strength,
        steps=(0, 19),
        blocks=_blocks(depth),
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
    depth: int = 2,
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
        depth: how many blocks the model has; classes are the further apart the later the block.
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
        blocks=_blocks(depth),
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

    def noisy(share: float = 1.0) -> np.ndarray:
        return (share * _MEANS[seen] + rng.standard_normal((len(images), _WIDTH))).astype(np.float32)

    shares = [(layer + 1) / depth if depth > 2 else 1.0 for layer in range(depth)]
    features = [np.stack([noisy(share), noisy(share)], axis=1)[:, :, None] for share in shares]
    sample = None
    if tokens:
        shape = (len(images), 2, 1, 2, _WIDTH)
        kept = [rng.standard_normal(shape).astype(np.float32) for _ in range(depth)]
        sample = TokenSample(np.tile([0, 1], (len(images), 1)), np.full(len(images), 4), kept)
    more = {LATENTS: noisy() + np.float32(far)}
    write_features(path, images, features[0], features, sample, more=more)
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


def plant_over_layers(folder: Path, run: str = "layers", depth: int = 12, last: int | None = None) -> None:
    """A run at each layer in turn that steers in the later half of them; recorded up to `last`."""
    new = range(1000, 1008)
    plant(folder, "deep", [0, 1, 2], range(6), depth=depth)
    plant(folder, f"{run}~target", [1], new, depth=depth)
    plant(folder, f"{run}~s0", [0], new, depth=depth)
    for layer in range(depth if last is None else last + 1):
        of = {"statistics": "deep", "layer": layer, "depth": depth}
        works = 1 if layer >= depth // 2 else 0
        plant(folder, f"{run}~L{layer}", [0], new, steering(**of), works, depth=depth)
        control = steering("rotation", **of)
        plant(folder, f"{run}~L{layer}-rotation", [0], new, control, 0, 50.0, depth=depth)
