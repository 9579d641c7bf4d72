"""Tokens of images whose conditional half follows from the unconditional one by a known map."""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.steering import Examples

SIDE, WIDTH = 4, 6
NAMES = ("lion", "panda", "car")


@dataclass(frozen=True)
class Planted:
    """cond = place_of[class] + uncond @ W[class] + noise, at every position of a 4 × 4 image."""

    examples: Examples
    W: dict[str, np.ndarray]
    places: dict[str, np.ndarray]


def planted(images: int = 60, tokens: int = SIDE**2, noise: float = 0.01, seed: int = 0) -> Planted:
    rng = np.random.default_rng(seed)
    count = SIDE**2
    W = {name: rng.standard_normal((WIDTH, WIDTH)) for name in NAMES}
    places = {name: rng.standard_normal((count, WIDTH)) for name in NAMES}
    names = np.repeat(NAMES, images)
    every = rng.standard_normal((len(names), count, WIDTH)) + rng.standard_normal((count, WIDTH))
    cond = np.stack([places[name] + u @ W[name] for name, u in zip(names, every, strict=True)])
    cond += noise * rng.standard_normal(cond.shape)
    positions = np.sort(rng.permuted(np.tile(np.arange(count), (len(names), 1)), axis=1)[:, :tokens], axis=1)
    at = positions[:, :, None]
    return Planted(
        Examples(
            np.take_along_axis(cond, at, 1),
            np.take_along_axis(every, at, 1),
            positions,
            names,
            count,
            (SIDE, SIDE),
        ),
        W,
        places,
    )
