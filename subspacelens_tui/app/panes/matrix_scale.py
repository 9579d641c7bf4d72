"""The colour scale of a matrix of classes: which values the ends of the ramp stand for."""

import math
from dataclasses import dataclass
from typing import Any

from rich.style import Style

from subspacelens_tui.app.drawing.palette import ramp_index, ramp_steps, ramp_style

_ROUND_TO = 0.1
_NICE = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class MatrixScale:
    """What colours stand for: the values of the ends of the ramp, and whether zero is its middle."""

    low: float
    high: float
    diverging: bool = False

    def style(self, value: float, ground: str | None = None) -> Style:
        """The colour of a value; faint on a ground where that is given."""
        steps = ramp_steps(self.diverging)
        return ramp_style(ramp_index(value, self.low, self.high, steps), self.diverging, ground)


def scale_of(matrix: Any, signed: bool) -> MatrixScale:
    """The range of the off-diagonal cells (K, K), rounded outwards so that colours hold still."""
    others = [float(matrix[i, j]) for i in range(len(matrix)) for j in range(len(matrix)) if i != j]
    if signed:
        largest = max(map(abs, others), default=0.0) or 1.0
        decade = 10.0 ** math.floor(math.log10(largest))
        most = next(of * decade for of in _NICE if of * decade >= largest * (1 - 1e-9))
        return MatrixScale(-most, most, diverging=True)
    if not others:
        return MatrixScale(0.0, 1.0)
    low = max(0.0, math.floor(min(others) / _ROUND_TO + 1e-9) * _ROUND_TO)
    # Its ends differ, also where all classes share one subspace.
    low = min(low, 1.0 - _ROUND_TO)
    high = math.ceil(max(others) / _ROUND_TO - 1e-9) * _ROUND_TO
    return MatrixScale(low, min(1.0, max(high, low + _ROUND_TO)))
