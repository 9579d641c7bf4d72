"""Where a token is: the cells of the position lens, and tokens less the mean of their cell."""

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.image_split import IntArray

# More would leave few tokens to each.
_CELLS_A_SIDE = 8


def position_cells(
    positions: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | str:
    """The cell of each token (N, T), of 8 × 8 where the tokens of an image are a square, else of 64 runs of
    tokens.

    Args:
        positions: (N, T) which tokens they are.
        counts: (N,) how many there were.

    Returns:
        Cells from 0; or why there are none: images of several sizes.
    """
    if len(np.unique(counts)) > 1:
        return "the images have different numbers of tokens, so that one position is not one place"
    count, side = int(counts[0]), round(float(counts[0]) ** 0.5)
    cells = min(_CELLS_A_SIDE, side)
    if side**2 == count:
        rows, columns = positions // side, positions % side
        return np.asarray(rows * cells // side * cells + columns * cells // side, dtype=np.int64)
    runs = min(_CELLS_A_SIDE**2, count)
    return np.asarray(positions * runs // count, dtype=np.int64)


def less_position_means(tokens: npt.NDArray[np.floating], cells: IntArray, train: IntArray) -> FloatArray:
    """Tokens less the mean of fitted tokens in their cell: what is left to code for who knows the place.

    From a fitted token the mean of the other fitted images is subtracted: a mean that it is part of lies nearer
    to it than to held-out ones, and what is left would be smaller than theirs.

    Args:
        tokens: (N, T, d).
        cells: (N, T) of each token.
        train: indices of the images that are fitted on. Where these have no token in a cell, the mean of all
            their tokens is subtracted.

    Returns:
        (N, T, d).
    """
    N, _, d = tokens.shape
    found = tokens.astype(np.float64)
    sums, counts = np.zeros((cells.max() + 1, d)), np.zeros(cells.max() + 1)
    np.add.at(sums, cells[train], found[train])
    np.add.at(counts, cells[train], 1)
    of_all = found[train].mean(axis=(0, 1))
    fitted = np.isin(np.arange(N), train)
    for image, of in enumerate(cells):
        # Several tokens of an image may be in one cell.
        alike = (of[:, None] == of).astype(np.float64) * fitted[image]
        others = counts[of] - alike.sum(axis=1)
        means = (sums[of] - alike @ found[image]) / np.maximum(others, 1)[:, None]
        found[image] -= np.where(others[:, None] > 0, means, of_all)
    return found
