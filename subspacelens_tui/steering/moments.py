"""Sums over tokens of natural images: all that a Gaussian map from one pass to the other is fitted to."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
Float64Array = npt.NDArray[np.float64]

# Of the sums over places, below which a direction among them is none: the square of 1e-6 of the values there.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Moments:
    """Sums over the tokens of one class at a layer and step, in float64.

    b is what k cosines over the image have at a token's place, u and c are the token in the unconditional and
    the conditional pass.

    Attributes:
        tokens: how many.
        places: (k, k) Σ b bᵀ.
        cond, uncond: (k, d) Σ b cᵀ and Σ b uᵀ.
        within, across: (d, d) Σ u uᵀ and Σ u cᵀ.
    """

    tokens: int
    places: Float64Array
    cond: Float64Array
    uncond: Float64Array
    within: Float64Array
    across: Float64Array

    @classmethod
    def of(cls, cond: FloatArray, uncond: FloatArray, at: FloatArray) -> "Moments":
        """Of tokens (n, d) of both passes, and the cosines at their places (n, k)."""
        c, u, b = (np.asarray(of, dtype=np.float64) for of in (cond, uncond, at))
        return cls(len(b), b.T @ b, b.T @ c, b.T @ u, u.T @ u, u.T @ c)

    @property
    def width(self) -> int:
        """d."""
        return int(self.within.shape[0])

    def __add__(self, other: "Moments") -> "Moments":
        """Those of the tokens of both."""
        mine, theirs = vars(self), vars(other)
        return Moments(**{name: mine[name] + theirs[name] for name in mine})

    def smooth_means(self) -> tuple[Float64Array, Float64Array]:
        """Coefficients (k, d) of the cosines in the conditional and the unconditional mean at each place.

        Of fewer images than cosines the smallest solution.
        """
        inverse = np.linalg.pinv(self.places, rcond=_NOTHING, hermitian=True)
        return inverse @ self.cond, inverse @ self.uncond

    def around_means(self) -> tuple[Float64Array, Float64Array]:
        """Covariances (d, d) of u with u and of u with c around these means."""
        of_cond, of_uncond = self.smooth_means()
        return (
            (self.within - self.uncond.T @ of_uncond) / self.tokens,
            (self.across - self.uncond.T @ of_cond) / self.tokens,
        )
