"""Planted tokens of a session's own sizes: what the lenses say where it is known what is right."""

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.components import FloatArray

# Name → the verdict that is right.
CHECKS = {"gaussian": "gaussian", "sparse": "sparse", "union": "subspaces"}
_ATOMS_A_WIDTH, _ACTIVE = 8, 4
_SUBSPACES, _DIMENSIONS = 25, 8
_NOISE = 0.01


def planted_tokens(name: str, like: npt.NDArray[np.floating], images: int, seed: int = 0) -> FloatArray:
    """Tokens of a known kind.

    "gaussian": a surrogate of the layer, with its mean and covariance. "sparse": 4 atoms of 8 d. "union":
    each in one of 25 random subspaces of 8 dimensions. The first images are the same whatever `images` is.

    Args:
        name: one of `CHECKS`.
        like: (N, T, d) the training tokens of a layer.
        images: how many; more than N for the held-out ones.
        seed: random seed.

    Returns:
        (images, T, d).
    """
    _, T, d = like.shape
    rng = np.random.default_rng([seed, list(CHECKS).index(name)])
    if name == "gaussian":
        flat = like.reshape(-1, d).astype(np.float64)
        values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
        shape = vectors * np.sqrt(np.maximum(values, 0))
        found: FloatArray = rng.standard_normal((images, T, d)) @ shape.T + flat.mean(axis=0)
        return found
    if name == "union":
        bases = np.linalg.qr(rng.standard_normal((_SUBSPACES, d, min(_DIMENSIONS, d))))[0]
        tokens = [_in_subspaces(bases, np.random.default_rng([seed, image]), T) for image in range(images)]
        return np.stack(tokens)
    atoms = rng.standard_normal((_ATOMS_A_WIDTH * d, d))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    tokens = [_of_atoms(atoms, np.random.default_rng([seed, image]), T) for image in range(images)]
    return np.stack(tokens)


def _in_subspaces(bases: FloatArray, rng: np.random.Generator, T: int) -> FloatArray:
    of = bases[rng.integers(0, len(bases), T)]
    found: FloatArray = np.einsum("tdk,tk->td", of, rng.standard_normal((T, bases.shape[2])))
    return found


def _of_atoms(atoms: FloatArray, rng: np.random.Generator, T: int) -> FloatArray:
    m, d = atoms.shape
    chosen = np.stack([rng.choice(m, min(_ACTIVE, m), replace=False) for _ in range(T)])
    values = np.abs(rng.standard_normal(chosen.shape)) + 0.5
    found: FloatArray = np.einsum("tk,tkd->td", values, atoms[chosen]) + _NOISE * rng.standard_normal((T, d))
    return found
