"""How far images are from natural ones, in units of how far these are from each other."""

from dataclasses import dataclass

import numpy as np

from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.examples import FloatArray

_WITHIN = 0.95


@dataclass(frozen=True)
class Natural:
    """Natural images of a class.

    Attributes:
        features: (M, D).
        typical: the median distance of one of them to the nearest other.
        radius: the ratio within which 95 % of them are.
    """

    features: FloatArray
    typical: float
    radius: float

    def ratios(self, features: FloatArray) -> FloatArray:
        """Distances (N,) of features (N, D) to the nearest natural image, as multiples of `typical`."""
        found: FloatArray = _distances(_flat(features), self.features).min(axis=1) / self.typical
        return found


def natural(features: FloatArray) -> Natural:
    """Of features (M, …) of natural images.

    Raises:
        SteeringError: if there are fewer than three, or they are all alike.
    """
    flat = _flat(features)
    if len(flat) < 3:
        raise SteeringError(f"{len(flat)} natural images do not say how far such images are from each other")
    distances = _distances(flat, flat)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(axis=1)
    if not (typical := float(np.median(nearest))) > 0:
        raise SteeringError("the natural images are all alike: nothing says how far from them is far")
    return Natural(flat, typical, float(np.quantile(nearest / typical, _WITHIN)))


def _flat(features: FloatArray) -> FloatArray:
    return np.asarray(features, dtype=np.float64).reshape(len(features), -1)


def _distances(one: FloatArray, other: FloatArray) -> FloatArray:
    # Imported here: what lists sessions loads this module.
    from scipy.spatial.distance import cdist

    found: FloatArray = cdist(one, other)
    return found
