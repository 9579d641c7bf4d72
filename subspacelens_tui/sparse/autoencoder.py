"""A sparse autoencoder (SAE): what it makes of tokens, on arrays."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.sparse.components import FloatArray
from subspacelens_tui.sparse.image_split import IntArray

# Activations (tokens × atoms) that are held at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Codes:
    """The active atoms of tokens, those that contribute most first.

    Attributes:
        atoms: (n, L) indices of atoms; where a token has fewer active ones than L, any with value 0.
        values: (n, L) their activations, 0 or more.
    """

    atoms: IntArray
    values: FloatArray

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """(n, L), which entries are active atoms."""
        found: npt.NDArray[np.bool_] = self.values > 0
        return found

    def of(self, tokens: npt.NDArray[np.intp]) -> "Codes":
        """Those of some tokens."""
        return Codes(self.atoms[tokens], self.values[tokens])


@dataclass(frozen=True)
class Autoencoder:
    """f(x) = σ(E (x - shift) + encoder_bias), x̂ = f(x) D + decoder_bias.

    σ is ReLU, of which the k largest are kept (TopK, Gao et al. 2024, arXiv 2406.04093), or those above a
    threshold (JumpReLU, Rajamanoharan et al. 2024, arXiv 2407.14435; BatchTopK at inference), or all.

    Attributes:
        encoder: (m, d) E.
        encoder_bias: (m,).
        shift: (d,), taken off before encoding.
        decoder: (m, d) D, a row for each of m atoms.
        decoder_bias: (d,).
        k: how many activations are kept; None for all.
        threshold: (m,) below which activations count as zero; None for zero.
    """

    encoder: FloatArray
    encoder_bias: FloatArray
    shift: FloatArray
    decoder: FloatArray
    decoder_bias: FloatArray
    k: int | None
    threshold: FloatArray | None = None

    @property
    def atoms(self) -> int:
        """m."""
        return len(self.decoder)

    @property
    def width(self) -> int:
        """d."""
        return int(self.decoder.shape[1])

    def on_scaled(self, mean: FloatArray, scale: float) -> "Autoencoder":
        """The same autoencoder for (x - mean) · scale instead of x."""
        return replace(
            self,
            encoder_bias=self.encoder_bias * scale,
            shift=(self.shift - mean) * scale,
            decoder_bias=(self.decoder_bias - mean) * scale,
            threshold=None if self.threshold is None else self.threshold * scale,
        )

    def encode(self, x: FloatArray, longest: int) -> Codes:
        """The atoms, `longest` at most, that contribute most to tokens (n, d): activation · ‖decoder row‖."""
        longest = min(longest, self.atoms if self.k is None else self.k, self.atoms)
        norms = np.linalg.norm(self.decoder, axis=1)
        atoms = np.empty((len(x), longest), np.int64)
        values = np.empty((len(x), longest))
        step = max(1, _AT_ONCE // self.atoms)
        for begin in range(0, len(x), step):
            part = slice(begin, begin + step)
            activations = self.activations(x[part])
            contributions = activations * norms
            first = _largest(contributions, longest)
            order = np.argsort(-np.take_along_axis(contributions, first, 1), axis=1, kind="stable")
            atoms[part] = np.take_along_axis(first, order, 1)
            values[part] = np.take_along_axis(activations, atoms[part], 1)
        return Codes(atoms, values)

    def activations(self, x: FloatArray) -> FloatArray:
        """f(x) (n, m) of tokens (n, d)."""
        found: FloatArray = np.maximum((x - self.shift) @ self.encoder.T + self.encoder_bias, 0)
        if self.threshold is not None:
            found[found <= self.threshold] = 0
        if self.k is not None and self.k < self.atoms:
            kept = _largest(found, self.k)
            only = np.zeros_like(found)
            np.put_along_axis(only, kept, np.take_along_axis(found, kept, 1), 1)
            found = only
        return found

    def activations_by_part(self, x: FloatArray) -> "list[tuple[slice, FloatArray]]":
        """f(x) of many tokens, some at a time."""
        step = max(1, _AT_ONCE // self.atoms)
        parts = [slice(begin, begin + step) for begin in range(0, len(x), step)]
        return [(part, self.activations(x[part])) for part in parts]

    def decode(self, codes: FloatArray) -> FloatArray:
        """x̂ (n, d) of activations (n, m)."""
        found: FloatArray = codes @ self.decoder + self.decoder_bias
        return found


def _largest(values: FloatArray, count: int) -> IntArray:
    """Places (n, count) of the largest in each row, in no order."""
    if count >= values.shape[1]:
        return np.broadcast_to(np.arange(values.shape[1]), values.shape)
    found: IntArray = np.argpartition(values, values.shape[1] - count, axis=1)[:, values.shape[1] - count :]
    return found
