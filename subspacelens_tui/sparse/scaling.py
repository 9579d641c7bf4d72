"""The units of all lenses: tokens centred by the training tokens, with a mean square norm of d."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.errors import SparseError


@dataclass(frozen=True)
class Scaling:
    """From tokens as they were recorded to tokens in these units.

    Attributes:
        mean: (d,) of the training tokens.
        scale: factor after the mean is taken off.
    """

    mean: FloatArray
    scale: float

    @classmethod
    def of(cls, train: npt.NDArray[np.floating]) -> "Scaling":
        """That of training tokens (N, T, d).

        Raises:
            SparseError: all of them are equal.
        """
        tokens = train.astype(np.float64)
        mean = tokens.mean(axis=(0, 1))
        square = float(((tokens - mean) ** 2).sum(axis=2).mean())
        # Rounding leaves something of equal tokens.
        if not square > 1e-12 * float((tokens**2).sum(axis=2).mean()):
            raise SparseError("all training tokens are equal: there is nothing to code")
        return cls(mean, float(np.sqrt(tokens.shape[2] / square)))

    def scaled(self, tokens: npt.NDArray[np.floating]) -> FloatArray:
        """Tokens (…, d) in these units."""
        found: FloatArray = (tokens.astype(np.float64) - self.mean) * self.scale
        return found
