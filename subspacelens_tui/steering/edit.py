"""What is done to the tokens of a layer: an affine change, and one that is scaled to the size of another.

Everything here takes NumPy arrays and torch tensors alike, by their operators alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from subspacelens_tui.steering.clamp import Clamp, mean_of

FloatArray = npt.NDArray[np.floating]
Array = Any  # a NumPy array or a torch tensor

Source = Literal["cond", "uncond", "partner", "noise"]
"""Tokens that a change may depend on: of the image in the conditional and the unconditional pass, of another
prompt's conditional pass on the same latents, and standard normal ones."""
SOURCES: tuple[Source, ...] = get_args(Source)

# Below any energy that means something, above what a division cannot take.
_TINY = 1e-12


@dataclass(frozen=True)
class Edit:
    """Δ = bias + Σ x_s A_s, the sum over sources of tokens x_s; and what sets atoms to values, if any are.

    Attributes:
        bias: (T, d), a row for each position of an image, or (1, d).
        terms: for each source its matrix A_s (d, d), or a number for that multiple of the identity.
        clamp: of the conditional tokens.
    """

    bias: Array
    terms: Mapping[Source, Array | float] = field(default_factory=dict)
    clamp: Clamp | None = None

    @property
    def sources(self) -> set[Source]:
        """The tokens it depends on."""
        return {*self.terms, *(() if self.clamp is None else ("cond",))}

    def __call__(self, tokens: Mapping[Source, Array]) -> Array:
        """Δ (n, T, d) of tokens (n, T, d)."""
        change = self.bias[None]
        for source in SOURCES:  # in one order, whatever that of the terms: sums are then equal bit for bit
            if (term := self.terms.get(source)) is not None:
                change = change + (tokens[source] * term if _is_number(term) else tokens[source] @ term)
        return change if self.clamp is None else change + self.clamp(tokens["cond"])

    def rotated(self, Q: FloatArray) -> "Edit":
        """The edit whose Δ is this one's times an orthogonal matrix (d, d): as large, elsewhere."""
        terms = {s: A * Q if _is_number(A) else A @ Q for s, A in self.terms.items()}
        return Edit(self.bias @ Q, terms, None if self.clamp is None else self.clamp.rotated(Q))

    def map(self, convert: Callable[[Array], Array]) -> "Edit":
        """The same with its arrays converted."""
        terms = {s: A if _is_number(A) else convert(A) for s, A in self.terms.items()}
        return Edit(convert(self.bias), terms, None if self.clamp is None else self.clamp.map(convert))


@dataclass(frozen=True)
class Change:
    """What is added to tokens at one layer and step, at strength 1.

    Attributes:
        edit: gives it.
        matched_to: if given, each image's change is scaled to the norm that this one's has.
    """

    edit: Edit
    matched_to: Edit | None = None

    @property
    def sources(self) -> set[Source]:
        """The tokens it depends on."""
        edits = [self.edit] if self.matched_to is None else [self.edit, self.matched_to]
        return {source for edit in edits for source in edit.sources}

    def __call__(self, tokens: Mapping[Source, Array]) -> Array:
        """Δ (n, T, d), or (1, T, d) where it is the same for all."""
        change = self.edit(tokens)
        if self.matched_to is None:
            return change
        # From the conditional tokens, so that a constant has a row for each image.
        change = change + 0 * tokens["cond"]
        wanted = self.matched_to(tokens) + 0 * tokens["cond"]
        return change * (norms(wanted) / (norms(change) + _TINY))[:, None, None]

    def map(self, convert: Callable[[Array], Array]) -> "Change":
        """The same with its arrays converted."""
        matched = None if self.matched_to is None else self.matched_to.map(convert)
        return Change(self.edit.map(convert), matched)


def norms(tokens: Array) -> Array:
    """‖x‖ (n,) of each image's tokens (n, T, d) together."""
    return (tokens * tokens).sum((1, 2)) ** 0.5


def average(edits: Sequence[Edit]) -> Edit:
    """The edit whose Δ is the mean of others', which depend on the same tokens."""
    terms = {
        source: sum((edit.terms[source] for edit in edits[1:]), start=edits[0].terms[source]) / len(edits)
        for source in edits[0].terms
    }
    bias = sum((edit.bias for edit in edits[1:]), start=edits[0].bias) / len(edits)
    return Edit(bias, terms, mean_of([edit.clamp for edit in edits if edit.clamp is not None]))


def _is_number(term: Array | float) -> bool:
    return isinstance(term, int | float)
