"""The part of a block's update that only labels can explain, as a step up the rate reduction would have it.

∇ΔR = EZ - CZ: expansion, which needs no labels, and compression of each class, CZ = α Z blockdiag(B_k) with
B_k = (I + α_k G_k)⁻¹. Most of an alignment with ∇ΔR is its E part, and of the rest whatever pooled denoising
does. So every map that is a function of the spectrum, Σ h_i u_i v_iᵀ for any h, is taken off both sides:

    L_y = -⟨Δ⊥, CZ⟩ = -α Σ_k tr(B_k D_kk),  D = sym(ZᵀΔ) - V diag(v_iᵀZᵀΔ v_i) Vᵀ

in nats, and A_lab = L_y/(‖CZ⊥‖ ‖Δ⊥‖). Neither null alone is enough: a map that knows nothing of the labels
moves images that were alike to begin with alike, and so rejects permuted labels too often where subjects are
not independent; a claim needs the rotation of Δ⊥ beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from subspacelens_tui.geometry.classes import class_index
from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.progress import IsCancelled, Progress, checked_labelings, chunks
from subspacelens_tui.geometry.updates import RANK_SHARE, VANISHING_SHARE, BlockGrams

# Of αN: a gradient below it is one of rounding.
_VANISHING_GRADIENT = 1e-9
# From here on a LAPACK call for each class is faster than one for all of them.
_LARGE_CLASS = 48
# Standard deviations beyond which a one-sided 5 % test of a normal null rejects.
CRITICAL_Z = 1.645
LEVEL = 0.05


@dataclass(frozen=True)
class PermutedLabelParts:
    """L_y under P labelings, and the mean over them of blockdiag(B_k).

    Attributes:
        values: (P,) in nats.
        inverses: (N, N).
    """

    values: np.ndarray
    inverses: np.ndarray


class LabelPart:
    """Of one block: what depends on the features only, computed once for all labelings.

    Args:
        grams: of the block.
        eps: ε.

    Raises:
        GeometryError: the block changes nothing, or nothing but its eigenvectors' lengths.
    """

    def __init__(self, grams: BlockGrams, eps: float) -> None:
        self._grams, self._n = grams, len(grams.before)
        self._scale = grams.width / eps**2
        self._alpha = self._scale / self._n
        values, self._V = np.linalg.eigh(grams.before)
        self._values = np.maximum(values, 0.0)
        kept = values > RANK_SHARE * max(float(values[-1]), 0.0)
        symmetric = (grams.cross + grams.cross.T) / 2
        along = np.where(kept, np.einsum("ni,ni->i", self._V, symmetric @ self._V), 0.0)
        safe = np.where(kept, values, 1.0)
        self._ratio = along / safe
        self._D = symmetric - (self._V * along) @ self._V.T
        update = float(np.trace(grams.update))
        self._square = update - float(along @ self._ratio)
        if not self._square > VANISHING_SHARE * update:
            raise GeometryError(
                "the update is a function of the spectrum alone: nothing of it is left for labels to explain"
            )

    def _inverses(
        self, labels: np.ndarray, halves: bool = False
    ) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """B_k of the classes, some at a time: flat indices (m, n²) into N × N, B (m, n, n), and α_k.

        If `halves`, a matrix whose symmetric part is B does as well.
        """
        n = self._n
        G = self._grams.before.ravel()
        for _, members in class_index(labels, n).by_size():
            size = members.shape[1]
            alpha = self._scale / size
            flat = (members[:, :, None] * n + members[:, None, :]).reshape(len(members), -1)
            A = alpha * G.take(flat, mode="clip").reshape(-1, size, size)
            A[:, range(size), range(size)] += 1
            yield flat, _inverse(A, halves), alpha

    def value(self, labels: np.ndarray) -> float:
        """L_y in nats, of labels (N,)."""
        return float(self._value_and_mean(labels, None))

    def _value_and_mean(self, labels: np.ndarray, into: np.ndarray | None) -> float:
        total = 0.0
        for flat, B, _ in self._inverses(labels, halves=True):
            total += float(np.vdot(self._D.take(flat, mode="clip"), B))
            if into is not None:
                into.ravel()[flat] += B.reshape(flat.shape)
        return -self._alpha * total

    def scale(self, labels: np.ndarray) -> float:
        """‖CZ⊥‖ ‖Δ⊥‖, by which L_y becomes a cosine.

        Raises:
            GeometryError: the gradient of ΔR vanishes, or compression is a function of the spectrum.
        """
        whole = self._block_diagonal(labels)
        alpha, G, V = self._alpha, self._grams.before, self._V
        compressed = 0.0
        for _, B, of_class in self._inverses(labels):
            trace = float(np.einsum("kii->", B))
            compressed += alpha**2 * (trace - float(np.vdot(B, B))) / of_class
        ones = whole.sum(axis=1)
        compressed -= alpha**2 * float(ones @ G @ ones) / self._n
        if self._gradient_square(whole, compressed) < _VANISHING_GRADIENT * alpha * self._n:
            raise GeometryError("the gradient of ΔR vanishes here: these labels tell no images apart")
        spectral = np.einsum("ni,ni->i", V, whole @ V)
        left = compressed - alpha**2 * float(self._values @ spectral**2)
        if not left > VANISHING_SHARE * compressed:
            raise GeometryError("compressing these classes is a function of the spectrum alone")
        return float(np.sqrt(left * self._square))

    def _gradient_square(self, whole: np.ndarray, compressed: float) -> float:
        """‖∇ΔR‖² = ‖EZ‖² - 2⟨EZ, CZ⟩ + ‖CZ‖²."""
        alpha = self._alpha
        grown = alpha * self._values
        expanded = alpha * float((grown / (1 + grown) ** 2).sum())
        M = (self._V / (1 + grown)) @ self._V.T
        mixed = alpha * (float(np.trace(whole)) - float(np.vdot(M, whole)))
        return expanded - 2 * mixed + compressed

    def _block_diagonal(self, labels: np.ndarray) -> np.ndarray:
        whole = np.zeros((self._n, self._n))
        for flat, B, _ in self._inverses(labels):
            whole.ravel()[flat] = B.reshape(flat.shape)
        return whole

    def under(
        self,
        labelings: np.ndarray,
        progress: Progress | None = None,
        cancelled: IsCancelled | None = None,
    ) -> PermutedLabelParts:
        """L_y under labelings (P, N), as `permuted_labels` gives them.

        Raises:
            GeometryError: labelings that are not (P, N) integers.
            Cancelled: `cancelled` returned True.
        """
        labelings = checked_labelings(labelings, self._n)
        total = np.zeros((self._n, self._n))
        values = [
            self._value_and_mean(labels, total)
            for chunk in chunks(labelings, progress, cancelled)
            for labels in chunk
        ]
        return PermutedLabelParts(np.asarray(values), (total + total.T) / (2 * len(labelings)))

    def rotation(self, labels: np.ndarray, permuted: PermutedLabelParts) -> tuple[float, float]:
        """The excess of L_y in standard deviations under rotations of Δ⊥, and as a cosine.

        Raises:
            GeometryError: labels and permuted labels do the same, so that there is no excess.
        """
        excess = self.value(labels) - float(permuted.values.mean())
        Y = self._V.T @ (permuted.inverses - self._block_diagonal(labels)) @ self._V
        np.fill_diagonal(Y, 0.0)
        # ZW with W = α V Y Vᵀ H; WᵀGW without the mean.
        inner = self._alpha**2 * (self._V @ (Y @ (self._values[:, None] * Y)) @ self._V.T)
        inner = inner - inner.mean(axis=0)
        inner = inner - inner.mean(axis=1, keepdims=True)
        square = float(np.trace(inner))
        if not square > 0:
            raise GeometryError("permuted labels compress as the labels do: there is no excess")
        variance = float(np.vdot(self._rest_gram(), inner)) / self._grams.width
        return excess / np.sqrt(variance), excess / float(np.sqrt(square * self._square))

    def _rest_gram(self) -> np.ndarray:
        """Δ⊥ᵀΔ⊥ (N, N)."""
        P = (self._V * self._ratio) @ self._V.T
        mixed = P @ self._grams.cross
        spectral = (self._V * (self._ratio**2 * self._values)) @ self._V.T
        found: np.ndarray = self._grams.update - mixed - mixed.T + spectral
        return found


def _inverse(A: np.ndarray, halves: bool = False) -> np.ndarray:
    """Inverses (m, n, n) of positive definite matrices, which are overwritten.

    If `halves`, matrices may come whose symmetric parts they are: half of the work around LAPACK.
    """
    if A.shape[-1] < _LARGE_CLASS:
        found: np.ndarray = np.linalg.inv(A)
        return found
    # Imported here: the app loads this module at its start.
    from scipy.linalg import lapack

    doubled = 2 * np.tri(A.shape[-1]) - np.eye(A.shape[-1])
    for block in A:
        # Transposed, a C-ordered matrix is what LAPACK takes without a copy.
        factor, failed = lapack.dpotrf(block.T, lower=1, clean=0, overwrite_a=1)
        inverse, lost = lapack.dpotri(factor, lower=1, overwrite_c=1)
        if failed or lost:
            raise GeometryError("the features are too large for an inverse in float64; raise ε")
        # LAPACK leaves the upper triangle as it was. A copy: the inverse stands where the block stood.
        half = inverse * doubled
        block[...] = half if halves else (half + half.T) / 2
    return A
