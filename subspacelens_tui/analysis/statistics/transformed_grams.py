"""Gram matrices of a feature view, and how far their eigenvalues are known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.geometry import View, feature_view, gram_resolution
from subspacelens_tui.geometry.from_features import view_of_features

# A view that removes means and leaves less than this of the features is formed from the features: the Gram
# matrix of the features holds as many digits fewer of it.
_LITTLE = 1e-3

FeaturesOf = Callable[[int], Float64Array]
"""Gives the raw features (d, N) of a layer."""


@dataclass(frozen=True)
class ViewedGrams:
    """The Gram matrices of all layers.

    Attributes:
        raw: (layers, N, N) of the features as they are; in the views that remove means less one common mean
            where that is nearly all there is. The view of them is the same.
        viewed: (layers, N, N) of the view.
        resolution: (layers,) the δ up to which eigenvalues are known, of the view and under other labels.
    """

    raw: Float64Array
    viewed: Float64Array
    resolution: Float64Array

    @classmethod
    def of(cls, raw: Float64Array, features: FeaturesOf, view: View, labels: list[str]) -> "ViewedGrams":
        """Of a view of raw Gram matrices.

        Raises:
            GeometryError: the view cannot be had.
        """
        if view == "raw" or raw.shape[-1] < 2:
            return cls(raw, raw, np.asarray(gram_resolution(raw)))
        viewed = np.asarray(feature_view(raw, view, labels))
        known = np.asarray(gram_resolution(viewed))
        if view not in ("centred", "class-centred"):
            return cls(raw, viewed, known)
        resolution = np.array(gram_resolution(raw))
        little = known < _LITTLE * resolution
        # Not in place: these are the matrices that grow with the session.
        raw = raw.copy() if little.any() else raw
        for layer in np.flatnonzero(little):
            centred = view_of_features(features(int(layer)), "centred")
            raw[layer] = centred.T @ centred
            of_view = view_of_features(centred, view, labels)
            viewed[layer] = of_view.T @ of_view
            resolution[layer] = gram_resolution(raw[layer])
        return cls(raw, viewed, resolution)
