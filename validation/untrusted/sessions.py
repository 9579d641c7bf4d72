"""The sessions that are tampered with: a recorded one, and small ones with all that a session can have."""

import shutil
import time
from pathlib import Path

import numpy as np

from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.features import TokenSample
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo, Prompt, expected_branches
from subspacelens_tui.sessions.writer import create_session, write_features

RECORDED = Path(__file__).parents[2] / "sessions" / "demo-small"
_WIDTH, _TOKENS = 6, 2


def make_originals(folder: Path) -> list[Path]:
    """The originals, in a folder of their own."""
    shutil.copytree(RECORDED, folder / "recorded")
    _small(folder / "sweep", scales=(3.0, 1.0), finished=True)
    _small(folder / "live", scales=(3.0,), finished=False)
    return [folder / name for name in ("recorded", "sweep", "live")]


def _small(path: Path, scales: tuple[float, ...], finished: bool) -> None:
    """Two classes of two subjects, two steps, tokens; unfinished: half of it, the recorder at work."""
    rng = np.random.default_rng(0)
    manifest = _manifest(scales)
    create_session(path, manifest)
    events = EventWriter(path)
    events.write("started", host="elsewhere", pid=1)
    events.write("recording")
    images = range(len(manifest.images) if finished else len(manifest.images) // 2)
    for first in images[::4]:
        batch = list(range(first, first + 4))
        shape = (4, len(manifest.branches_at(manifest.images[first].guidance)), len(manifest.capture_steps))
        features = [
            rng.standard_normal((*shape, _WIDTH)).astype(np.float32) * (1 + layer) for layer in range(3)
        ]
        tokens = TokenSample(
            np.tile(np.arange(_TOKENS), (4, 1)),
            np.full(4, 64),
            [rng.standard_normal((*shape, _TOKENS, _WIDTH)).astype(np.float32) for _ in range(3)],
        )
        write_features(path, batch, features[0], features, tokens)
        events.write("batch", images=batch, seconds=0.5)
        events.write("heartbeat", step=1, device={"name": "card", "used": 10**9, "total": 10**10})
    if finished:
        events.write("finished")
    events.close()


def _manifest(scales: tuple[float, ...]) -> Manifest:
    prompts = [
        Prompt(text=f"a {name}", labels={"coarse": coarse, "fine": name})
        for coarse, names in (("animals", ("lion", "owl")), ("food", ("pizza", "apple")))
        for name in names
    ]
    return Manifest(
        created=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(1764000000)),
        model=ModelInfo(id="small", pipeline="PixArtAlphaPipeline", dtype="float32", device="cpu"),
        prompt_set="small",
        prompts=prompts,
        images=[
            ImageInfo(prompt=prompt, seed=seed, guidance=scale)
            for seed in range(4)
            for scale in scales
            for prompt in range(len(prompts))
        ],
        steps=4,
        capture_steps=[1, 3],
        guidance=list(scales),
        tokens=_TOKENS,
        guidance_branches=[expected_branches(scale) for scale in scales],
        blocks=[Block(name=f"transformer_blocks.{layer}", width=_WIDTH) for layer in range(3)],
        input_width=_WIDTH,
    )
