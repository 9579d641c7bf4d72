"""Metrics of features computed with 60 digits, by mpmath: what float64 is held against."""

from collections.abc import Iterable, Sequence

import mpmath as mp
import numpy as np

mp.mp.dps = 60

Rows = list[list[mp.mpf]]


def view_of(Z: np.ndarray, view: str, codes: np.ndarray) -> Rows:
    """Features (d, N) in a view, as rows."""
    rows = [[mp.mpf(float(x)) for x in row] for row in Z]
    count = len(codes)
    if view in ("centred", "class-centred"):
        groups = codes if view == "class-centred" else np.zeros_like(codes)
        for row in rows:
            for group in np.unique(groups):
                members = np.flatnonzero(groups == group)
                mean = mp.fsum(row[i] for i in members) / len(members)
                for i in members:
                    row[i] -= mean
        return rows
    norms = [mp.sqrt(mp.fsum(row[i] ** 2 for row in rows)) for i in range(count)]
    if view == "unit":
        return [[x / norm for x, norm in zip(row, norms, strict=True)] for row in rows]
    if view == "trace":
        factor = mp.sqrt(count / mp.fsum(norm**2 for norm in norms))
        return [[x * factor for x in row] for row in rows]
    return rows


def gram(rows: Rows) -> mp.matrix:
    """ZᵀZ."""
    columns = list(zip(*rows, strict=True))
    G = mp.matrix(len(columns))
    for i, one in enumerate(columns):
        for j in range(i + 1):
            G[i, j] = G[j, i] = mp.fdot(one, columns[j])
    return G


def block(G: mp.matrix, members: Iterable[int]) -> mp.matrix:
    """The block of some images."""
    kept = list(members)
    return mp.matrix([[G[i, j] for j in kept] for i in kept])


def rate(G: mp.matrix, d: int, eps: float) -> mp.mpf:
    """R in nats, by elimination."""
    n = G.rows
    alpha = mp.mpf(d) / (n * mp.mpf(eps) ** 2)
    A = [[alpha * G[i, j] + (i == j) for j in range(n)] for i in range(n)]
    total = mp.mpf(0)
    for k in range(n):
        total += mp.log(A[k][k])
        for i in range(k + 1, n):
            factor = A[i][k] / A[k][k]
            for j in range(k + 1, n):
                A[i][j] -= factor * A[k][j]
    return total / 2


def class_rate(G: mp.matrix, codes: np.ndarray, d: int, eps: float) -> mp.mpf:
    """Rc in nats."""
    members = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    return mp.fsum(mp.mpf(len(m)) / len(codes) * rate(block(G, m), d, eps) for m in members)


def effective_rank(G: mp.matrix) -> mp.mpf:
    """exp of the entropy of the singular values."""
    eigenvalues = mp.eigsy(G, eigvals_only=True)
    roots = [mp.sqrt(x) for x in eigenvalues if x > max(eigenvalues) * mp.mpf(10) ** -50]
    total = mp.fsum(roots)
    return mp.exp(-mp.fsum(x / total * mp.log(x / total) for x in roots))


def overlap(G: mp.matrix, codes: np.ndarray, rank: int) -> mp.mpf:
    """Mean off-diagonal subspace overlap."""
    bases = []
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        values, vectors = mp.eigsy(block(G, members))
        first = len(members) - rank
        weights = [
            [vectors[i, first + c] / mp.sqrt(values[first + c]) for i in range(len(members))]
            for c in range(rank)
        ]
        bases.append((members, weights))
    found = [_shared(G, a, b) / rank for a in bases for b in bases if a is not b]
    return mp.fsum(found) / len(found)


def _shared(
    G: mp.matrix, a: tuple[np.ndarray, list[list[mp.mpf]]], b: tuple[np.ndarray, list[list[mp.mpf]]]
) -> mp.mpf:
    total = mp.mpf(0)
    for u in a[1]:
        onto = [mp.fdot(u, [G[int(i), int(j)] for i in a[0]]) for j in b[0]]
        total += mp.fsum(mp.fdot(onto, v) ** 2 for v in b[1])
    return total


def standard_error(values: Sequence[mp.mpf]) -> mp.mpf:
    """Of the jackknife."""
    m = len(values)
    mean = mp.fsum(values) / m
    return mp.sqrt(mp.mpf(m - 1) / m * mp.fsum((value - mean) ** 2 for value in values))
