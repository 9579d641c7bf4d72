"""A session of the article's size with random features, written by the real writer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from subspacelens_tui.planning.prompts import load_prompt_set
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo
from subspacelens_tui.sessions.writer import create_session, write_features


def write_session(
    folder: Path, seeds: int = 20, blocks: int = 28, width: int = 1152, batch: int = 25
) -> Path:
    """25 subjects × `seeds`, one captured step, both branches; features grow in scale and fall in rank."""
    for _ in growing_session(folder, seeds, blocks, width, batch):
        pass
    return folder


def growing_session(folder: Path, seeds: int, blocks: int, width: int, batch: int) -> Iterator[int]:
    """The same, batch by batch: yields the images written so far, first 0."""
    prompts = load_prompt_set("subjects-25").prompts
    manifest = Manifest(
        created="2026-11-23T00:00:00+00:00",
        model=ModelInfo(id="random features", pipeline="PixArtAlphaPipeline"),
        prompt_set="subjects-25",
        prompts=prompts,
        images=[ImageInfo(prompt=p, seed=s, guidance=4.5) for s in range(seeds) for p in range(len(prompts))],
        steps=20,
        timesteps=[50.0 * step for step in range(20, 0, -1)],
        capture_steps=[19],
        guidance=[4.5],
        guidance_branches=[["cond", "uncond"]],
        blocks=[Block(name=f"transformer_blocks.{i}", width=width) for i in range(blocks)],
        input_width=width,
    )
    create_session(folder, manifest)
    events = EventWriter(folder)
    events.write("started", host="benchmark", pid=1)
    events.write("recording")
    yield 0
    rng = np.random.default_rng(0)
    spectrum = np.arange(1, width + 1, dtype=np.float32) ** -0.5
    subjects = rng.standard_normal((len(prompts), width), dtype=np.float32)
    for start in range(0, len(manifest.images), batch):
        images = list(range(start, min(start + batch, len(manifest.images))))
        mean = subjects[[manifest.images[i].prompt for i in images]][:, None, None, :]
        features = [
            (1 + layer)
            * spectrum
            * (rng.standard_normal((len(images), 2, 1, width), dtype=np.float32) + mean)
            for layer in range(blocks)
        ]
        write_features(folder, images, features[0], features)
        events.write("batch", images=images, seconds=1.0)
        yield images[-1] + 1
    events.write("finished")
