"""Whether an image's nearest neighbours among other subjects are of its class."""

import numpy as np

from subspacelens_tui.geometry.classes import label_array
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import Array, square_gram

NEIGHBOURS = 5


def nearest_of_other_groups(G: Array, groups: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """The k nearest images (N, k) of each image among those of other groups, the nearest first.

    Args:
        G: Gram matrix (N, N) of the features.
        groups: (N,) what is left out together, the subject of each image.
        k: how many.

    Raises:
        GeometryError: an image has fewer than k images of other groups.
    """
    G = np.asarray(square_gram(G)[1])
    groups = label_array(groups, len(G), "groups")
    squares = np.diagonal(G)
    distances = squares[:, None] + squares - 2 * G
    same = groups[:, None] == groups
    if int((~same).sum(axis=1).min()) < k:
        raise GeometryError(f"an image has fewer than {k} images of other subjects; record more of them")
    distances[same] = np.inf
    found: np.ndarray = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return found


def knn_accuracy(neighbours: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The share (P,) of images whose class is the commonest among their neighbours.

    Of classes that are equally common, the one whose nearest member is nearest counts.

    Args:
        neighbours: (N, k) as `nearest_of_other_groups` gives them.
        codes: (P, N) classes as integers 0 … K-1 under each of P labelings.
    """
    n, k = neighbours.shape
    # Less than a vote altogether, and the nearer ones more than all further ones together.
    weights = 1 + 0.25 ** np.arange(1, k + 1)
    classes = int(codes.max()) + 1
    right = []
    for labels in codes:
        votes = np.zeros((n, classes))
        np.add.at(votes, (np.arange(n)[:, None], labels[neighbours]), weights)
        right.append(float((votes.argmax(axis=1) == labels).mean()))
    return np.asarray(right)
