"""Tokens of natural images that edits are fitted to, and where in the image each token is."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.steering.errors import SteeringError

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]

# Cosines a side: sampled tokens do not tell more of them apart, all tokens of an image do.
_ORDER, _ORDER_OF_ALL = 6, 8
# Of the trace, added to what is inverted.
RIDGE = 0.01
# So many were enough on the bundled model (docs/steering.md).
TOKENS_FOR_EACH_DIMENSION = 3.3


@dataclass(frozen=True)
class Examples:
    """Tokens of N natural images at one layer and denoising step.

    Attributes:
        cond, uncond: (N, T, d), of the conditional and unconditional pass on the same latents.
        positions: (N, T) which tokens of the image they are.
        classes: (N,) names.
        count: how many tokens an image has.
        grid: its rows and columns of tokens; None where they cannot be placed.

    Raises:
        SteeringError: if they do not fit each other.
    """

    cond: FloatArray
    uncond: FloatArray
    positions: IntArray
    classes: npt.NDArray[np.str_]
    count: int
    grid: tuple[int, int] | None

    def __post_init__(self) -> None:
        N, T = self.positions.shape
        shapes = {self.cond.shape[:2], self.uncond.shape[:2], (len(self.classes), T)}
        if shapes != {(N, T)} or self.cond.shape != self.uncond.shape:
            raise SteeringError(
                "tokens (N, T, d) of both passes, positions (N, T) and classes (N,) do not fit each other: "
                f"{self.cond.shape}, {self.uncond.shape}, {self.positions.shape} and {self.classes.shape}"
            )

    @property
    def width(self) -> int:
        """d."""
        return int(self.cond.shape[2])

    def of(self, name: str) -> "Examples":
        """Those of one class.

        Raises:
            SteeringError: if it has none, or fewer tokens than dimensions.
        """
        of_class = self.classes == name
        if not of_class.any():
            raise SteeringError(f"the class {name!r} has no images: record some, or choose another class")
        found = replace(
            self,
            cond=self.cond[of_class],
            uncond=self.uncond[of_class],
            positions=self.positions[of_class],
            classes=self.classes[of_class],
        )
        if (tokens := found.positions.size) < self.width:
            needed = round(TOKENS_FOR_EACH_DIMENSION * self.width)
            raise SteeringError(
                f"{name!r} has {tokens} tokens for d = {self.width}: about {needed} are needed, "
                "so record more --seeds or more --tokens"
            )
        return found

    @property
    def few(self) -> str | None:
        """A line if these tokens may be too few."""
        tokens, needed = self.positions.size, round(TOKENS_FOR_EACH_DIMENSION * self.width)
        if tokens >= needed:
            return None
        return f"{tokens} tokens a class for d = {self.width}: about {needed} are known to suffice"

    def basis(self) -> FloatArray:
        """Cosines over the positions of an image (count, k); the constant alone where there is no grid."""
        order = _ORDER_OF_ALL if self.positions.shape[1] == self.count else _ORDER
        return cosine_basis(self.count, self.grid, order)


def square_grid(count: int) -> tuple[int, int] | None:
    """Rows and columns of a square image of so many tokens; None if they make none."""
    side = round(count**0.5)
    return (side, side) if side * side == count else None


def cosine_basis(count: int, grid: tuple[int, int] | None, order: int) -> FloatArray:
    """The first cosines of each axis and their products (count, k), orthonormal: DCT-II.

    Args:
        count: of tokens.
        grid: rows and columns, or None for the constant alone.
        order: cosines of each axis, at most as many as it has tokens.
    """
    if grid is None:
        return np.full((count, 1), count**-0.5)
    rows, columns = (_cosines(length, order) for length in grid)
    found: FloatArray = np.einsum("ra,cb->rcab", rows, columns).reshape(count, -1)
    return found


def _cosines(length: int, order: int) -> FloatArray:
    frequency = np.arange(min(order, length))
    waves = np.cos(np.pi * (np.arange(length)[:, None] + 0.5) * frequency / length)
    found: FloatArray = waves / np.linalg.norm(waves, axis=0)
    return found
