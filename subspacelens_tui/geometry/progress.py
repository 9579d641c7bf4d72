"""Long computations over permutations: in chunks, with progress, and an end to them when asked."""

from collections.abc import Callable, Iterator

import numpy as np

from subspacelens_tui.geometry.errors import Cancelled, GeometryError

Progress = Callable[[int, int], None]
"""Called with (done, total) between chunks; the unit is the computation's own."""
IsCancelled = Callable[[], bool]
"""Asked between chunks; True ends the computation with `Cancelled`."""

# Permutations between two calls of the callbacks: a few hundredths of a second at 28 layers × 500 images.
CHUNK = 8


def checked_labelings(labelings: np.ndarray, n: int) -> np.ndarray:
    """`labelings` as an array; GeometryError unless they are integers (P, n)."""
    labelings = np.asarray(labelings)
    if (
        labelings.ndim != 2
        or labelings.shape[1] != n
        or len(labelings) < 1
        or labelings.dtype.kind not in "iu"
    ):
        raise GeometryError(
            f"labelings must be integers (P, {n}), got {labelings.dtype} of shape {labelings.shape}; "
            "permuted_labels makes them"
        )
    return labelings


def chunks(
    labelings: np.ndarray, progress: Progress | None, cancelled: IsCancelled | None
) -> Iterator[np.ndarray]:
    """The labelings, `CHUNK` at a time.

    Raises:
        Cancelled: `cancelled` returned True.
    """
    for start in range(0, len(labelings), CHUNK):
        check_cancelled(cancelled)
        yield labelings[start : start + CHUNK]
        if progress is not None:
            progress(min(start + CHUNK, len(labelings)), len(labelings))


def check_cancelled(cancelled: IsCancelled | None) -> None:
    """Raise `Cancelled` if `cancelled` returns True."""
    if cancelled is not None and cancelled():
        raise Cancelled
