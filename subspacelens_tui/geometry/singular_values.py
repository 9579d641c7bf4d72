"""Singular values of features, small ones beside large ones to all their digits.

Through a Gram matrix an eigenvalue is known to 2^-52 of the largest one: beside one dimension of 1e7 nothing
is left of dimensions of 1. The singular values of the features themselves are known to 2^-52 of the largest
singular value, the root of that. And where few dimensions or few images are massive, to far less: with rows
and columns sorted by their norms, a Householder QR factorisation keeps the error of every row and every
column at 2^-52 of that row and that column, and of its triangular factor, transposed, so does the SVD (the
preconditioner of Drmač and Veselić 2008, SIAM J. Matrix Anal. Appl. 29, with sorting for pivoting).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry.inputs import FLOAT64_EPS, Array

Float64Array = npt.NDArray[np.float64]

# Times 2^-52: the error of an entry of the factors against its row or column. Measured against 60 digits.
GROWTH = 10.0
# What of `Decomposition.lost` is still good enough for closed forms that need vectors.
VECTORS_LOST = 1e-10


@dataclass(frozen=True)
class Decomposition:
    """Z (d, n) = U diag(values) Vᵀ, with m at most min(d, n): equal images count once.

    Attributes:
        U: (d, m).
        values: (m,) singular values, descending.
        V: (n, m).
        errors: (m,) how far rounding may have moved each singular value.
        lost: how far, as a share, those that come with the vectors are from `values`: where features differ
            by some 1e15 in size, vectors of small singular values are not to be had in float64.
    """

    U: Float64Array
    values: Float64Array
    V: Float64Array
    errors: Float64Array
    lost: float


def singular_values(Z: Array, xp: Any) -> Array:
    """The singular values, descending, of Z (d, n); at most min(d, n), the others are 0."""
    if isinstance(Z, np.ndarray):
        Z, _, _ = _different(Z)
    rows, columns = _order(Z, xp)
    R = xp.linalg.qr(xp.take(xp.take(Z, rows, axis=0), columns, axis=1), mode="r")
    R = R if isinstance(R, np.ndarray) else R[-1]
    return xp.linalg.svdvals(xp.matrix_transpose(R))


def compressed(Z: Float64Array) -> Float64Array:
    """F (m, n) with FᵀF = ZᵀZ and m at most min(d, n): what of Z (d, n) the metrics depend on."""
    different, place, count = _different(Z)
    if Z.shape[0] <= different.shape[1]:
        return Z
    rows, columns = _order(different, np)
    F = np.empty((different.shape[1], different.shape[1]))
    F[:, columns] = np.linalg.qr(different[rows][:, columns], mode="r")
    return (F / np.sqrt(count))[:, place]


def decomposition(Z: Float64Array) -> Decomposition:
    """The singular value decomposition of Z (d, n), with its errors."""
    different, place, count = _different(Z)
    rows, columns = _order(different, np)
    Q, R = np.linalg.qr(different[rows][:, columns])
    right, beside, left = np.linalg.svd(R.T, full_matrices=False)
    # Anew: of those that come with vectors the small ones are right to 2^-52 of the largest only.
    values = np.linalg.svd(R.T, compute_uv=False)
    m = len(values)
    U, V = np.empty((Z.shape[0], m)), np.empty((different.shape[1], m))
    U[rows], V[columns] = Q @ left.T, right
    errors = _errors(different, U, V)
    known = values > errors
    lost = float(np.max(np.abs(beside - values)[known] / values[known], initial=0.0))
    return Decomposition(U, values, (V / np.sqrt(count)[:, None])[place], errors, lost)


def _different(Z: Float64Array) -> tuple[Float64Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Z (d, m) without repeated columns, each times the root of how often it was there.

    Unconditional images that share a seed are equal: their zeros are found here, not left to rounding.

    Returns:
        The columns, for each of the n where it is among them, and how often each was there.
    """
    found: dict[bytes, int] = {}
    place = np.asarray([found.setdefault(column.tobytes(), len(found)) for column in Z.T], dtype=np.int64)
    count = np.bincount(place)
    if len(found) == Z.shape[1]:
        return Z, place, count
    first = np.unique(place, return_index=True)[1]
    return Z[:, first] * np.sqrt(count), place, count


def null_space(V: Float64Array) -> Float64Array:
    """What completes orthonormal columns V (n, m) to a basis: (n, n - m)."""
    complete: Float64Array = np.linalg.qr(V, mode="complete")[0][:, V.shape[1] :]
    return complete


def _errors(Z: Float64Array, U: Float64Array, V: Float64Array) -> Float64Array:
    """uᵀ(δZ)v to first order, δZ independent entries of 2^-52 of their row or column, the smaller one."""
    d, n = Z.shape
    of_rows = np.linalg.norm(Z, axis=1) / np.sqrt(n)
    of_columns = np.linalg.norm(Z, axis=0) / np.sqrt(d)
    entries = np.minimum(of_rows[:, None], of_columns)
    # Products of what is far apart in size: squares of them would underflow.
    spread = np.einsum("dm,dm->m", (entries**2) @ V**2, U**2)
    errors: Float64Array = GROWTH * FLOAT64_EPS * np.sqrt(spread)
    return errors


def _order(Z: Array, xp: Any) -> tuple[Array, Array]:
    """Rows and columns by their norms, the largest first."""
    largest = xp.max(xp.abs(Z))
    scale = xp.where(largest > 0, largest, xp.ones_like(largest))
    squares = (Z / scale) ** 2
    return (
        xp.argsort(-xp.sum(squares, axis=1), stable=True),
        xp.argsort(-xp.sum(squares, axis=0), stable=True),
    )
