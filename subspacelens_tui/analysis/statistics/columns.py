"""Feature vectors by the dozen, and the norms that metrics of single images are made of."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.geometry import GeometryError

Float64Array = npt.NDArray[np.float64]


class Columns:
    """Some feature vectors as they are, whatever the feature transform.

    Args:
        rows: (n, d), a row for each of them.
        squares: (n,) their squared norms, where these are known.
    """

    def __init__(self, rows: npt.NDArray[np.floating], squares: Float64Array | None = None) -> None:
        self.rows = rows
        if squares is not None:
            self.__dict__["squares"] = squares

    @property
    def width(self) -> int:
        """d."""
        return int(self.rows.shape[1])

    @cached_property
    def squares(self) -> Float64Array:
        """‖x‖₂² (n,)."""
        wide = self.rows.astype(np.float64)
        found: Float64Array = np.einsum("nd,nd->n", wide, wide)
        return found

    @cached_property
    def absolute(self) -> Float64Array:
        """‖x‖₁ (n,)."""
        norms: Float64Array = np.abs(self.rows).sum(axis=1, dtype=np.float64)
        return norms


def values_of(compute: Callable[[Columns], Any], columns: Columns) -> Float64Array:
    """A metric of single vectors (n,); NaN where one has none."""
    try:
        return np.asarray(compute(columns))
    except GeometryError:
        return np.full(len(columns.rows), np.nan)
