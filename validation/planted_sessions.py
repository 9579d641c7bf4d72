"""Sessions of features drawn from a known law, in the real format by the real writer."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis import Analyzer
from subspacelens_tui.sessions import open_session
from subspacelens_tui.sessions.events import EventWriter
from subspacelens_tui.sessions.format import Block, ImageInfo, Manifest, ModelInfo, Prompt
from subspacelens_tui.sessions.writer import create_session, write_features

Features = npt.NDArray[np.float64]  # (N, d): a row for each image, as a session stores them


@dataclass(frozen=True)
class Layout:
    """How many categories, subjects in each, and seeds; every subject meets every seed once."""

    categories: int = 3
    subjects: int = 4
    seeds: int = 8

    @property
    def images(self) -> int:
        """N."""
        return self.categories * self.subjects * self.seeds

    @property
    def subject_of(self) -> npt.NDArray[np.int64]:
        """The subject of each image: seed by seed, as recordings go."""
        return np.tile(np.arange(self.categories * self.subjects), self.seeds)

    @property
    def category_of(self) -> npt.NDArray[np.int64]:
        """The category of each image."""
        return self.subject_of // self.subjects

    @property
    def seed_of(self) -> npt.NDArray[np.int64]:
        """The seed of each image."""
        return np.repeat(np.arange(self.seeds), self.categories * self.subjects)

    def manifest(self, layers: int, width: int) -> Manifest:
        """What `session.json` says of such a session."""
        return Manifest(
            created="2026-11-23T00:00:00+00:00",
            model=ModelInfo(id="planted features"),
            prompt_set="planted",
            prompts=[
                Prompt(
                    text=f"subject {s}", labels={"coarse": f"category {s // self.subjects}", "fine": f"{s}"}
                )
                for s in range(self.categories * self.subjects)
            ],
            images=[
                ImageInfo(prompt=int(prompt), seed=int(seed), guidance=1.0)
                for prompt, seed in zip(self.subject_of, self.seed_of, strict=True)
            ],
            steps=1,
            capture_steps=[0],
            guidance=[1.0],
            guidance_branches=[["cond"]],
            blocks=[Block(name=f"block {layer}", width=width) for layer in range(layers)],
            input_width=width,
        )


@contextmanager
def analyzer_of(layout: Layout, layers: Sequence[Features]) -> Iterator[Analyzer]:
    """An `Analyzer` of a session on disk whose layers hold these features; gone at the end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planted"
        create_session(path, layout.manifest(len(layers), layers[0].shape[1]))
        blocks = [features.astype(np.float32)[:, None, None, :] for features in layers]
        write_features(path, list(range(layout.images)), blocks[0], blocks)
        EventWriter(path).write("finished")
        yield Analyzer(open_session(path))


@dataclass(frozen=True)
class Effects:
    """Standard deviations of what images share, where what is an image's own has 1.

    Attributes:
        category, subject, seed: an effect common to the images of one category, subject or seed.
    """

    category: float = 0.0
    subject: float = 0.0
    seed: float = 0.0

    def shared(self, layout: Layout, width: int, rng: np.random.Generator) -> Features:
        """The shared part of each image (N, d + 1): d offsets, and one of its log norm."""
        parts = [
            size * rng.standard_normal((int(of.max()) + 1, width + 1))[of]
            for size, of in (
                (self.category, layout.category_of),
                (self.subject, layout.subject_of),
                (self.seed, layout.seed_of),
            )
        ]
        shared: Features = np.sum(parts, axis=0)
        return shared

    def draw(
        self, layout: Layout, width: int, rng: np.random.Generator, fixed: Features | float = 0.0
    ) -> Features:
        """Anisotropic features with a mean that all images share and norms that vary by 20 %.

        Nothing here is isotropic or of one norm, so that what holds does not hold for ideal data only.
        `fixed` is a shared part drawn before.
        """
        own = rng.standard_normal((layout.images, width + 1))
        parts = fixed + self.shared(layout, width, rng) + own
        features: Features = np.exp(0.2 * parts[:, -1:]) * decaying_spectrum(width) * (1 + parts[:, :-1])
        return features


def decaying_spectrum(width: int, power: float = 0.5) -> Features:
    """Standard deviations (d,) of the features' directions: 1, 2^-power, 3^-power, …"""
    spectrum: Features = np.arange(1.0, width + 1) ** -power
    return spectrum
