"""Which class an image is of, by features that the steering does not touch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import RIDGE, FloatArray

Names = npt.NDArray[np.str_]
_FOLDS = 5


class Judge(Protocol):
    """Names the class of each row of features (N, d)."""

    def __call__(self, features: FloatArray) -> Names:
        """Names (N,)."""


@dataclass(frozen=True)
class NearestMean:
    """By the nearest class mean, distances whitened by the covariance within classes.

    Attributes:
        classes: (K,) names.
        whitening: (d, d).
        means: (K, d), whitened.
    """

    classes: Names
    whitening: FloatArray
    means: FloatArray

    def __call__(self, features: FloatArray) -> Names:
        """Names (N,) for features (N, d)."""
        found: Names = self.classes[_distances(features @ self.whitening, self.means).argmin(axis=1)]
        return found


@dataclass(frozen=True)
class NearestImage:
    """By the class of the nearest natural image.

    Attributes:
        classes: (M,) of the natural images.
        features: (M, d).
    """

    classes: Names
    features: FloatArray

    def __call__(self, features: FloatArray) -> Names:
        """Names (N,) for features (N, d)."""
        found: Names = self.classes[_distances(features, self.features).argmin(axis=1)]
        return found


def nearest_mean(features: FloatArray, classes: Sequence[str] | Names) -> NearestMean:
    """A judge fitted to natural images: features (N, d) and their classes (N,)."""
    names, codes = np.unique(np.asarray(classes), return_inverse=True)
    if len(names) < 2:
        raise SteeringError("a judge needs two classes at least: record more")
    X = np.asarray(features, dtype=np.float64)
    means = np.stack([X[codes == c].mean(axis=0) for c in range(len(names))])
    around = X - means[codes]
    C = around.T @ around / max(1, len(X) - len(names))
    values, vectors = np.linalg.eigh(C + RIDGE * np.trace(C) / len(C) * np.eye(len(C)))
    whitening = vectors / np.sqrt(np.maximum(values, np.finfo(float).tiny))
    return NearestMean(names, whitening, means @ whitening)


def nearest_image(features: FloatArray, classes: Sequence[str] | Names) -> NearestImage:
    """A judge that keeps natural images: features (N, d) and their classes (N,)."""
    return NearestImage(np.asarray(classes), np.asarray(features, dtype=np.float64))


def errors_across(
    fit: "Fit", features: FloatArray, classes: Sequence[str] | Names, groups: Sequence[int]
) -> int:
    """How many of N natural images a judge names wrong that was fitted to others: five folds of whole groups.

    Args:
        fit: makes the judge.
        features: (N, d).
        classes: (N,).
        groups: (N,) what must not be in both parts, such as seeds.

    Raises:
        SteeringError: there is one group only.
    """
    of_group = np.unique(np.asarray(groups), return_inverse=True)[1]
    if (folds := min(_FOLDS, of_group.max() + 1)) < 2:
        raise SteeringError("one seed cannot be held out to check the judge: record more --seeds")
    names, wrong = np.asarray(classes), 0
    for fold in range(folds):
        out = of_group % folds == fold
        wrong += int((fit(features[~out], names[~out])(features[out]) != names[out]).sum())
    return wrong


class Fit(Protocol):
    """Makes a judge of natural images."""

    def __call__(self, features: FloatArray, classes: Sequence[str] | Names) -> Judge:
        """From features (N, d) and their classes (N,)."""


def _distances(x: FloatArray, y: FloatArray) -> FloatArray:
    """Squared distances (N, M)."""
    x = np.asarray(x, dtype=np.float64)
    found: FloatArray = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return found
