"""A sparse autoencoder as steering needs it: activations of tokens, and what sets some of them to values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.steering.clamp import Clamp
from subspacelens_tui.steering.errors import SteeringError

FloatArray = npt.NDArray[np.floating]

# Activations (tokens × atoms) that are held at once.
_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Dictionary:
    """f(x) = σ(E x + bias), and a direction for each of m atoms.

    σ is ReLU, of which the k largest are kept, or those above a threshold, or all.

    Attributes:
        encoder: (m, d) E.
        bias: (m,).
        decoder: (m, d).
        k: how many activations are kept; None for all.
        threshold: (m,) below which activations count as zero; None for zero.
        step: the denoising step whose tokens it was trained on.
        atoms: by class those that are to be clamped for it; of other classes those that tell them.
        values: what they are set to, likewise; by default their mean where they are active in the class.
    """

    encoder: FloatArray
    bias: FloatArray
    decoder: FloatArray
    k: int | None
    threshold: FloatArray | None
    step: int
    atoms: Mapping[str, Sequence[int]] = field(default_factory=dict)
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def clamped(self) -> int:
        """How many atoms are clamped at a time."""
        return max((len(of) for of in self.atoms.values()), default=1)

    def asked(self, name: str, atoms: Sequence[int], values: Sequence[float]) -> "Dictionary":
        """The same with the atoms and values that are to be clamped for a class, as far as they are named.

        Raises:
            SteeringError: there is no such atom, or there are not as many values.
        """
        for atom in atoms:
            if not 0 <= atom < len(self.decoder):
                raise SteeringError(
                    f"there is no atom {atom}: the autoencoder has 0 to {len(self.decoder) - 1}"
                )
        if values and len(values) != max(1, len(atoms)):
            count = max(1, len(atoms))
            raise SteeringError(f"there must be a --value for each atom: {len(values)} for {count}")
        return replace(
            self, atoms={name: tuple(atoms)} if atoms else {}, values={name: tuple(values)} if values else {}
        )

    def activations(self, tokens: FloatArray) -> FloatArray:
        """f(x) (n, m) of tokens (n, d)."""
        found = np.maximum(tokens @ self.encoder.T + self.bias, 0)
        if self.threshold is not None:
            found[found <= self.threshold] = 0
        if self.k is not None and self.k < found.shape[1]:
            least = np.partition(found, found.shape[1] - self.k, axis=1)[:, found.shape[1] - self.k, None]
            found[found < least] = 0
        return found

    def summary(self, tokens: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of each atom its mean activation (m,) over tokens (n, d), and the share of them with it (m,)."""
        total, active = (np.zeros(len(self.decoder)) for _ in range(2))
        for part in np.array_split(tokens, max(1, tokens.shape[0] * len(self.decoder) // _AT_ONCE)):
            found = self.activations(part)
            total += found.sum(axis=0)
            active += (found > 0).sum(axis=0)
        return total / len(tokens), active / len(tokens)

    def clamp(self, atoms: Sequence[int], values: Sequence[float]) -> Clamp:
        """What sets these atoms to these values."""
        chosen = list(atoms)
        # Whether an atom is among the k largest depends on all of them; else on itself alone.
        rows = slice(None) if self.k is not None else chosen
        encoder, bias = self.encoder[rows], self.bias[rows]
        return Clamp(
            encoder=encoder.astype(np.float32),
            bias=bias.astype(np.float32),
            threshold=None if self.threshold is None else self.threshold[rows].astype(np.float32),
            decoder=self.decoder[chosen].astype(np.float32),
            values=np.asarray(values, dtype=np.float32),
            atoms=tuple(chosen),
            rows=tuple(chosen) if self.k is not None else tuple(range(len(chosen))),
            k=self.k,
        )
