"""All eigenvalues and the top eigenvectors of many symmetric blocks.

A class subspace needs r eigenvectors of n. Large blocks are reduced to tridiagonal form (LAPACK's dsytrd),
from which all eigenvalues follow by dsterf and the r vectors by inverse iteration (dstein): at 100 × 100 and
r = 10 half the cost of all vectors, and as exact. Small blocks, and those of torch, are diagonalised whole.
"""

from typing import Any

import numpy as np
from array_api_compat import is_numpy_namespace

from subspacelens_tui.geometry.inputs import Array

# From this size on, and where at most a third of the vectors are wanted, the tridiagonal form is cheaper.
_LARGE = 48
# Of dsytrd, in rows of n: its own choice, 32, is a quarter slower at a hundred images.
_WORKSPACE = 8
# Inverse iteration says where it did not converge; that vectors of close eigenvalues stayed apart is checked.
_ORTHOGONAL = 1e-12


def top_eigenpairs(blocks: Array, rank: int, xp: Any) -> tuple[Array, Array]:
    """Eigenvalues (k, n), ascending, and eigenvectors (k, n, rank) of the largest, of blocks (k, n, n).

    The blocks may be overwritten: pass a copy of what is needed afterwards.
    """
    n = blocks.shape[-1]
    if is_numpy_namespace(xp) and n >= _LARGE and rank <= n // 3:
        found = _by_tridiagonal_form(blocks, rank)
        if found is not None:
            return found
    values, vectors = xp.linalg.eigh(blocks)
    return values, vectors[:, :, -rank:]


def _by_tridiagonal_form(blocks: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The same by LAPACK; None where it did not converge."""
    # Imported here: the app loads this module at its start.
    from scipy.linalg import lapack

    k, n, _ = blocks.shape
    values, vectors = np.empty((k, n)), np.empty((k, n, rank))
    one, last = np.ones(n, dtype=np.int32), np.full(n, n, dtype=np.int32)
    for i, block in enumerate(blocks):
        reflectors, diagonal, off, scales, _ = lapack.dsytrd(
            block.T, lower=1, overwrite_a=1, lwork=_WORKSPACE * n
        )
        values[i], stuck = lapack.dsterf(diagonal, off)
        z, unconverged = lapack.dstein(diagonal, off, values[i, -rank:], one, last)
        if stuck or unconverged:
            return None
        vectors[i, 0] = z[0]
        vectors[i, 1:] = lapack.dormqr("L", "N", reflectors[1:, :-1], scales, z[1:], lwork=n)[0]
    overlaps = np.matmul(vectors.transpose(0, 2, 1), vectors)
    return (values, vectors) if np.abs(overlaps - np.eye(rank)).max() < _ORTHOGONAL else None
