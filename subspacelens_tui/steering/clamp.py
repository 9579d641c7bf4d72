"""What sets activations of a sparse autoencoder's atoms to values, token by token.

As `edit`, of NumPy arrays and torch tensors alike, by their operators alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = Any  # a NumPy array or a torch tensor


@dataclass(frozen=True)
class Clamp:
    """Δ = Σ_a (v_a − f_a(x)) D_a over the clamped atoms a: x + Δ has activation v_a, were the D_a orthogonal.

    f_a is ReLU(E_a x + bias_a), 0 below its threshold, and 0 where k atoms of the encoder have more.

    Attributes:
        encoder: (m, d) rows of E: of all atoms where there is a k, else of the clamped ones.
        bias: (m,).
        threshold: (m,) or None.
        decoder: (n, d), a direction for each clamped atom.
        values: (n,) v.
        atoms: (n,) by which the clamped atoms go in their autoencoder.
        rows: (n,) of the encoder, which are theirs.
        k: how many activations are kept; None for all.
    """

    encoder: Array
    bias: Array
    threshold: Array | None
    decoder: Array
    values: Array
    atoms: tuple[int, ...]
    rows: tuple[int, ...]
    k: int | None

    def __call__(self, tokens: Array) -> Array:
        """Δ (n, T, d) of tokens (n, T, d)."""
        change = 0 * tokens
        # Image by image: activations of all atoms are many times as wide as tokens.
        for image, x in enumerate(tokens):
            activations = x @ self.encoder.T + self.bias
            for place, row in enumerate(self.rows):
                own = activations[:, row]
                kept = own > 0
                if self.threshold is not None:
                    kept = kept & (own > self.threshold[row])
                if self.k is not None:
                    kept = kept & ((activations > own[:, None]).sum(1) < self.k)
                change[image] += (self.values[place] - own * kept)[:, None] * self.decoder[place]
        return change

    def rotated(self, Q: Array) -> "Clamp":
        """That whose Δ is this one's times an orthogonal matrix (d, d)."""
        return replace(self, decoder=self.decoder @ Q)

    def map(self, convert: Callable[[Array], Array]) -> "Clamp":
        """The same with its arrays converted."""
        return replace(
            self,
            encoder=convert(self.encoder),
            bias=convert(self.bias),
            threshold=None if self.threshold is None else convert(self.threshold),
            decoder=convert(self.decoder),
            values=convert(self.values),
        )


def mean_of(clamps: Sequence[Clamp]) -> Clamp | None:
    """The one whose Δ is the mean of others', all of one autoencoder; None of none."""
    if not clamps:
        return None
    first = clamps[0]
    shared = first.k is not None  # then each has all rows of the encoder
    offsets = [0 if shared else sum(len(of.bias) for of in clamps[:place]) for place in range(len(clamps))]

    def together(name: str) -> Array:
        arrays = [getattr(of, name) for of in clamps]
        return None if arrays[0] is None else np.concatenate(arrays)

    return replace(
        first,
        encoder=first.encoder if shared else together("encoder"),
        bias=first.bias if shared else together("bias"),
        threshold=first.threshold if shared else together("threshold"),
        decoder=together("decoder") / len(clamps),
        values=together("values"),
        atoms=tuple(atom for of in clamps for atom in of.atoms),
        rows=tuple(row + offset for of, offset in zip(clamps, offsets, strict=True) for row in of.rows),
    )
