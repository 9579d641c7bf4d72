"""Rate against distortion over held-out images, and jackknife errors at one distortion."""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.geometry import jackknife_error
from subspacelens_tui.sparse.components import Components, FloatArray
from subspacelens_tui.sparse.errors import SparseError
from subspacelens_tui.sparse.image_split import IntArray


@dataclass(frozen=True)
class Curve:
    """What held-out images take at several s.

    Attributes:
        rate: (N, S) nats a token, the mean over the tokens of each image.
        distortion: (N, S) squared error a token, as a share of the variance of the training tokens.
    """

    rate: FloatArray
    distortion: FloatArray

    @classmethod
    def of_tokens(cls, rate: FloatArray, error: FloatArray, images: int, d: int) -> "Curve":
        """Of tokens (N·T, S), image by image, whose variance is d."""
        shape = (images, -1, rate.shape[1])
        return cls(rate.reshape(shape).mean(axis=1), error.reshape(shape).mean(axis=1) / d)

    def with_rate(self, rate: FloatArray) -> "Curve":
        """The same distortion at other rates."""
        return Curve(rate, self.distortion)

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Distortions, ascending, and their rates (at most S), means over images."""
        return _ascending(self.distortion.mean(axis=0), self.rate.mean(axis=0))

    def at(self, distortion: float) -> "Rate":
        """The rate at a distortion, over all images and without each in turn.

        Raises:
            SparseError: the curve does not reach the distortion.
        """
        n = len(self.rate)
        rates = (self.rate.sum(axis=0) - self.rate) / (n - 1)
        distortions = (self.distortion.sum(axis=0) - self.distortion) / (n - 1)
        value = _rate_at(*self.points(), distortion)
        # How far a chord is from the curve is nearly the same without any one image.
        mean = Curve(self.rate.mean(axis=0, keepdims=True), self.distortion.mean(axis=0, keepdims=True))
        whole = _chord(mean.distortion, mean.rate, distortion)
        return Rate(value, value + _chord(distortions, rates, distortion) - whole)


@dataclass(frozen=True)
class Rate:
    """A rate, or a difference of two, at one distortion.

    Attributes:
        value: nats a token.
        left_out: (N,) the same without each image in turn.
    """

    value: float
    left_out: FloatArray

    def __sub__(self, other: "Rate") -> "Rate":
        return Rate(self.value - other.value, self.left_out - other.left_out)

    def with_error(self) -> tuple[float, float]:
        """The value, and half the width of its 95 % interval (jackknife over images)."""
        return self.value, float(jackknife_error(self.left_out)[1])


def _ascending(distortions: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The points of a curve that lie beyond all before: where s is large, a model that expects more than
    there is reconstructs noise, and another component is chosen here and there.
    """
    beyond = distortions > np.concatenate([[-np.inf], np.maximum.accumulate(distortions)[:-1]])
    return distortions[beyond], rates[beyond]


def _rate_at(distortions: FloatArray, rates: FloatArray, distortion: float) -> float:
    first, last = distortions[0], distortions[-1]
    if not first <= distortion <= last:
        side = f"at least {first:.2g}" if distortion < first else f"at most {last:.2g}"
        raise SparseError(
            f"its distortion is {side} of the variance, never {distortion:g}: choose another distortion"
        )
    # Here, not above: SciPy takes a tenth of a second that a screen should not wait for.
    from scipy.interpolate import PchipInterpolator

    return float(PchipInterpolator(np.log(distortions), rates)(np.log(distortion)))


def _chord(distortions: FloatArray, rates: FloatArray, distortion: float) -> FloatArray:
    """The rates (N,) at a distortion of curves (N, S), linear between points as of `_ascending`.

    Raises:
        SparseError: a curve does not reach the distortion.
    """
    furthest = np.maximum.accumulate(distortions, axis=1)
    after = (furthest <= distortion).sum(axis=1)
    if after.min() == 0 or after.max() == distortions.shape[1]:
        raise SparseError(
            f"without one of the images it never has the distortion {distortion:g}: choose another distortion"
        )
    rows = np.arange(len(distortions))
    before = (furthest == furthest[rows, after - 1][:, None]).argmax(axis=1)
    low, high = (np.log(distortions[rows, at]) for at in (before, after))
    share = (np.log(distortion) - low) / (high - low)
    found: FloatArray = rates[rows, before] * (1 - share) + rates[rows, after] * share
    return found


def code_given(tokens: FloatArray, codes: IntArray, components: Components, noise: FloatArray) -> Curve:
    """Held-out tokens (N, T, d) whose components (N, T) are known, without what naming these costs."""
    N, T, d = tokens.shape
    flat, of = tokens.reshape(-1, d), codes.ravel()
    rate, error = np.empty((N * T, len(noise))), np.empty((N * T, len(noise)))
    for c in np.unique(of):
        rate[of == c], error[of == c] = components.code(flat[of == c], int(c), noise)
    return Curve.of_tokens(rate, error, N, d)


def code_best(tokens: FloatArray, components: Components, noise: FloatArray) -> Curve:
    """Held-out tokens (N, T, d), each by the component that makes it shortest, named."""
    N, _, d = tokens.shape
    flat = tokens.reshape(-1, d)
    rate = np.full((len(flat), len(noise)), np.inf)
    error = np.empty_like(rate)
    for c in range(len(components)):
        squares = components.squares(flat, c)
        of_c = components.rates(squares, c, noise)
        of_c += components.costs[c]
        better = of_c < rate
        np.copyto(rate, of_c, where=better)
        # Few tokens are better off with each: errors of the others would be as much work again.
        some = np.flatnonzero(better.any(axis=1))
        error[some] = np.where(better[some], components.errors(squares[some], c, noise), error[some])
    return Curve.of_tokens(rate, error, N, d)
