"""Gaussian components, and what it costs to code tokens with them.

A token x of component c is sent as y = x + n, n ~ N(0, s I): the channel of the coding rate, whose s is ε²/d
(Ma et al. 2007, "Segmentation of multivariate mixed data via lossy coding and compression"). The rate of x is
KL(p(y|x) ‖ N(μ_c, C_c + s I)); averaged over tokens with mean μ_c and covariance C_c it is ½ log det(I +
C_c/s), the coding rate R. The receiver takes E[x|y], and the distortion is its expected squared error.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.split import IntArray

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """K Gaussians in d dimensions, in their eigenbases.

    Attributes:
        means: (K, d).
        vectors: (K, d, d), orthonormal columns.
        values: (K, d), the eigenvalues of the covariances, 0 or more.
        costs: (K,) what naming a component costs, -log P(c), in nats.
    """

    means: FloatArray
    vectors: FloatArray
    values: FloatArray
    costs: FloatArray

    def __len__(self) -> int:
        return len(self.means)

    def code(self, x: FloatArray, c: int, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rate, without the name of the component, and distortion of tokens under one component.

        Args:
            x: (n, d).
            c: the component.
            noise: (S,) values of s.

        Returns:
            Rates (n, S) in nats, and squared errors (n, S).
        """
        values = self.values[c][:, None]
        squares = ((x - self.means[c]) @ self.vectors[c]) ** 2
        inverse = 1 / (values + noise)
        fixed = 0.5 * (np.log1p(values / noise) - values * inverse).sum(axis=0)
        rate = fixed + 0.5 * squares @ inverse
        error = squares @ (noise * inverse) ** 2 + (noise * (values * inverse) ** 2).sum(axis=0)
        return rate, error


@dataclass(frozen=True)
class Gaussians:
    """K Gaussians in d dimensions by their covariances: all that is needed at one s.

    Attributes:
        means: (K, d).
        covariances: (K, d, d).
        costs: (K,) as of `Components`.
    """

    means: FloatArray
    covariances: FloatArray
    costs: FloatArray

    def components(self) -> Components:
        """The same in their eigenbases, for every s."""
        values, vectors = np.linalg.eigh(self.covariances)
        return Components(self.means, vectors, np.maximum(values, 0), self.costs)

    def code_lengths(self, x: FloatArray, noise: float, codes: IntArray | None = None) -> FloatArray:
        """What tokens (n, d) take at one s, in nats.

        Args:
            x: the tokens.
            noise: s.
            codes: (n,) the component of each, if that is known and need not be named.

        Returns:
            (n, K), each component's own name included; or (n,) under the known ones.
        """
        d = x.shape[1]
        # Single precision decides between components as well as double does, in half the time.
        whitening = np.linalg.inv(np.linalg.cholesky(self.covariances + noise * np.eye(d)).astype(np.float32))
        log_det = -2 * np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1, dtype=np.float64)
        trace = np.einsum("kde,kde->k", whitening, whitening, dtype=np.float64)
        fixed = 0.5 * (log_det - d * np.log(noise) - d + noise * trace)
        single, means = x.astype(np.float32), self.means.astype(np.float32)
        shape = (len(x), len(self.means)) if codes is None else (len(x),)
        lengths = np.empty(shape)
        for c in range(len(self.means)) if codes is None else np.unique(codes):
            own = single if codes is None else single[codes == c]
            whitened = (own - means[c]) @ whitening[c].T
            length = fixed[c] + 0.5 * np.einsum("nd,nd->n", whitened, whitened)
            if codes is None:
                lengths[:, c] = length + self.costs[c]
            else:
                lengths[codes == c] = length
        return lengths


@dataclass(frozen=True)
class Strength:
    """How far groups are drawn towards the Gaussian of all tokens.

    Attributes:
        mean, covariance: in tokens, 0 or more: a group of n tokens keeps n/(n + strength) of its own.
    """

    mean: float
    covariance: float


def fit_components(x: FloatArray, codes: IntArray, count: int, strength: Strength) -> Components:
    """As `fit_gaussians`, in their eigenbases."""
    return fit_gaussians(x, codes, count, strength).components()


def fit_gaussians(x: FloatArray, codes: IntArray, count: int, strength: Strength) -> Gaussians:
    """The Gaussians of `count` groups of tokens, each drawn towards the Gaussian of all tokens.

    A group keeps m of its mean, μ_c = m m_c + (1 - m) mean, and k of its covariance about that; the rest is
    that of all groups about theirs: with δ = m_c - mean, W within groups and B between them,
    C_c = k (S_c + (1 - m)² δδᵀ) + (1 - k) (W + (1 - m)² B).
    Without it, groups of fewer tokens than dimensions say nothing of new tokens. At k = 0 and m = 1 they
    differ in their means alone, at k = m = 0 not at all.

    Args:
        x: (n, d).
        codes: (n,) the group of each token, from 0; a group may be empty.
        count: K.
        strength: of both.
    """
    d, sizes = x.shape[1], np.bincount(codes, minlength=count)
    mean, shifts, scatters = x.mean(axis=0), np.zeros((count, d)), np.zeros((count, d, d))
    for c in np.flatnonzero(sizes):
        own = x[codes == c]
        centre = own.mean(axis=0)
        shifts[c] = centre - mean
        scatters[c] = (own - centre).T @ (own - centre)
    within = scatters.sum(axis=0) / len(x)
    keep, keep_mean = (
        np.divide(sizes, sizes + of, out=np.zeros(count), where=sizes > 0)
        for of in (strength.covariance, strength.mean)
    )
    left = (1 - keep_mean)[:, None] * shifts
    between = (left.T * sizes) @ left / len(x)
    scatters *= (keep / np.maximum(sizes, 1))[:, None, None]
    scatters += (1 - keep)[:, None, None] * (within + between)
    outer = np.sqrt(keep)[:, None] * left
    scatters += outer[:, :, None] * outer[:, None, :]
    return Gaussians(mean + keep_mean[:, None] * shifts, scatters, name_costs(sizes))


def name_costs(sizes: IntArray) -> FloatArray:
    """-log P(c) (K,) in nats from the tokens of each component, none of which is impossible."""
    smoothed = sizes + 0.5
    costs: FloatArray = np.log(smoothed.sum() / smoothed)
    return costs
