"""Tokens whose code is known: classes of subjects, seeds, and what each layer is made of."""

import numpy as np

from subspacelens_tui.sparse import Comparison, Groups, Tokens, compare_lenses, split_images

CLASSES, SUBJECTS, SEEDS, T, WIDTH = 5, 25, 9, 16, 32
IMAGES = SUBJECTS * SEEDS
SPECTRUM = np.exp(-3 * np.arange(WIDTH) / WIDTH)


def groups() -> Groups:
    subjects = np.tile(np.arange(SUBJECTS), SEEDS)
    return Groups(np.repeat(np.arange(SEEDS), SUBJECTS), subjects, subjects % CLASSES)


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Gaussian tokens of a falling spectrum."""
    return rng.standard_normal((*shape, WIDTH)) * np.sqrt(SPECTRUM)


def compared(values: np.ndarray, distortion: float = 0.1, positions: np.ndarray | None = None) -> Comparison:
    """The lenses of tokens (IMAGES, T, d)."""
    where = "no positions were planted" if positions is None else positions
    return compare_lenses(Tokens(values, split_images(groups()), where), distortion)


def bits(found: Comparison, key: str) -> float:
    return found.lenses[key].rate / np.log(2)
