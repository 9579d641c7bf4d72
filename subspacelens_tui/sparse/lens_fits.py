"""What each lens is fitted to, and the curve that it gives."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry import coding_rate_from_spectrum
from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.components import (
    Components,
    FloatArray,
    Moments,
    Strength,
    fit_components,
)
from subspacelens_tui.sparse.errors import SparseError
from subspacelens_tui.sparse.image_split import IntArray, Split, split_images
from subspacelens_tui.sparse.learned_components import (
    ROUNDS_TO_CHOOSE,
    STARTS,
    best_strength,
    default_strength,
    learn_scales,
    learn_subspaces,
)
from subspacelens_tui.sparse.rate_distortion import Curve, code_best, code_given
from subspacelens_tui.sparse.scaling import Scaling
from subspacelens_tui.sparse.sparse_lens import SupportComponents

SUBSPACES = (25, 64)
PERMUTATIONS = 4
# Values of s, as multiples of the one at which the Gaussian has the distortion asked for.
_NOISE = np.geomspace(0.02, 50, 21)
# Axes of less variance than so many times s take little, whatever the component: none is learned there.
_UNSEEN = 1.0
GAUSS = "gauss"
CLASS, CLASS_ONCE, PERMUTED = "class", "class_per_image", "permuted_class"
POSITION, POSITION_KNOWN, SCALES = "position", "position_known", "scales_8"
SPARSE = "sparse"
LENSES = (
    *(GAUSS, CLASS, CLASS_ONCE, PERMUTED, POSITION, POSITION_KNOWN),
    *(f"subspaces_{count}" for count in SUBSPACES),
    *(SCALES, SPARSE),
)


@dataclass(frozen=True)
class Tokens:
    """Tokens of the images of one layer.

    Attributes:
        values: (N, T, d).
        split: which images are fitted on and which are held out; its classes are the labels.
        positions: (N, T) the cell of each token, from 0; or why there are none.
    """

    values: npt.NDArray[np.floating]
    split: Split
    positions: IntArray | str

    def __post_init__(self) -> None:
        N = len(self.split.groups.seeds)
        if self.values.ndim != 3 or len(self.values) != N:
            raise SparseError(
                f"tokens must be of {N} images, (N, T, d): their shape is {self.values.shape}; "
                "tokens without their images cannot be split"
            )
        if not np.isfinite(self.values).all():
            raise SparseError("some tokens are not finite: leave their images out")


@dataclass
class Bench:
    """The tokens of both parts, centred and scaled by the training tokens, and what is fitted to them."""

    tokens: Tokens
    distortion: float
    seed: int
    permuted: list[Curve] = field(default_factory=list)

    def __post_init__(self) -> None:
        split = self.tokens.split
        train = self.tokens.values[split.train]
        self.scaling = Scaling.of(train)
        d: int = train.shape[2]
        self.d: int = d
        self.train: FloatArray = self.scaling.scaled(train)
        self.test: FloatArray = self.scaling.scaled(self.tokens.values[split.test])
        self.flat: FloatArray = self.train.reshape(-1, d)
        self.gauss = fit_components(self.flat, np.zeros(len(self.flat), np.int64), 1, Strength(0.0, 0.0))
        self.s = _noise_at(self.gauss.values[0], distortion=self.distortion)
        self.noise: FloatArray = self.s * _NOISE

    def coding_rate(self) -> tuple[float, float]:
        """ε of the Gaussian, and R of the training tokens there."""
        eps, n = float(np.sqrt(self.s * self.d)), len(self.flat)
        return eps, float(coding_rate_from_spectrum(self.gauss.values[0] * n, self.d, n, eps))

    @cached_property
    def inner(self) -> Split | str:
        """Training images split once more, to choose how far groups are drawn towards each other."""
        try:
            return split_images(self.tokens.split.groups.of(self.tokens.split.train), self.seed + 1)
        except SparseError as error:
            return str(error)

    def curves(self) -> tuple[dict[str, Curve], dict[str, str]]:
        """The curves of all lenses, and why some have none."""
        nothing = np.zeros(self.test.shape[:2], np.int64)
        curves = {GAUSS: code_given(self.test, nothing, self.gauss, self.noise)}
        missing: dict[str, str] = {}
        for lens in (self._classes, self._position):
            try:
                curves |= lens()
            except _NoLensError as error:
                missing |= dict.fromkeys(error.keys, str(error))
        for count in SUBSPACES:
            key = f"subspaces_{count}"
            if len(self.flat) < 2 * count:
                missing[key] = (
                    f"{len(self.flat)} training tokens are too few for {count} subspaces: record more"
                )
            elif not self._seen.shape[2]:
                missing[key] = (
                    f"no direction has more variance than the noise at a distortion of {self.distortion:g}: "
                    "choose a smaller --distortion"
                )
            else:
                curves[key] = code_best(self.test, self._subspaces(count), self.noise)
        curves[SCALES] = code_best(self.test, learn_scales(self.flat, self.s), self.noise)
        return curves, missing

    def sparse(self, autoencoder: Autoencoder) -> Curve:
        """The curve of a sparse autoencoder for tokens in these units."""
        # Every second s: each takes as long as all other lenses together.
        return SupportComponents(autoencoder, self.flat, self.s).code(self.test, self.noise[::2])

    def _classes(self) -> dict[str, Curve]:
        keys, groups = (CLASS, CLASS_ONCE, PERMUTED), self.tokens.split.groups
        train, test = (groups.classes[part] for part in (self.tokens.split.train, self.tokens.split.test))
        if len(np.unique(groups.classes)) < 2:
            raise _NoLensError(keys, "there is one class only: choose another label scheme")
        if alone := sorted(set(test.tolist()) - set(train.tolist())):
            raise _NoLensError(
                keys,
                f"{len(alone)} held-out classes are not among the fitted images, since some class has one "
                "subject only: choose a coarser label scheme",
            )
        count = int(groups.classes.max()) + 1
        known, cost = self._labelled(self._spread(train), self._spread(test, held_out=True), count)
        T = self.test.shape[1]
        every_token, once = known.rate + cost[:, :1], known.rate + cost[:, :1] / T
        rng = np.random.default_rng([self.seed, 2])
        for _ in range(PERMUTATIONS):
            relabelled = self.tokens.split.exchanged(rng)
            to_train, to_test = (
                relabelled[part] for part in (self.tokens.split.train, self.tokens.split.test)
            )
            curve, costs = self._labelled(self._spread(to_train), self._spread(to_test, held_out=True), count)
            self.permuted.append(curve.with_rate(curve.rate + costs[:, :1]))
        mean = Curve(
            np.mean([curve.rate for curve in self.permuted], axis=0),
            np.mean([curve.distortion for curve in self.permuted], axis=0),
        )
        return {CLASS: known.with_rate(every_token), CLASS_ONCE: known.with_rate(once), PERMUTED: mean}

    def _position(self) -> dict[str, Curve]:
        positions = self.tokens.positions
        if isinstance(positions, str):
            raise _NoLensError((POSITION, POSITION_KNOWN), positions)
        train, test = positions[self.tokens.split.train], positions[self.tokens.split.test]
        known, cost = self._labelled(train, test, int(positions.max()) + 1)
        named = known.rate + cost.mean(axis=1, keepdims=True)
        return {POSITION: known.with_rate(named), POSITION_KNOWN: known}

    def _spread(self, classes: IntArray, held_out: bool = False) -> IntArray:
        """The class of each token of each image (n, T)."""
        T = (self.test if held_out else self.train).shape[1]
        return np.repeat(classes[:, None], T, axis=1)

    def _labelled(self, train: IntArray, test: IntArray, count: int) -> tuple[Curve, FloatArray]:
        """Held-out tokens whose groups are known, and what naming each would cost (N, T)."""
        strength = self._chosen_strength(train, count)
        components = fit_components(self.flat, train.ravel(), count, strength)
        return code_given(self.test, test, components, self.noise), components.costs[test]

    def _chosen_strength(self, labels: IntArray, count: int) -> Strength:
        """In tokens: what codes the held-out ones among the training images best."""
        if isinstance(self.inner, str):
            return default_strength(self.d)
        some, images = self.inner.train, self.inner.test
        images = images[np.isin(labels[images], labels[some]).all(axis=1)]
        if not len(images):
            return default_strength(self.d)
        moments = Moments.of(self.train[some].reshape(-1, self.d), labels[some].ravel(), count)
        own = labels[images].reshape(-1, 1) == np.arange(count)
        return self._best_strength(moments, self.train[images], own)[0]

    def _best_strength(
        self, moments: Moments, images: FloatArray, among: npt.NDArray[np.bool_] | None = None
    ) -> tuple[Strength, float]:
        """How far to draw groups so that tokens of other images (N, T, d) take least, and what they take."""
        tokens = images.reshape(-1, images.shape[2])

        def rate(strength: Strength) -> float:
            return float(moments.gaussians(strength).code_lengths(tokens, self.s, among).min(axis=1).mean())

        return best_strength(self.d, rate)

    def _subspaces(self, count: int) -> Components:
        """Start and strength are chosen on the held-out ones among the training images."""
        seen, best_start, strength = self._seen, STARTS[0], default_strength(self.d)
        if not isinstance(self.inner, str):
            some, best = seen[self.inner.train].reshape(-1, seen.shape[2]), np.inf
            for start in STARTS:
                chosen, codes = learn_subspaces(some, count, self.s, start, self.seed, ROUNDS_TO_CHOOSE)
                moments = Moments.of(some[chosen], codes, count)
                of_start, rate = self._best_strength(moments, seen[self.inner.test])
                if rate < best:
                    best, best_start, strength = rate, start, of_start
        every = seen.reshape(-1, seen.shape[2])
        chosen, codes = learn_subspaces(every, count, self.s, best_start, self.seed)
        return fit_components(self.flat[chosen], codes, count, strength)

    @cached_property
    def _seen(self) -> FloatArray:
        """Training tokens (n, T, d') along the axes that stand out of the noise, to learn subspaces in."""
        values = self.gauss.values[0]
        seen: FloatArray = self.train @ self.gauss.vectors[0][:, values > _UNSEEN * self.s]
        return seen


class _NoLensError(Exception):
    """Some lenses cannot be had; the message says why."""

    def __init__(self, keys: tuple[str, ...], why: str) -> None:
        super().__init__(why)
        self.keys = keys


def _noise_at(values: FloatArray, distortion: float) -> float:
    """The s at which tokens with these covariance eigenvalues (d,) have a distortion, by bisection."""
    low, high = 1e-12, 1e6
    for _ in range(100):
        s = float(np.sqrt(low * high))
        share = float((values * s / (values + s)).sum() / values.sum())
        low, high = (s, high) if share < distortion else (low, s)
    return s
