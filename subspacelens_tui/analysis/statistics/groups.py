"""What the jackknife leaves out together: which group each image is of, and which class each group."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.images import Images
from subspacelens_tui.geometry import GeometryError

Float64Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

_ONE_GROUP = "all images are of one group, and leaving it out leaves none; record more of them"


def groups_of(images: Images, by: str) -> npt.NDArray[Any]:
    """The image, seed or subject that each image is left out with (N,).

    Raises:
        GeometryError: there is one only.
    """
    groups = np.asarray(
        {"image": range(len(images.labels)), "seed": images.seeds, "subject": images.prompts}[by]
    )
    if len(np.unique(groups)) < 2:
        raise GeometryError(_ONE_GROUP)
    return groups


def kept_without(groups: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.intp]]:
    """The images that are left without each group in turn."""
    for name in np.unique(groups):
        yield np.flatnonzero(groups != name)


def mean_without(values: Float64Array, groups: npt.NDArray[Any]) -> Float64Array:
    """The mean of values (N,) without each of the groups (N,) in turn."""
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    without: Float64Array = (values.sum() - np.bincount(codes, weights=values)) / (len(values) - sizes)
    return without


def strata_of(groups: npt.NDArray[Any], labels: npt.NDArray[Any]) -> Codes | None:
    """The class (m,) of each group, from the group and the label of each image (N,).

    None where a group has images of several classes, as seeds have, or is the only one of its class, as a
    subject of fine labels is: there is nothing to be told from within such a class.
    """
    _, first, of_image = np.unique(groups, return_index=True, return_inverse=True)
    _, codes = np.unique(labels, return_inverse=True)
    strata: Codes = codes[first]
    nested = bool((strata[of_image] == codes).all())
    return strata if nested and np.bincount(strata).min() > 1 else None
