"""Sessions whose tokens are planted, all of them known, a sample of them kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from subspacelens_tui.recording.token_positions import draw_positions
from subspacelens_tui.sessions import Session, open_session
from subspacelens_tui.sessions.features import TokenSample
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo, Prompt
from subspacelens_tui.sessions.writer import create_session, write_features

CLASSES, SUBJECTS, SEEDS = 3, 2, 3
IMAGES = CLASSES * SUBJECTS * SEEDS


def codes() -> np.ndarray:
    """The coarse class of each image, in recording order."""
    return np.tile(np.repeat(np.arange(CLASSES), SUBJECTS), SEEDS)


def plant(path: Path, layers: Sequence[np.ndarray], kept: int) -> Session:
    """A session with these tokens (IMAGES, P, d) in its layers, of which `kept` are recorded."""
    prompts = [
        Prompt(text=f"{c} {s}", labels={"coarse": f"c{c}", "fine": f"c{c}s{s}"})
        for c in range(CLASSES)
        for s in range(SUBJECTS)
    ]
    images = [
        ImageInfo(prompt=prompt, seed=seed, guidance=1)
        for seed in range(SEEDS)
        for prompt in range(len(prompts))
    ]
    manifest = Manifest(
        created="2026-11-23T12:00:00+00:00",
        model=ModelInfo(id="planted"),
        prompt_set="planted",
        prompts=prompts,
        images=images,
        steps=2,
        capture_steps=[1],
        guidance=[1.0],
        tokens=kept,
        guidance_branches=[["cond"]],
        blocks=[Block(name=f"block {i}", width=tokens.shape[2]) for i, tokens in enumerate(layers)],
    )
    create_session(path, manifest)
    count = layers[0].shape[1]
    positions = draw_positions([(image.seed, image.prompt) for image in images], kept, count)
    for batch in np.array_split(np.arange(len(images)), 4):
        chosen = [np.take_along_axis(t[batch], positions[batch][:, :, None], 1) for t in layers]
        sample = TokenSample(
            positions[batch],
            np.full(len(batch), count),
            [tokens[:, None, None].astype(np.float32) for tokens in chosen],
        )
        pooled = [tokens[batch].mean(axis=1)[:, None, None].astype(np.float32) for tokens in layers]
        write_features(path, batch.tolist(), pooled[0], pooled, sample)
    return open_session(path)
