"""Tokens whose code is known, at the size of a session of the demo: what each lens takes for them."""

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from subspacelens_tui.geometry.sparsity import hoyer_gaussian, hoyer_sparsity
from subspacelens_tui.sparse import (
    Autoencoder,
    Dictionary,
    Groups,
    Tokens,
    compare_lenses,
    judge,
    split_images,
)
from subspacelens_tui.sparse.recipe import Asked
from subspacelens_tui.sparse.scaling import Scaling
from subspacelens_tui.training.topk import Training

SUBJECTS, SEEDS, TOKENS, WIDTH = 25, 18, 32, 96
LENSES = ("gauss", "class", "subspaces_25", "scales_8", "sparse")
STEPS = 1000
Array = npt.NDArray[np.float64]


def groups() -> Groups:
    """25 subjects in 5 classes, 18 seeds of each."""
    subjects = np.tile(np.arange(SUBJECTS), SEEDS)
    return Groups(np.repeat(np.arange(SEEDS), SUBJECTS), subjects, subjects % 5)


def run() -> dict[str, Any]:
    """Every case, with its rates in bits, its verdict, and the seconds it took."""
    torch.set_num_threads(1)
    return {
        "steps": STEPS,
        "tokens": TOKENS,
        "rows": [_row(name, values, asked) for name, values, asked in cases()],
        "hoyer_gaussian": hoyer_gaussian(WIDTH),
    }


def cases() -> Iterator[tuple[str, Array, Asked]]:
    """Names, tokens (N, T, d), and how their autoencoder is trained."""
    rng = np.random.default_rng(0)
    N = SUBJECTS * SEEDS
    shape = (N, TOKENS)
    spectrum = np.exp(-4 * np.arange(WIDTH) / WIDTH)
    gauss = rng.standard_normal((*shape, WIDTH)) * np.sqrt(spectrum)
    plain, large = Asked(steps=STEPS), Asked(atoms=8 * WIDTH, steps=STEPS)
    yield "one Gaussian, falling spectrum", gauss, plain
    yield "the same, 768 atoms", gauss, large
    for active in (4, 16):
        yield f"sparse: {active} of 768 atoms", _sparse(rng, N, active), large
    bases = np.linalg.qr(rng.standard_normal((25, WIDTH, 8)))[0]
    of = bases[rng.integers(0, 25, shape)]
    yield (
        "union of 25 subspaces of 8",
        np.einsum("ntdk,ntk->ntd", of, rng.standard_normal((*shape, 8))),
        plain,
    )
    flat = np.linalg.qr(rng.standard_normal((WIDTH, 16)))[0]
    yield "one flat Gaussian of 16", rng.standard_normal((*shape, 16)) @ flat.T, plain
    means = rng.standard_normal((5, WIDTH)) * np.sqrt(spectrum)
    yield "class means and a Gaussian", means[groups().classes][:, None] + gauss * 0.7, plain
    norms = np.exp(rng.standard_normal((*shape, 1)).clip(-2, 2))
    yield "heavy-tailed norms", norms * gauss, plain


def _sparse(rng: np.random.Generator, images: int, active: int) -> Array:
    atoms = rng.standard_normal((8 * WIDTH, WIDTH))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    chosen = np.argsort(rng.random((images * TOKENS, len(atoms))), axis=1)[:, :active]
    values = np.abs(rng.standard_normal(chosen.shape)) + 0.5
    found: Array = np.einsum("nk,nkd->nd", values, atoms[chosen]).reshape(images, TOKENS, WIDTH)
    return found + 0.01 * rng.standard_normal(found.shape)


def _row(name: str, values: Array, asked: Asked) -> dict[str, Any]:
    split = split_images(groups())
    began = time.process_time()
    dictionary = trained(values[split.train], asked)
    # Every token at a place of its own, so that no position says anything.
    cells = np.random.default_rng(1).integers(0, 64, values.shape[:2])
    found = compare_lenses(Tokens(values, split, cells), dictionary=dictionary)
    assert found.quality is not None
    return {
        "case": name,
        "bits": {key: found.lenses[key].rate / math.log(2) for key in LENSES if key in found.lenses},
        "ev": [found.quality.training_ev, found.quality.held_out_ev],
        "atoms": found.quality.atoms,
        "dead": found.quality.dead,
        "hoyer": float(np.mean(hoyer_sparsity(values.reshape(-1, WIDTH).T))),
        "verdict": judge(found).words,
        "seconds": time.process_time() - began,
    }


def trained(train: Array, asked: Asked) -> Dictionary:
    """An autoencoder of these tokens (N, T, d)."""
    scaling = Scaling.of(train)
    x = scaling.scaled(train).reshape(-1, train.shape[2])
    recipe = asked.recipe(x.shape[1], len(x))
    training = Training(torch.from_numpy(x.astype(np.float32)), recipe, 0)
    for _ in range(recipe.steps):
        training.advance()
    state = {key: tensor.numpy().astype(np.float64) for key, tensor in training.state.items()}
    names = ("encoder", "encoder_bias", "decoder_bias", "decoder", "decoder_bias")
    found = Autoencoder(*(state[key] for key in names), k=recipe.k)
    return Dictionary(found.on_scaled(-scaling.mean * scaling.scale, 1 / scaling.scale))
