"""The sparse lens: a Gaussian component for each support of a sparse code, and what it takes to name it.

A token's support is its first j active atoms, those that contribute most first. Given it, the token is
Gaussian with mean o_j + D_S m_S and covariance D_S diag(v_S) D_Sᵀ + C_j: m and v are mean and variance of the
activations of an atom, o_j and C_j those of what j atoms leave, which is coded like everything else. At j = 0
this is the one Gaussian. Naming it takes -log P(j) - log P(S | j), and the shortest j is taken.
"""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.sparse.autoencoder import Autoencoder, Codes
from subspacelens_tui.sparse.components import FloatArray, name_costs
from subspacelens_tui.sparse.image_split import IntArray
from subspacelens_tui.sparse.rate_distortion import Curve

# Prefixes that are tried; between them the length changes little.
_LENGTHS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
LONGEST = _LENGTHS[-1]
# Training tokens that lengths are learned on.
_LEARNED_ON = 1000
_ROUNDS = 3
# Activations of all atoms that those of one are drawn towards.
_STRENGTH = 2.0
# Numbers (tokens × atoms × width) that are held at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class _Prefix:
    """What is fitted for one length of prefix.

    Attributes:
        length: j.
        offset: (d,) the mean of what is left.
        vectors, values: (d, d) and (d,), eigenvectors and eigenvalues of its covariance.
        means, variances: (m,) of the activations of each atom.
        log_odds: (m,) log p/(1 - p) of each atom's frequency p.
        log_all: log of the sum over all supports of this length of their atoms' odds.
    """

    length: int
    offset: FloatArray
    vectors: FloatArray
    values: FloatArray
    means: FloatArray
    variances: FloatArray
    log_odds: FloatArray
    log_all: float

    def name_costs(self, atoms: IntArray) -> FloatArray:
        """-log P(S | j) (n,) in nats: independent atoms, given that there are j (conditional Bernoulli)."""
        found: FloatArray = self.log_all - self.log_odds[atoms].sum(axis=1)
        return found


class SupportComponents:
    """Fitted to training tokens.

    Args:
        autoencoder: for tokens as they are here.
        x: (n, d) training tokens.
        noise: s, at which lengths are compared.
    """

    def __init__(self, autoencoder: Autoencoder, x: FloatArray, noise: float) -> None:
        self._autoencoder = autoencoder
        codes = autoencoder.encode(x, LONGEST)
        longest = int(codes.active.sum(axis=1).max(initial=0))
        lengths = [length for length in _LENGTHS if length < longest] + [longest]
        self._prefixes = [self._fit(x, codes, length) for length in dict.fromkeys(lengths)]
        self.length_costs: FloatArray = self._learn_lengths(x, codes, noise)

    def _fit(self, x: FloatArray, codes: Codes, length: int) -> _Prefix:
        atoms, values = codes.atoms[:, :length], codes.values[:, :length]
        has = codes.active[:, :length]
        m = self._autoencoder.atoms
        counts = np.bincount(atoms[has], minlength=m)
        sums = np.bincount(atoms[has], weights=values[has], minlength=m)
        squares = np.bincount(atoms[has], weights=values[has] ** 2, minlength=m)
        total = max(1, int(counts.sum()))
        mean = sums.sum() / total
        means = (sums + _STRENGTH * mean) / (counts + _STRENGTH)
        spread = squares - 2 * means * sums + counts * means**2
        variance = spread.sum() / total
        variances = (spread + _STRENGTH * variance) / (counts + _STRENGTH)
        left = x - _combined(self._autoencoder.decoder, atoms, values)
        offset = left.mean(axis=0)
        eigenvalues, vectors = np.linalg.eigh((left - offset).T @ (left - offset) / len(x))
        share = (counts + 0.5) / (len(x) + 1)
        log_odds = np.log(share) - np.log1p(-share)
        return _Prefix(
            length,
            offset,
            vectors,
            np.maximum(eigenvalues, 0),
            means,
            variances,
            log_odds,
            _log_symmetric(log_odds, length),
        )

    def _learn_lengths(self, x: FloatArray, codes: Codes, noise: float) -> FloatArray:
        """-log P(j), from how often each is the shortest."""
        some = np.linspace(0, len(x) - 1, min(len(x), _LEARNED_ON)).astype(np.intp)
        s = np.array([noise])
        each = np.stack([self._code(x[some], codes.of(some), at, s)[0][:, 0] for at in range(len(self))], 1)
        costs = np.zeros(len(self))
        for _ in range(_ROUNDS):
            chosen = (each + costs).argmin(axis=1)
            costs = name_costs(np.bincount(chosen, minlength=len(self)))
        return costs

    def __len__(self) -> int:
        return len(self._prefixes)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the prefixes."""
        return tuple(prefix.length for prefix in self._prefixes)

    def code(self, tokens: FloatArray, noise: FloatArray) -> Curve:
        """Held-out tokens (N, T, d), each by the prefix that makes it shortest, named."""
        N, _, d = tokens.shape
        flat = tokens.reshape(-1, d)
        codes = self._autoencoder.encode(flat, self._prefixes[-1].length)
        rate = np.full((len(flat), len(noise)), np.inf)
        error = np.empty_like(rate)
        for at in range(len(self)):
            of_prefix, its_error = self._code(flat, codes, at, noise)
            of_prefix += self.length_costs[at]
            better = of_prefix < rate
            rate[better], error[better] = of_prefix[better], its_error[better]
        return Curve.of_tokens(rate, error, N, d)

    def _code(self, x: FloatArray, codes: Codes, at: int, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rates, support named, and squared errors (n, S); infinite rates for tokens with fewer atoms."""
        prefix = self._prefixes[at]
        rate = np.full((len(x), len(noise)), np.inf)
        error = np.zeros_like(rate)
        enough = np.flatnonzero(codes.active[:, : prefix.length].all(axis=1))
        step = max(1, _AT_ONCE // max(1, prefix.length * x.shape[1]))
        for begin in range(0, len(enough), step):
            part = enough[begin : begin + step]
            atoms = codes.atoms[part, : prefix.length]
            of_part, its_error = _code_prefix(prefix, self._autoencoder.decoder, x[part], atoms, noise)
            rate[part] = of_part + prefix.name_costs(atoms)[:, None]
            error[part] = its_error
        return rate, error


def _code_prefix(
    prefix: _Prefix, decoder: FloatArray, x: FloatArray, atoms: IntArray, noise: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """As `Components.code`, for covariances B Bᵀ + C (n of them) by the Woodbury identity."""
    d = x.shape[1]
    rows = decoder[atoms] @ prefix.vectors
    r = (x - prefix.offset) @ prefix.vectors - (prefix.means[atoms][:, None] @ rows)[:, 0]
    rows *= np.sqrt(prefix.variances[atoms])[:, :, None]
    rate, error = (np.empty((len(x), len(noise))) for _ in range(2))
    for at, s in enumerate(noise):
        a = 1 / (prefix.values + s)
        weighted = rows * a
        inner = weighted @ rows.transpose(0, 2, 1) + np.eye(prefix.length)
        inverse = np.linalg.inv(inner)
        second = weighted @ weighted.transpose(0, 2, 1)
        third = (weighted * a) @ weighted.transpose(0, 2, 1)
        both = inverse @ second
        trace = a.sum() - np.trace(both, axis1=1, axis2=2)
        trace_of_square = (
            (a**2).sum()
            - 2 * (inverse * third).sum(axis=(1, 2))
            + (both * both.transpose(0, 2, 1)).sum(axis=(1, 2))
        )
        h = (weighted @ r[:, :, None])[:, :, 0]
        z = (inverse @ h[:, :, None])[:, :, 0]
        whitened = a * r - (z[:, None] @ weighted)[:, 0]
        log_det = np.log(1 / (a * s)).sum() + np.linalg.slogdet(inner)[1]
        rate[:, at] = 0.5 * (s * trace - d + (r * whitened).sum(axis=1) + log_det)
        error[:, at] = s**2 * (whitened**2).sum(axis=1) + s * (d - 2 * s * trace + s**2 * trace_of_square)
    return rate, error


def _combined(decoder: FloatArray, atoms: IntArray, values: FloatArray) -> FloatArray:
    """Σ value · atom (n, d)."""
    found = np.zeros((len(atoms), decoder.shape[1]))
    for place in range(atoms.shape[1]):
        found += values[:, place, None] * decoder[atoms[:, place]]
    return found


def _log_symmetric(log_odds: FloatArray, degree: int) -> float:
    """log e_j: of the elementary symmetric polynomial of degree j of the odds."""
    found = np.full(degree + 1, -np.inf)
    found[0] = 0.0
    for log_odd in log_odds:
        found[1:] = np.logaddexp(found[1:], found[:-1] + log_odd)
    return float(found[degree])
