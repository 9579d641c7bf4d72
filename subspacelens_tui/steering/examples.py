"""Tokens of natural images that edits are fitted to, and where in the image each token is."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.steering.dictionary import Dictionary
from subspacelens_tui.steering.errors import SteeringError
from subspacelens_tui.steering.moments import Moments

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]

# Cosines a side: sampled tokens do not tell more of them apart, all tokens of an image do.
_ORDER, ORDER_OF_ALL = 6, 8
# Of the trace, added to what is inverted.
RIDGE = 0.01
# So many were enough on the bundled model (docs/steering.md).
TOKENS_FOR_EACH_DIMENSION = 3.3


class TokenStatistics(ABC):
    """What methods are fitted to: tokens of natural images at one layer and step, or sums over them.

    Attributes:
        count: how many tokens an image has.
        grid: its rows and columns of tokens; None where they cannot be placed.
        width: d.
        names: of the classes that have images.
        dictionary: the sparse autoencoder of the layer, where one is needed.
    """

    count: int
    grid: tuple[int, int] | None
    dictionary: Dictionary | None

    @property
    @abstractmethod
    def width(self) -> int:
        """d."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Of the classes."""

    @abstractmethod
    def size(self, name: str) -> int:
        """How many tokens a class has."""

    @abstractmethod
    def mean(self, name: str) -> FloatArray:
        """The mean conditional token (d,) of a class.

        Raises:
            SteeringError: as of `need`.
        """

    @abstractmethod
    def moments(self, name: str) -> Moments:
        """The sums of a class.

        Raises:
            SteeringError: as of `need`.
        """

    @abstractmethod
    def tokens(self, name: str) -> FloatArray:
        """The conditional tokens (n, d) of a class.

        Raises:
            SteeringError: there are sums only, or as of `need`.
        """

    @abstractmethod
    def basis(self) -> FloatArray:
        """Cosines over the positions of an image (count, k); the constant alone where there is no grid."""

    def need(self, name: str) -> None:
        """See that a class can be fitted to.

        Raises:
            SteeringError: if it has no images, or fewer tokens than dimensions.
        """
        if not (tokens := self.size(name)):
            raise SteeringError(f"the class {name!r} has no images: record some, or choose another class")
        if tokens < self.width:
            needed = needed_tokens(self.width)
            raise SteeringError(
                f"{name!r} has {tokens} tokens for d = {self.width}: about {needed} are needed, "
                "so record more --seeds or more --tokens"
            )

    def atoms_of(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Of each atom of the dictionary its mean activation in a class, and the share of tokens with it.

        Raises:
            SteeringError: as of `tokens`.
        """
        assert self.dictionary is not None
        if name not in self._atoms:
            self._atoms[name] = self.dictionary.summary(self.tokens(name))
        return self._atoms[name]

    @functools.cached_property
    def _atoms(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        return {}

    def few(self, name: str) -> str | None:
        """A line if the tokens of a class may be too few."""
        tokens, needed = self.size(name), needed_tokens(self.width)
        if tokens >= needed:
            return None
        return f"{tokens} tokens a class for d = {self.width}: about {needed} are known to suffice"


@dataclass(frozen=True)
class Examples(TokenStatistics):
    """Tokens of N natural images.

    Attributes:
        cond, uncond: (N, T, d), of the conditional and unconditional pass on the same latents.
        positions: (N, T) which tokens of the image they are.
        classes: (N,) names.

    Raises:
        SteeringError: if they do not fit each other.
    """

    cond: FloatArray
    uncond: FloatArray
    positions: IntArray
    classes: npt.NDArray[np.str_]
    count: int
    grid: tuple[int, int] | None
    dictionary: Dictionary | None = None

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

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        found: list[str] = np.unique(self.classes).tolist()
        return found

    def size(self, name: str) -> int:
        """How many tokens a class has."""
        return int((self.classes == name).sum() * self.positions.shape[1])

    def mean(self, name: str) -> FloatArray:
        """The mean conditional token (d,) of a class."""
        found: FloatArray = self.tokens(name).mean(axis=0, dtype=np.float64)
        return found

    def moments(self, name: str) -> Moments:
        """The sums of a class."""
        self.need(name)
        at = self.basis()[self.positions[self.classes == name].ravel()]
        return Moments.of(self.tokens(name), self._of(name, self.uncond), at)

    def tokens(self, name: str) -> FloatArray:
        """The conditional tokens (n, d) of a class."""
        self.need(name)
        return self._of(name, self.cond)

    def _of(self, name: str, tokens: FloatArray) -> FloatArray:
        found: FloatArray = tokens[self.classes == name].reshape(-1, self.width)
        return found

    def basis(self) -> FloatArray:
        """Cosines over the positions of an image (count, k): 8 × 8 where all tokens were kept, else 6 × 6."""
        order = ORDER_OF_ALL if self.positions.shape[1] == self.count else _ORDER
        return cosine_basis(self.count, self.grid, order)


@dataclass(frozen=True)
class SummedTokens(TokenStatistics):
    """Sums over all tokens of natural images.

    Attributes:
        by_class: the sums of each class that has images.
    """

    by_class: Mapping[str, Moments]
    count: int
    grid: tuple[int, int] | None
    dictionary: Dictionary | None = None

    @property
    def width(self) -> int:
        """d."""
        return next(iter(self.by_class.values())).width

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return sorted(self.by_class)

    def size(self, name: str) -> int:
        """How many tokens a class has."""
        return self.by_class[name].tokens if name in self.by_class else 0

    def mean(self, name: str) -> FloatArray:
        """The mean conditional token (d,) of a class: what the constant among the cosines has."""
        of = self.moments(name)
        found: FloatArray = of.cond[0] * (self.count**0.5 / of.tokens)
        return found

    def moments(self, name: str) -> Moments:
        """The sums of a class."""
        self.need(name)
        return self.by_class[name]

    def tokens(self, name: str) -> FloatArray:
        """There are none."""
        raise SteeringError(
            "the session has sums over its tokens only (--moments), and this method takes the tokens "
            "themselves: record --tokens"
        )

    def basis(self) -> FloatArray:
        """Cosines over the positions of an image (count, k)."""
        return cosine_basis(self.count, self.grid, ORDER_OF_ALL)


def needed_tokens(width: int) -> int:
    """How many tokens of a class are known to suffice for a width."""
    return round(TOKENS_FOR_EACH_DIMENSION * width)


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
