"""The lenses of a layer: what its held-out tokens take under each, at the same distortion."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.autoencoder import Autoencoder
from subspacelens_tui.sparse.errors import SparseError
from subspacelens_tui.sparse.lens_fits import (
    CLASS,
    GAUSS,
    LENSES,
    PERMUTED,
    POSITION_KNOWN,
    SCALES,
    SPARSE,
    SUBSPACES,
    Bench,
    Tokens,
)
from subspacelens_tui.sparse.quality import Quality, quality_of
from subspacelens_tui.sparse.rate_distortion import Curve, Rate
from subspacelens_tui.sparse.scaling import Scaling

NO_DICTIONARY = "no sparse autoencoder is given: --sae train trains one, --sae PATH loads one"


@dataclass(frozen=True)
class Lens:
    """What held-out tokens take under a lens.

    Attributes:
        rate: nats a token.
        rate_error: half the width of its 95 % interval, by leaving out each held-out image.
        saved: rate of the Gaussian minus this one.
        saved_error: half the width of its 95 % interval.
        distortions, rates: the curve, shares of the variance and nats a token.
    """

    rate: float
    rate_error: float
    saved: float
    saved_error: float
    distortions: tuple[float, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """The lenses of one layer.

    Attributes:
        distortion: at which rates are compared, a share of the variance.
        training_images, training_tokens, test_images, test_tokens: how many there were.
        eps: ε of the Gaussian at this distortion, for tokens scaled to a mean square norm of d.
        R: the coding rate of the centred training tokens at this ε, in nats.
        lenses: by key, in the order of `LENSES`.
        missing: why a lens has no rate.
        beyond: of the lenses that are judged, 25 and 64 subspaces and the sparse code: lens → (other lens →
            (what the first saves beyond it, half the width of the 95 % interval)).
        class_excess: what the class saves beyond permuted classes, and half the width of its 95 % interval;
            or None.
        permutations: rates of the permuted classes, one by one.
        quality: of the sparse autoencoder, if there is one.
    """

    distortion: float
    training_images: int
    training_tokens: int
    test_images: int
    test_tokens: int
    eps: float
    R: float
    lenses: dict[str, Lens]
    missing: dict[str, str]
    beyond: dict[str, dict[str, tuple[float, float]]]
    class_excess: tuple[float, float] | None
    permutations: tuple[float, ...]
    quality: Quality | None = None


@dataclass(frozen=True)
class Dictionary:
    """A sparse autoencoder to measure.

    Attributes:
        autoencoder: for tokens as they were recorded.
        second: the same from another training, to tell which atoms are stable; None if there is none.
        mean_norm: scale training tokens to this mean norm first; None for as they are.
    """

    autoencoder: Autoencoder
    second: Autoencoder | None = None
    mean_norm: float | None = None

    def for_tokens(self, train: npt.NDArray[np.floating]) -> "Dictionary":
        """The same for training tokens (N, T, d) as they were recorded, whatever their norm.

        Raises:
            SparseError: it is of another width.
        """
        if self.autoencoder.width != train.shape[2]:
            width = self.autoencoder.width
            raise SparseError(f"the autoencoder is of width {width}, and these tokens have {train.shape[2]}")
        if self.mean_norm is None:
            return self
        scale = float(np.linalg.norm(train, axis=2).mean()) / self.mean_norm
        return self._each(lambda of: of.on_scaled(np.zeros(of.width), scale))

    def on_scaled(self, scaling: Scaling) -> "Dictionary":
        """The same in the units of the lenses."""
        return self._each(lambda of: of.on_scaled(scaling.mean, scaling.scale))

    def _each(self, change: Callable[[Autoencoder], Autoencoder]) -> "Dictionary":
        return Dictionary(change(self.autoencoder), None if self.second is None else change(self.second))


def compare_lenses(
    tokens: Tokens, distortion: float = 0.1, seed: int = 0, dictionary: Dictionary | str | None = None
) -> Comparison:
    """Fit every lens on the training images, and code the held-out ones.

    Args:
        tokens: of one layer.
        distortion: mean squared error as a share of the variance, between 0 and 1.
        seed: random seed of permuted classes and of the starts of learned subspaces.
        dictionary: the autoencoder of the sparse lens; or why there is none.

    Raises:
        SparseError: all training tokens are equal, or the Gaussian does not reach the distortion.
    """
    if not 0 < distortion < 1:
        raise SparseError(
            f"the distortion must be between 0 and 1, a share of the variance, not {distortion:g}"
        )
    bench = Bench(tokens, distortion, seed)
    curves, missing = bench.curves()
    quality = None
    if isinstance(dictionary, Dictionary):
        scaled = dictionary.for_tokens(tokens.values[tokens.split.train]).on_scaled(bench.scaling)
        curves[SPARSE] = bench.sparse(scaled.autoencoder)
        quality = quality_of(scaled.autoencoder, bench.flat, bench.test.reshape(-1, bench.d), scaled.second)
    else:
        missing[SPARSE] = dictionary or NO_DICTIONARY
    rates: dict[str, Rate] = {GAUSS: curves[GAUSS].at(distortion)}
    for key in LENSES:
        if key in curves:
            try:
                rates[key] = curves[key].at(distortion)
            except SparseError as error:
                missing[key] = str(error)
    both = {PERMUTED, CLASS} <= rates.keys()
    return Comparison(
        distortion,
        *(len(bench.train), len(bench.flat), len(bench.test), bench.test.shape[0] * bench.test.shape[1]),
        *bench.coding_rate(),
        {key: _lens(curves[key], rates[key], rates[GAUSS]) for key in LENSES if key in rates},
        missing,
        {key: _beyond(rates, key) for key in (*(f"subspaces_{count}" for count in SUBSPACES), SPARSE)},
        (rates[PERMUTED] - rates[CLASS]).with_error() if both else None,
        tuple(curve.at(distortion).value for curve in bench.permuted) if PERMUTED in rates else (),
        quality,
    )


def _lens(curve: Curve, rate: Rate, gauss: Rate) -> Lens:
    points = (tuple(of.tolist()) for of in curve.points())
    return Lens(*rate.with_error(), *(gauss - rate).with_error(), *points)


def _beyond(rates: dict[str, Rate], key: str) -> dict[str, tuple[float, float]]:
    """What a lens saves beyond those that its edge is held against."""
    if key not in rates:
        return {}
    others = (GAUSS, SCALES, POSITION_KNOWN, *(f"subspaces_{count}" for count in SUBSPACES), SPARSE)
    return {
        other: (rates[other] - rates[key]).with_error() for other in others if other in rates and other != key
    }
