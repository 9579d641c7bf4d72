"""Gaussian components, and what it costs to code tokens with them.

A token x of component c is sent as y = x + n, n ~ N(0, s I): the channel of the coding rate, whose s is ε²/d
(Ma et al. 2007, "Segmentation of multivariate mixed data via lossy coding and compression"). The rate of x is
KL(p(y|x) ‖ N(μ_c, C_c + s I)); averaged over tokens with mean μ_c and covariance C_c it is ½ log det(I +
C_c/s), the coding rate R. The receiver takes E[x|y], and the distortion is its expected squared error.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.image_split import IntArray

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
        squares = self.squares(x, c)
        return self.rates(squares, c, noise), self.errors(squares, c, noise)

    def squares(self, x: FloatArray, c: int) -> FloatArray:
        """Tokens (n, d) along the eigenvectors of a component, from its mean, squared (n, d)."""
        found: FloatArray = ((x - self.means[c]) @ self.vectors[c]) ** 2
        return found

    def rates(self, squares: FloatArray, c: int, noise: FloatArray) -> FloatArray:
        """Rates of `code` (n, S), of tokens by their `squares`."""
        values = self.values[c][:, None]
        inverse = 1 / (values + noise)
        fixed = 0.5 * (np.log1p(values / noise) - values * inverse).sum(axis=0)
        found: FloatArray = fixed + squares @ (0.5 * inverse)
        return found

    def errors(self, squares: FloatArray, c: int, noise: FloatArray) -> FloatArray:
        """Squared errors of `code` (n, S), of tokens by their `squares`."""
        values = self.values[c][:, None]
        inverse = 1 / (values + noise)
        expected = (noise * (values * inverse) ** 2).sum(axis=0)
        found: FloatArray = expected + squares @ (noise * inverse) ** 2
        return found


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

    def code_lengths(
        self, x: FloatArray, noise: float, among: npt.NDArray[np.bool_] | None = None
    ) -> FloatArray:
        """What tokens (n, d) take at one s, the name of the component included, in nats.

        Args:
            x: the tokens.
            noise: s.
            among: (n, K), components that a token may have; None for all.

        Returns:
            (n, K), infinite for components that a token may not have.
        """
        # Here, not above: SciPy takes a tenth of a second that a screen should not wait for.
        from scipy.linalg.blas import strmm

        d = x.shape[1]
        # Single precision decides between components as well as double does, in half the time.
        whitening = _whitening(self.covariances, noise).astype(np.float32)
        log_det = -2 * np.log(np.diagonal(whitening, axis1=1, axis2=2)).sum(axis=1, dtype=np.float64)
        trace = np.einsum("kde,kde->k", whitening, whitening, dtype=np.float64)
        fixed = self.costs + 0.5 * (log_det - d * np.log(noise) - d + noise * trace)
        single, means = x.astype(np.float32), self.means.astype(np.float32)
        lengths = np.full((len(x), len(self.means)), np.inf)
        for c, mean in enumerate(means):
            these = slice(None) if among is None else among[:, c]
            whitened = single[these] - mean
            # In place, and without the zeros of the triangle, which are half of a product.
            strmm(1.0, whitening[c].T, whitened.T, trans_a=1, overwrite_b=1)
            lengths[these, c] = fixed[c] + 0.5 * np.einsum("nd,nd->n", whitened, whitened)
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
    """Groups of tokens as `Moments` draws them towards each other, in their eigenbases."""
    return Moments.of(x, codes, count).gaussians(strength).components()


@dataclass(frozen=True)
class Moments:
    """What groups of tokens are by themselves: all that is fitted, however far they are drawn together.

    Attributes:
        mean: (d,) of all tokens.
        sizes: (K,) tokens of each group; it may have none.
        shifts: (K, d) means of the groups less that of all.
        scatters: (K, d, d) of each group about its own mean, sums over tokens.
    """

    mean: FloatArray
    sizes: IntArray
    shifts: FloatArray
    scatters: FloatArray

    @classmethod
    def of(cls, x: FloatArray, codes: IntArray, count: int) -> "Moments":
        """Those of `count` groups.

        Args:
            x: (n, d).
            codes: (n,) the group of each token, from 0.
            count: K.
        """
        d, sizes = x.shape[1], np.bincount(codes, minlength=count)
        mean, shifts, scatters = x.mean(axis=0), np.zeros((count, d)), np.zeros((count, d, d))
        by_group, ends = x[np.argsort(codes, kind="stable")], np.cumsum(sizes)
        for c in np.flatnonzero(sizes):
            own = by_group[ends[c] - sizes[c] : ends[c]]
            centre = own.mean(axis=0)
            shifts[c] = centre - mean
            left = own - centre
            scatters[c] = left.T @ left
        return cls(mean, sizes, shifts, scatters)

    def gaussians(self, strength: Strength) -> Gaussians:
        """The groups, each drawn towards the Gaussian of all tokens.

        A group keeps m of its mean, μ_c = m m_c + (1 - m) mean, and k of its covariance about that; the rest
        is that of all groups about theirs: with δ = m_c - mean, W within groups and B between them,
        C_c = k (S_c + (1 - m)² δδᵀ) + (1 - k) (W + (1 - m)² B).
        Without it, groups of fewer tokens than dimensions say nothing of new tokens. At k = 0 and m = 1 they
        differ in their means alone, at k = m = 0 not at all.
        """
        sizes, n = self.sizes, self.sizes.sum()
        keep, keep_mean = (
            np.divide(sizes, sizes + of, out=np.zeros(len(sizes)), where=sizes > 0)
            for of in (strength.covariance, strength.mean)
        )
        left = (1 - keep_mean)[:, None] * self.shifts
        shared = (self.scatters.sum(axis=0) + (left.T * sizes) @ left) / n
        covariances = self.scatters * (keep / np.maximum(sizes, 1))[:, None, None]
        covariances += (1 - keep)[:, None, None] * shared
        outer = np.sqrt(keep)[:, None] * left
        covariances += outer[:, :, None] * outer[:, None, :]
        return Gaussians(self.mean + keep_mean[:, None] * self.shifts, covariances, name_costs(sizes))


def name_costs(sizes: IntArray) -> FloatArray:
    """-log P(c) (K,) in nats from the tokens of each component, none of which is impossible."""
    smoothed = sizes + 0.5
    costs: FloatArray = np.log(smoothed.sum() / smoothed)
    return costs


def _whitening(covariances: FloatArray, noise: float) -> FloatArray:
    """The inverses (K, d, d) of the lower Cholesky factors of C + s I."""
    from scipy.linalg.lapack import dtrtri

    noisy = covariances.copy()
    np.einsum("kdd->kd", noisy)[...] += noise
    factors = np.asarray(np.linalg.cholesky(noisy), np.float64)
    for factor in factors:
        # What LAPACK has as columns are its rows: in place, as an upper triangle.
        dtrtri(factor.T, overwrite_c=1)
    return factors
