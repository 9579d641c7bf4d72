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
    """Tokens less the mean that fitted tokens have in their cell: what is left to code for who knows the place.

    Args:
        tokens: (N, T, d).
        cells: (N, T) of each token.
        train: indices of the images that are fitted on. Where these have no token in a cell, the mean of all
            their tokens is taken off.

    Returns:
        (N, T, d).
    """
    d = tokens.shape[2]
    found = tokens.astype(np.float64)
    of_train, where = found[train].reshape(-1, d), cells[train].ravel()
    means = np.tile(of_train.mean(axis=0), (int(cells.max()) + 1, 1))
    for cell in np.unique(where):
        means[cell] = of_train[where == cell].mean(axis=0)
    found -= means[cells]
    return found
