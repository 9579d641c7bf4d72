"""What a block does to its input: size and direction of the update, expansion, gains along eigenvectors.

Z (d, N) is what the block receives and Z' what it puts out, both centred, and Δ = Z' - Z. Everything here
follows from three N × N products, ZᵀZ = VΛVᵀ, ZᵀΔ and ΔᵀΔ, and of those only from their diagonals in V. With
u_i = Z v_i/√λ_i, the share of the update along u_i v_iᵀ is δ_i = v_iᵀZᵀΔ v_i/√λ_i: all that a map which is a
function of the spectrum, such as expansion or a Gaussian denoiser, can do.

The null is that of a rotation: Δ → QΔ, Q uniform, keeps the size of the update and how images differ in it,
and leaves its direction to chance. Under it the δ_i are nearly independent, normal, of mean 0 and variance
v_iᵀΔᵀΔv_i/d, so that every null here has a closed form.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subspacelens_tui.geometry.errors import GeometryError
from subspacelens_tui.geometry.inputs import LARGEST_FEATURE, Array, features
from subspacelens_tui.geometry.nulls import NullSummary

# Of the largest eigenvalue: below, float32 features hold rounding only.
RANK_SHARE = 1e-11
# Of ‖Δ‖²: what is left below it, once a part is taken away, is the rounding of float32 features.
VANISHING_SHARE = 1e-9
# Of ‖Z‖²: an update below it is the rounding of float32 features.
_NO_UPDATE = 1e-13


@dataclass(frozen=True)
class BlockGrams:
    """The products of what a block receives, Z, and what it adds, Δ, over the same N images.

    Attributes:
        width: d.
        before: ZᵀZ (N, N), centred.
        cross: ZᵀΔ (N, N), centred.
        update: ΔᵀΔ (N, N), centred.
    """

    width: int
    before: np.ndarray
    cross: np.ndarray
    update: np.ndarray

    @classmethod
    def of(cls, Z: Array, Z_next: Array) -> "BlockGrams":
        """Of features (d, N) before and after a block, which are centred here.

        Raises:
            GeometryError: they differ in shape, are not finite, or hold fewer than two images.
        """
        before, after = (np.asarray(features(of)[1]) for of in (Z, Z_next))
        if before.shape != after.shape:
            raise GeometryError(
                f"the block receives features of shape {before.shape} and puts out {after.shape}: "
                "an update is a difference of features of one shape"
            )
        before = before - before.mean(axis=1, keepdims=True)
        delta = after - after.mean(axis=1, keepdims=True) - before
        # An overflow here would be an infinite product later.
        assert float(np.abs(delta).max()) < 2 * LARGEST_FEATURE
        return cls(len(before), before.T @ before, before.T @ delta, delta.T @ delta)

    def part(self, kept: np.ndarray) -> "BlockGrams":
        """Of some of the images, ascending, with their own mean."""
        if len(kept) == len(self.before):
            return self
        rows = kept[:, None]
        parts = (_recentred(of[rows, kept]) for of in (self.before, self.cross, self.update))
        return BlockGrams(self.width, *parts)


def _recentred(product: np.ndarray) -> np.ndarray:
    """HPH of a product (N, N), which need not be symmetric."""
    rows = product.mean(axis=1, keepdims=True)
    found: np.ndarray = product - rows - product.mean(axis=0, keepdims=True) + rows.mean()
    return found


@dataclass(frozen=True)
class Alignment:
    """A cosine with an update, and its standard deviation if the direction is left to chance."""

    value: float
    std: float

    @property
    def z(self) -> float:
        """The cosine in standard deviations of its null."""
        return self.value / self.std

    @property
    def null(self) -> NullSummary:
        """Normal, of mean 0; p is two-sided."""
        return normal_null(self.value, self.std)


@dataclass(frozen=True)
class Update:
    """The update of a block in the eigenvectors v_i of its input.

    Attributes:
        width, images: d and N.
        eigenvalues: (r,) of ZᵀZ, ascending, those that are more than rounding.
        cross: (r,) v_iᵀZᵀΔ v_i.
        squares: (r,) v_iᵀΔᵀΔ v_i.
        norms: ‖Z‖², ⟨Z, Δ⟩ and ‖Δ‖².
    """

    width: int
    images: int
    eigenvalues: np.ndarray
    cross: np.ndarray
    squares: np.ndarray
    norms: tuple[float, float, float]

    @classmethod
    def of(cls, grams: BlockGrams) -> "Update":
        """From products: one eigendecomposition."""
        values, V = np.linalg.eigh(grams.before)
        kept = values > RANK_SHARE * max(float(values[-1]), 0.0)
        V = V[:, kept]
        norms = tuple(float(np.trace(of)) for of in (grams.before, grams.cross, grams.update))
        return cls(
            grams.width,
            len(grams.before),
            values[kept],
            np.einsum("ni,ni->i", V, grams.cross @ V),
            np.maximum(np.einsum("ni,ni->i", V, grams.update @ V), 0.0),
            norms,  # type: ignore[arg-type]
        )

    @property
    def size(self) -> float:
        """‖Δ‖/‖Z‖.

        Raises:
            GeometryError: all images are the same to the block.
        """
        if not self.norms[0] > 0:
            raise GeometryError("what the block receives is the same for all images: they have no spread")
        return float(np.sqrt(self.norms[2] / self.norms[0]))

    def _check_moves(self) -> None:
        if self.size**2 <= _NO_UPDATE:
            raise GeometryError("the block changes nothing: its update has no direction")

    @property
    def _scaling(self) -> float:
        """c of the part cZ of the update."""
        return self.norms[1] / self.norms[0]

    @property
    def radial_share(self) -> float:
        """⟨Z, Δ⟩²/(‖Z‖² ‖Δ‖²).

        Raises:
            GeometryError: there is no update.
        """
        self._check_moves()
        before, cross, update = self.norms
        return min(1.0, cross**2 / (before * update))

    @property
    def radial_null(self) -> NullSummary:
        """Of the radial share under rotations: a scaled χ² with one degree of freedom."""
        share, (before, _, update) = self.radial_share, self.norms
        scale = float(self.eigenvalues @ self.squares) / (self.width * before * update)
        return chi_square_null(share, np.array([scale]))

    @property
    def _along(self) -> np.ndarray:
        """δ_i."""
        along: np.ndarray = self.cross / np.sqrt(self.eigenvalues)
        return along

    @property
    def spectral_share(self) -> float:
        """Σ δ_i²/‖Δ‖², what the best function of the spectrum does of the update.

        Raises:
            GeometryError: there is no update, or the input spans too few dimensions.
        """
        self._check_moves()
        self._check_rank()
        return min(1.0, float(self._along @ self._along) / self.norms[2])

    @property
    def spectral_null(self) -> NullSummary:
        """Of the spectral share under rotations: a sum of scaled χ²."""
        return chi_square_null(self.spectral_share, self.squares / (self.width * self.norms[2]))

    def _check_rank(self) -> None:
        ceiling = min(self.images - 1, self.width)
        rank = len(self.eigenvalues)
        if rank < ceiling:
            raise GeometryError(
                f"what the block receives spans {rank} dimensions of {ceiling}: "
                "most of the update has no eigenvector to lie along"
            )

    def expansion(self, eps: float) -> Alignment:
        """Cosine of the update with EZ, E = α(I + αZZᵀ)⁻¹, both without their part along Z.

        Raises:
            GeometryError: there is no update, it is a scaling, or the input spans too few dimensions or is
                isotropic.
        """
        self._check_moves()
        self._check_rank()
        if self._tangent_square <= VANISHING_SHARE * self.norms[2]:
            raise GeometryError("the block scales its input: without that its update is 0, and has no angle")
        alpha = self.width / (self.images * eps**2)
        roots = np.sqrt(self.eigenvalues)
        grown = alpha * roots / (1 + alpha * self.eigenvalues)
        step = grown - (grown @ roots) / self.eigenvalues.sum() * roots
        norm = float(np.linalg.norm(step))
        if norm <= 1e-7 * float(np.linalg.norm(grown)):
            raise GeometryError("all eigenvalues of the input are equal: expansion only scales it")
        c = self._scaling
        squares = self.squares - 2 * c * self.cross + c * c * self.eigenvalues
        std = np.sqrt(float(step**2 @ np.maximum(squares, 0.0)) / self.width)
        length = norm * np.sqrt(self._tangent_square)
        return Alignment(float(step @ self._along) / length, float(std / length))

    @cached_property
    def _tangent_square(self) -> float:
        """‖Δ‖² without the part along Z."""
        return self.norms[2] - self.norms[1] ** 2 / self.norms[0]

    @property
    def gains(self) -> np.ndarray:
        """By what factor the block scales each eigenvector of its input (r, 3): λ_i/N, g_i, its s.e.

        g_i = v_iᵀZᵀZ'v_i/λ_i, and √(v_iᵀΔᵀΔv_i/(d λ_i)) is what leaving the direction of the update to
        chance would make of g_i - 1.

        Raises:
            GeometryError: there is no update, or the input spans too few dimensions.
        """
        self._check_moves()
        self._check_rank()
        values = self.eigenvalues
        return np.column_stack(
            [values / self.images, 1 + self.cross / values, np.sqrt(self.squares / (self.width * values))]
        )


def normal_null(observed: float, std: float) -> NullSummary:
    """A normal null of mean 0 and this standard deviation; p is two-sided."""
    # Imported here: the app loads this module at its start.
    from scipy.special import ndtr

    z = observed / std if std > 0 else None
    p = 1.0 if z is None else 2 * float(ndtr(-abs(z)))
    return NullSummary(0.0, std, -1.96 * std, 1.96 * std, observed, z, p, 0)


def chi_square_null(observed: float, scales: np.ndarray) -> NullSummary:
    """The null of Σ s_i χ²_1, by the scaled χ² of the same mean and variance (Satterthwaite 1946)."""
    # Imported here: the app loads this module at its start.
    from scipy.special import gammaincc, gammaincinv

    mean, variance = float(scales.sum()), 2 * float(scales @ scales)
    if not variance > 0:
        return NullSummary(mean, 0.0, mean, mean, observed - mean, None, 1.0, 0)
    shape, scale = mean**2 / variance, variance / mean
    low, high = (float(gammaincinv(shape, level)) * scale for level in (0.025, 0.975))
    std = float(np.sqrt(variance))
    p = float(gammaincc(shape, observed / scale))
    return NullSummary(mean, std, low, high, observed - mean, (observed - mean) / std, p, 0)
