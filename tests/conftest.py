"""Sessions with planted features, written in the real format by the real writer."""

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo, Prompt, expected_branches
from subspacelens_tui.sessions.writer import create_session, write_features
from tests import environment
from tests.terminal import Terminal

# Before any test's module is imported: some libraries read the environment then.
environment.make_plain()

CATEGORIES = {
    "animals": ("lion", "penguin", "octopus"),
    "food": ("pizza", "apple", "sushi"),
    "vehicles": ("car", "rocket", "sailboat"),
}


@dataclass
class PlantedSession:
    """A session whose features are class means plus noise, growing in scale with depth."""

    path: Path
    seeds: int = 4
    layers: int = 6
    width: int = 32
    guidance: Sequence[float] = (3.0,)
    capture_steps: Sequence[int] = (5, 19)
    timesteps: Sequence[float] = ()
    batch: int = 9
    signal: float = 1.0
    random_init: bool = False
    # Changes the features (images, branches, steps, width) of some images in a layer before they are written.
    alter: Callable[[int, np.ndarray, list[int]], np.ndarray] = lambda layer, features, images: features
    manifest: Manifest = field(init=False)

    def __post_init__(self) -> None:
        prompts = [
            Prompt(text=f"a {subject}", labels={"coarse": category, "fine": subject})
            for category, subjects in CATEGORIES.items()
            for subject in subjects
        ]
        images = [
            ImageInfo(prompt=prompt, seed=seed, guidance=scale)
            for seed in range(self.seeds)
            for scale in self.guidance
            for prompt in range(len(prompts))
        ]
        self.manifest = Manifest(
            created="2026-11-23T12:00:00+00:00",
            model=ModelInfo(
                id="planted",
                pipeline="PixArtAlphaPipeline",
                dtype="float32",
                device="cpu",
                random_init=self.random_init,
            ),
            prompt_set="planted",
            prompts=prompts,
            images=images,
            steps=20,
            timesteps=list(self.timesteps),
            capture_steps=list(self.capture_steps),
            guidance=list(self.guidance),
            batch_size=self.batch,
            guidance_branches=[expected_branches(scale) for scale in self.guidance],
            blocks=[Block(name=f"transformer_blocks.{i}", width=self.width) for i in range(self.layers)],
            input_width=self.width,
        )
        create_session(self.path, self.manifest)
        self._events = EventWriter(self.path)
        self._rng = np.random.default_rng(0)
        self._means = self._rng.standard_normal((len(prompts), self.width))
        self._next = 0

    @property
    def images(self) -> list[ImageInfo]:
        return self.manifest.images

    def start(self) -> "PlantedSession":
        """Say what a recorder says when it starts (of a process on another machine)."""
        self._events.write("started", host="elsewhere", pid=1)
        self._events.write("recording")
        return self

    def record(self, batches: int | None = None) -> "PlantedSession":
        """Write the next batches (all that are left unless given); the last one finishes the session."""
        written = 0
        while self._next < len(self.images) and (batches is None or written < batches):
            indices = list(range(self._next, min(self._next + self.batch, len(self.images))))
            # One batch has one guidance scale.
            indices = [i for i in indices if self.images[i].guidance == self.images[indices[0]].guidance]
            self._write(indices)
            self._next = indices[-1] + 1
            written += 1
        if self._next == len(self.images):
            self._events.write("finished")
        return self

    def _write(self, indices: list[int]) -> None:
        shape = (
            len(indices),
            len(self.manifest.branches_at(self.images[indices[0]].guidance)),
            len(self.capture_steps),
            self.width,
        )
        blocks = []
        for layer in range(self.layers):
            means = self._means[[self.images[i].prompt for i in indices]][:, None, None, :]
            strength = self.signal * layer / max(1, self.layers - 1)
            noise = self._rng.standard_normal(shape)
            features = (1 + layer) * (noise + strength * means)
            blocks.append(self.alter(layer, features, indices).astype(np.float32))
        write_features(self.path, indices, self._rng.standard_normal(shape).astype(np.float32), blocks)
        self._events.write("batch", images=indices, seconds=0.5)


@pytest.fixture(scope="module", autouse=True)
def garbage_between_modules() -> Iterator[None]:
    """Look for garbage once a module, a fifth less work: all of torch would be looked through each time."""
    gc.disable()
    yield
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of whoever runs it, or leaves anything behind in their state."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Put in what is to be closed at the end."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


PlantedSessionFactory = Callable[..., PlantedSession]


@pytest.fixture
def planted(tmp_path: Path) -> PlantedSessionFactory:
    """Make a planted session in a fresh sessions folder; keywords as of `PlantedSession`."""

    def make(name: str = "planted", **options: object) -> PlantedSession:
        return PlantedSession(tmp_path / "sessions" / name, **options)  # type: ignore[arg-type]

    return make
