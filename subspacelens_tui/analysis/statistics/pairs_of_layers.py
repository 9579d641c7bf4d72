"""A layer beside another: what a block receives, the other branch, other steps, and all layers together.

Always of centred features, whatever the feature transform: means removed are no update, and CKA removes them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.geometry import GeometryError, NullSummary, summarize_null
from subspacelens_tui.geometry.cka import cka_null_std, cka_of, permuted_cka, u_centred
from subspacelens_tui.geometry.inputs import features as features_of
from subspacelens_tui.geometry.label_part import CRITICAL_Z, LEVEL
from subspacelens_tui.geometry.updates import BlockGrams
from subspacelens_tui.sessions import SessionError

FeaturesAt = Callable[[int], Float64Array]
"""Gives the raw features (d, N) of a layer; of what the first block receives at -1."""


@dataclass(frozen=True)
class Elsewhere:
    """The same images at other points of a session.

    Attributes:
        inputs: gives what the first block receives (d, N).
        branch: gives the features (d, N) of a layer on the other branch; None where there is none.
        steps: the captured steps.
        at_step: gives the features (d, N) of a layer at one of them.
        numbers: of each layer the number of its block in the model: some may be left out.
    """

    inputs: Callable[[], Float64Array]
    branch: FeaturesAt | None
    steps: Sequence[int]
    at_step: Callable[[int, int], Float64Array]
    numbers: Sequence[int]


def block_grams(layer: int, features: FeaturesAt, elsewhere: Elsewhere) -> BlockGrams:
    """The products of what a block receives and what it adds.

    Raises:
        GeometryError: the session does not hold what it receives, or not in the same width.
    """
    number, before = elsewhere.numbers[layer], elsewhere.numbers[layer - 1]
    if layer and number != before + 1:
        raise GeometryError(f"what block {number} receives was not recorded: block {number - 1} was left out")
    if layer:
        return BlockGrams.of(features(layer - 1), features(layer))
    try:
        return BlockGrams.of(elsewhere.inputs(), features(0))
    except SessionError as error:
        raise GeometryError(str(error)) from None


@dataclass(frozen=True)
class LabelEvidence:
    """What both nulls say of the label part of an update.

    Attributes:
        values: L_y under permuted labels (P,), in nats.
        null: of L_y.
        rotation_z: its excess in standard deviations under rotations of the update.
        cosine: its excess as a cosine.
    """

    values: Float64Array
    null: NullSummary
    rotation_z: float
    cosine: float

    @property
    def both(self) -> bool:
        """Whether both nulls are rejected: alone, neither holds its level."""
        return self.null.p <= LEVEL and self.rotation_z > CRITICAL_Z

    @classmethod
    def of(cls, value: float, values: Float64Array, rotation: tuple[float, float]) -> "LabelEvidence":
        """From L_y, its permuted values and its rotation z with its cosine."""
        return cls(values, summarize_null(value, values, "greater"), *rotation)


@dataclass(frozen=True)
class MatrixNull:
    """The null of a matrix, entry by entry: its values with the images of one side permuted.

    Attributes:
        std: the standard deviation of every entry, whose mean is 0; exact.
        z: the entries in it.
        p: (1 + #{permuted ≥ entry})/(1 + permutations); None without permutations.
        permutations: how many.
    """

    std: float
    z: Float64Array
    p: Float64Array | None
    permutations: int


class LayersTogether:
    """All layers over the same images.

    Args:
        features: of a layer.
        layers: how many.
        permutations, seed: of the null.
        cancelled: asked between permutations.
    """

    def __init__(
        self,
        features: FeaturesAt,
        layers: int,
        permutations: int,
        seed: int,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._features, self._layers = features, layers
        self._permutations, self._seed, self._cancelled = permutations, seed, cancelled

    @cached_property
    def _centred(self) -> Float64Array:
        return stacked_u_centred(self._features(layer) for layer in range(self._layers))

    def cka(self) -> Float64Array:
        """Unbiased CKA (layers, layers)."""
        return cka_of(self._centred, self._centred)

    def cka_null(self) -> MatrixNull:
        """Its null."""
        return cka_matrix_null(self._centred, self._centred, self._permutations, self._seed, self._cancelled)


def cka_matrix_null(
    first: Float64Array,
    second: Float64Array,
    permutations: int,
    seed: int,
    cancelled: Callable[[], bool] | None = None,
) -> MatrixNull:
    """The null of the CKA of all pairs of U-centred Gram matrices (A, N, N) and (B, N, N)."""
    observed, std = cka_of(first, second), cka_null_std(first.shape[-1])
    p = None
    if permutations:
        drawn = permuted_cka(first, second, permutations, seed, cancelled)
        p = (1 + (drawn >= observed).sum(axis=0)) / (1 + permutations)
    return MatrixNull(std, observed / std, p, permutations)


def stacked_u_centred(features: Iterator[Float64Array]) -> Float64Array:
    """U-centred Gram matrices (A, N, N) of features (d, N), which need not be of one width.

    Raises:
        GeometryError: some cannot be read or are not finite, or there are fewer than four images.
    """
    try:
        return np.stack([u_centred(gram_of(Z)) for Z in features])
    except SessionError as error:
        raise GeometryError(str(error)) from None


def gram_of(Z: Float64Array) -> Float64Array:
    """The centred Gram matrix of features (d, N).

    Raises:
        GeometryError: some are not finite, or there are fewer than two images.
    """
    _, Z = features_of(Z)
    centred = Z - Z.mean(axis=1, keepdims=True)
    G: Float64Array = centred.T @ centred
    return G
