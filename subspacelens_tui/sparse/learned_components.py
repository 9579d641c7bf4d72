"""Components that are learned: subspaces by hard EM, and scales of one shape."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.sparse.components import Components, FloatArray, Moments, Strength, name_costs
from subspacelens_tui.sparse.image_split import IntArray

# Tokens that the assignments are learned on, drawn evenly; the components are then fitted to all.
_LEARNED_ON = 4000
_ROUNDS = 8
# After the first round, tokens go to one of so many components that were shortest in it, and where fewer than
# this share of tokens change theirs, there is no next round.
_CANDIDATES = 8
_SETTLED = 0.005
# After so few it is known which start is the better one.
ROUNDS_TO_CHOOSE = 3
_LLOYD_ROUNDS = 3
SCALES = 8
# What covariances are drawn towards each other by, in tokens for each dimension; the last leaves groups
# next to nothing of their own. Means are drawn as far, or hardly: positions are of one shape at many places.
_COVARIANCES = (0.1, 0.5, 2.0, 8.0, 1000.0)
_HARDLY = 1.0


def best_strength(d: int, rate: Callable[[Strength], float]) -> tuple[Strength, float]:
    """The one of least rate for tokens of width d, and the rate.

    Not all are tried: means and covariances drawn alike go downhill from the middle, and means that are
    hardly drawn from where that ends.
    """
    best, found = len(_COVARIANCES) // 2, []
    for mean in (None, _HARDLY):
        of = [Strength(times * d if mean is None else mean, times * d) for times in _COVARIANCES]
        best, least = _downhill(of, rate, best)
        found.append((of[best], least))
    return min(found, key=lambda pair: pair[1])


def _downhill(along: list[Strength], rate: Callable[[Strength], float], start: int) -> tuple[int, float]:
    """A place of less rate than both beside it, and the rate."""

    @functools.cache
    def at(place: int) -> float:
        return rate(along[place]) if 0 <= place < len(along) else math.inf

    best = start
    while at(beside := min(best - 1, best + 1, key=at)) < at(best):
        best = beside
    return best, at(best)


def default_strength(d: int) -> Strength:
    """Where nothing can be tried."""
    return Strength(0.5 * d, 0.5 * d)


@dataclass(frozen=True)
class Start:
    """How the first assignment of tokens to components is found.

    Attributes:
        centred: by distance to K tokens, rather than by the cosine with them, whose sign does not count.
    """

    centred: bool

    def codes(self, x: FloatArray, count: int, rng: np.random.Generator) -> IntArray:
        """The component of each token (n,): seeds by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd."""
        points = x if self.centred else x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)
        squares = (points**2).sum(axis=1)[:, None]
        chosen = [int(rng.integers(len(points)))]
        far = self._distance(points, squares, points[chosen])[:, 0]
        while len(chosen) < count:
            total = far.sum()
            at = int(rng.choice(len(points), p=far / total if total > 0 else None))
            chosen.append(at)
            far = np.minimum(far, self._distance(points, squares, points[[at]])[:, 0])
        centres = points[chosen]
        codes: IntArray = self._distance(points, squares, centres).argmin(axis=1)
        for _ in range(_LLOYD_ROUNDS if self.centred else 0):
            sums = np.zeros_like(centres)
            np.add.at(sums, codes, points)
            sizes = np.bincount(codes, minlength=count)[:, None]
            centres = np.where(sizes > 0, sums / np.maximum(sizes, 1), centres)
            codes = self._distance(points, squares, centres).argmin(axis=1)
        return codes

    def _distance(self, points: FloatArray, squares: FloatArray, centres: FloatArray) -> FloatArray:
        """Of points (n, d), whose squared norms are (n, 1), from centres (K, d): (n, K)."""
        along = points @ centres.T
        away = squares + (centres**2).sum(axis=1) - 2 * along if self.centred else 1 - along**2
        found: FloatArray = away.clip(min=0)
        return found


STARTS = (Start(centred=True), Start(centred=False))


def learn_subspaces(
    x: FloatArray, count: int, noise: float, start: Start, seed: int, rounds: int = _ROUNDS
) -> tuple[IntArray, IntArray]:
    """Assign tokens to K components by hard EM.

    Each token goes to the component that makes it shortest, in turn with fitting each to its tokens.

    Args:
        x: (n, d) training tokens.
        count: K.
        noise: s, at which lengths are compared.
        start: how the first assignment is found.
        seed: random seed of the start.
        rounds: at most.

    Returns:
        Indices (m,) of the tokens that were assigned, at most 4000 of them, and the component of each (m,).
    """
    rng = np.random.default_rng(seed)
    chosen = np.arange(len(x))
    if len(x) > _LEARNED_ON:
        chosen = np.sort(rng.choice(len(x), _LEARNED_ON, replace=False))
        x = x[chosen]
    codes, among = start.codes(x, count, rng), None
    for _ in range(rounds):
        gaussians = Moments.of(x, codes, count).gaussians(default_strength(x.shape[1]))
        lengths = gaussians.code_lengths(x, noise, among)
        if among is None and count > _CANDIDATES:
            among = lengths <= np.partition(lengths, _CANDIDATES - 1, axis=1)[:, _CANDIDATES - 1, None]
        before, codes = codes, lengths.argmin(axis=1)
        if (codes != before).mean() < _SETTLED:
            break
    return chosen, codes


def learn_scales(x: FloatArray, noise: float) -> Components:
    """One shape of covariance at eight sizes, about zero: hard EM from eighths of the norms.

    Args:
        x: (n, d) training tokens.
        noise: s, at which lengths are compared.
    """
    d = x.shape[1]
    squares = (x**2).sum(axis=1)
    codes = np.argsort(np.argsort(squares)) * SCALES // len(x)
    for _ in range(_ROUNDS):
        sizes = np.bincount(codes, minlength=SCALES)
        sums = np.bincount(codes, weights=squares, minlength=SCALES)
        # A scale that lost all its tokens becomes that of all.
        scale = np.where(sizes > 0, sums / np.maximum(sizes, 1), squares.mean()) / d
        scale = np.maximum(scale, 1e-12)
        shaped = x / np.sqrt(scale[codes])[:, None]
        values, vectors = np.linalg.eigh(shaped.T @ shaped / len(x))
        of_scales = scale[:, None] * np.maximum(values, 0)
        costs = name_costs(sizes)
        components = Components(
            np.zeros((SCALES, d)), np.broadcast_to(vectors, (SCALES, d, d)), of_scales, costs
        )
        inverse = 1 / (of_scales + noise)
        fixed = costs + 0.5 * (np.log1p(of_scales / noise) - of_scales * inverse).sum(axis=1)
        new = (fixed + 0.5 * (x @ vectors) ** 2 @ inverse.T).argmin(axis=1)
        before, codes = codes, new
        if (codes != before).mean() < _SETTLED:
            break
    return components
