"""Processor seconds of the lenses, of training an autoencoder, and of both at the width of PixArt-XL.

python benchmarks/sparse.py
"""

import argparse
import resource
import time

import numpy as np
import torch

from subspacelens_tui.analysis.blas import one_blas_thread
from subspacelens_tui.sparse import Autoencoder, Groups, Tokens, compare_lenses, split_images
from subspacelens_tui.sparse.recipe import Recipe
from subspacelens_tui.sparse.sparse_lens import SupportComponents
from subspacelens_tui.training.topk import Training

SUBJECTS, SEEDS, T = 25, 18, 32


def lenses(width: int) -> float:
    """All lenses but the sparse one, of a layer of a session of the demo."""
    subjects = np.tile(np.arange(SUBJECTS), SEEDS)
    groups = Groups(np.repeat(np.arange(SEEDS), SUBJECTS), subjects, subjects % 5)
    rng = np.random.default_rng(0)
    mixed = rng.integers(0, 20, (len(subjects), T))
    bases = rng.standard_normal((20, width, width)) * np.exp(-4 * np.arange(width) / width)
    values = np.empty((*mixed.shape, width))
    for kind in range(20):
        at = mixed == kind
        values[at] = rng.standard_normal((int(at.sum()), width)) @ bases[kind].T
    cells = rng.integers(0, 64, mixed.shape)
    began = time.process_time()
    with one_blas_thread():
        compare_lenses(Tokens(values, split_images(groups), cells))
    return time.process_time() - began


def training(width: int, recipe: Recipe, steps: int) -> float:
    """A step of training."""
    made = Training(torch.randn(6000, width, generator=torch.Generator().manual_seed(0)), recipe, 0)
    made.advance()
    began = time.process_time()
    for _ in range(steps):
        made.advance()
    return (time.process_time() - began) / steps


def coding(width: int, atoms: int, k: int, tokens: int) -> float:
    """The sparse lens, a held-out token."""
    rng = np.random.default_rng(0)
    decoder = rng.standard_normal((atoms, width)) / width**0.5
    zero = np.zeros(width)
    of = Autoencoder(decoder, np.zeros(atoms), zero, decoder, zero, k)
    with one_blas_thread():
        fitted = SupportComponents(of, rng.standard_normal((1200, width)), 0.1)
        began = time.process_time()
        fitted.code(rng.standard_normal((1, tokens, width)), np.geomspace(0.01, 10, 16))
    return (time.process_time() - began) / tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for name, seconds in {
        "lenses without SAE, a layer of width 96, 450 images x 32 tokens": lambda: lenses(96),
        "training step, width 96, 768 atoms, k 8": lambda: training(96, Recipe(atoms=768, k=8), 200),
        "sparse lens, a token, width 96, 768 atoms": lambda: coding(96, 768, 8, 1920),
        "training step, width 1152, 9216 atoms, k 32": lambda: training(1152, Recipe(atoms=9216, k=32), 4),
        "sparse lens, a token, width 1152": lambda: coding(1152, 9216, 32, 128),
    }.items():
        found = sorted(seconds() for _ in range(rounds))
        print(f"{name}: {found[len(found) // 2]:.4g} s ({found[0]:.4g} to {found[-1]:.4g})", flush=True)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")


if __name__ == "__main__":
    main()
