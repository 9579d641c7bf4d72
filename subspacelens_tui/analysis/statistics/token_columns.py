"""Rates, ranks and overlaps of single tokens: columns that come in groups, one group an image.

The Gram matrix of N·T tokens is too large to form, so everything comes from scatter matrices ZZᵀ, which share
its eigenvalues, of side d; or of the Gram matrix where that is the smaller one. Where rounding of these could
be seen, from the singular values of the tokens, at some ten times the cost.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.geometry import (
    GeometryError,
    View,
    effective_rank_from_spectrum,
    gram_resolution,
)
from subspacelens_tui.geometry.determinants import TOO_LARGE
from subspacelens_tui.geometry.from_features import Spectrum, numerical_rank, rate_of_features
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.overlap import RANK_SHARE_OF_EIGENVALUES
from subspacelens_tui.geometry.rounding import (
    TOLERANCE,
    effective_rank_rounding,
    overlap_rounding,
    rate_rounding,
    subspace_rounding,
)
from subspacelens_tui.geometry.singular_values import decomposition
from subspacelens_tui.geometry.spectra import OF_SINGULAR_VALUES

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenColumns:
    """The tokens of one layer.

    Attributes:
        rows: (N, T, d), a row for each token of each image.
        massive: whether products of them do not hold what the metrics depend on.
    """

    rows: Float64Array
    massive: bool = False

    @property
    def width(self) -> int:
        """d."""
        return int(self.rows.shape[2])

    @property
    def flat(self) -> Float64Array:
        """All tokens (N·T, d)."""
        return self.rows.reshape(-1, self.rows.shape[-1])

    @property
    def count(self) -> int:
        """How many tokens there are: N·T."""
        return int(self.rows.shape[0] * self.rows.shape[1])

    def spectrum(self) -> Float64Array:
        """The min(d, N·T) eigenvalues of the Gram matrix that are not zero by dimension, ascending."""
        return np.asarray(np.linalg.eigvalsh(smaller_product(self.flat)), dtype=np.float64)

    def moved(self, spectrum: Float64Array, eps: float) -> float:
        """How far rounding may have moved R, from this spectrum or from a factor, in nats."""
        resolution = FLOAT64_EPS * float(np.sum(self.rows**2))
        by = float(rate_rounding(spectrum, resolution, self.width, self.count, eps))
        return by + len(spectrum) * FLOAT64_EPS

    def coding_rate(self, eps: float) -> float:
        """R in nats, without eigenvalues."""
        return self._rate(self.flat, eps)

    def class_rate(self, codes: Codes, eps: float) -> float:
        """Rc in nats for classes of images, codes (N,)."""
        members = self.classes(codes)
        return sum(len(rows) / self.count * self._rate(rows, eps) for rows in members)

    def _rate(self, rows: Float64Array, eps: float) -> float:
        if self.massive:
            return rate_of_features(rows.T, self.width / eps**2)
        return 0.5 * log_determinant(smaller_product(rows), self.width / (len(rows) * eps**2))

    def rates_rounding(self, codes: Codes, eps: float) -> tuple[float, float]:
        """How far rounding may have moved R and Rc of massive tokens, in nats."""
        by_class = sum(len(rows) / self.count * self._rounding(rows, eps) for rows in self.classes(codes))
        return self._rounding(self.flat, eps), by_class

    def _rounding(self, rows: Float64Array, eps: float) -> float:
        found = Spectrum.of(decomposition(rows.T))
        return float(rate_rounding(found.eigenvalues, found.resolution, self.width, len(rows), eps))

    def classes(self, codes: Codes) -> Iterator[Float64Array]:
        """The tokens (n_k·T, d) of each class of images, in the order of the codes (N,)."""
        for code in np.unique(codes):
            yield self.rows[codes == code].reshape(-1, self.rows.shape[-1])

    def take(self, images: npt.NDArray[np.intp]) -> "TokenColumns":
        """The tokens of some images."""
        return replace(self, rows=self.rows[images])


def token_view(columns: TokenColumns, view: View, codes: Codes) -> TokenColumns:
    """A feature view of the tokens: as of `geometry.feature_view`, with every token a column.

    Args:
        columns: the raw tokens.
        view: which.
        codes: (N,) the classes of the images, for the class-centred view.

    Raises:
        GeometryError: if a token (`unit`) or all of them (`trace`) are zero.
    """
    rows = columns.rows
    if view == "raw":
        return columns
    if view == "unit":
        norms = np.linalg.norm(rows, axis=2, keepdims=True)
        if not norms.all():
            raise GeometryError("a token is all zero and has no unit norm")
        return replace(columns, rows=rows / norms)
    if view == "trace":
        return replace(columns, rows=rows * trace_factor(columns))
    groups = codes if view == "class-centred" else np.zeros_like(codes)
    centred = np.empty_like(rows)
    for group in np.unique(groups):
        members = groups == group
        # Differences of float32 numbers are exact, the mean of the numbers is not: equal tokens leave 0.
        shifted = rows[members] - rows[members][0, 0]
        centred[members] = shifted - shifted.mean(axis=(0, 1))
    return replace(columns, rows=centred)


def trace_factor(columns: TokenColumns) -> float:
    """What the trace view multiplies the tokens by: their mean squared norm becomes 1."""
    total = float(np.sum(columns.rows**2))
    if total == 0:
        raise GeometryError("all features are zero and cannot be trace-normalised; use the raw view")
    return float(np.sqrt(columns.count / total))


def smaller_product(rows: Float64Array) -> Float64Array:
    """Of rows (n, d) the Gram matrix (n, n) or the scatter (d, d), whichever is smaller: same eigenvalues."""
    product: Float64Array = rows @ rows.T if len(rows) <= rows.shape[1] else rows.T @ rows
    return product


def log_determinant(product: Float64Array, alpha: float) -> float:
    """log det(I + α product), by a Cholesky factor."""
    return 2 * float(np.sum(np.log(np.diagonal(cholesky(product, alpha)))))


def cholesky(product: Float64Array, alpha: float) -> Float64Array:
    """The lower Cholesky factor of I + α product."""
    A = alpha * product
    A.flat[:: len(A) + 1] += 1
    try:
        return np.asarray(np.linalg.cholesky(A), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise GeometryError(TOO_LARGE) from None


def subspaces(columns: TokenColumns, codes: Codes, rank: int) -> tuple[Float64Array, Float64Array, float]:
    """Overlap and variance explained (K, K) of the classes, as `geometry.class_subspaces` defines them.

    Returns:
        Both, and how far rounding may have moved their means.

    Raises:
        GeometryError: if a class spans fewer than `rank` dimensions.
    """
    U, moved = _top_directions(columns, codes, rank)
    explained = [
        [np.sum((members @ basis) ** 2) / np.sum(members**2) for members in columns.classes(codes)]
        for basis in U
    ]
    return _overlap(U), np.asarray(explained), moved


def _overlap(U: Float64Array) -> Float64Array:
    cosines = np.matmul(U.transpose(0, 2, 1)[:, None], U[None])
    overlap: Float64Array = np.sum(cosines**2, axis=(2, 3)) / U.shape[2]
    return overlap


def _top_directions(columns: TokenColumns, codes: Codes, rank: int) -> tuple[Float64Array, float]:
    """The first `rank` left singular vectors of each class (K, d, rank), and `overlap_rounding`."""
    of_class = _exact_directions if columns.massive else _directions
    found = [of_class(members, rank) for members in columns.classes(codes)]
    return np.stack([U for U, _ in found]), overlap_rounding([angle for _, angle in found], rank)


def _directions(members: Float64Array, rank: int) -> tuple[Float64Array, float]:
    # Imported here: the app loads the analysis at its start.
    from scipy.linalg import eigh

    product = smaller_product(members)
    side = len(product)
    if side < rank:
        raise GeometryError(_too_flat(rank))
    # One more, for the gap to it.
    first = max(side - rank - 1, 0)
    values, vectors = eigh(product, subset_by_index=(first, side - 1), check_finite=False)
    angle = float(subspace_rounding(np.maximum(values, 0), gram_resolution(product), rank))
    values, vectors = values[-rank:], vectors[:, -rank:]
    if values[0] <= RANK_SHARE_OF_EIGENVALUES * values[-1] or values[-1] <= 0:
        raise GeometryError(_too_flat(rank))
    # From the Gram matrix come the right singular vectors.
    return members.T @ vectors / np.sqrt(values) if len(members) == side else vectors, angle


def _exact_directions(members: Float64Array, rank: int) -> tuple[Float64Array, float]:
    found = decomposition(members.T)
    if numerical_rank(found) < rank:
        raise GeometryError(_too_flat(rank))
    spectrum = Spectrum.of(found, with_vectors=True)
    return found.U[:, :rank], float(subspace_rounding(spectrum.eigenvalues, spectrum.resolution, rank))


def _too_flat(rank: int) -> str:
    return f"a class spans fewer than {rank} dimensions; choose a smaller dimension"


def known_effective_rank(rows: Float64Array, spectrum: Float64Array) -> tuple[float, float]:
    """The effective rank of rows (n, d) with this spectrum, and how far rounding may have moved it.

    Raises:
        GeometryError: the rows are all zero.
    """
    rank = float(effective_rank_from_spectrum(spectrum))
    resolution = FLOAT64_EPS * float(np.sum(rows**2))
    moved = float(effective_rank_rounding(spectrum, resolution))
    if spectrum[0] > max(len(spectrum) * FLOAT64_EPS * spectrum[-1], resolution) and moved <= TOLERANCE:
        return rank, moved * rank
    exact = Spectrum.of(decomposition(rows.T))
    rank = float(effective_rank_from_spectrum(exact.eigenvalues, OF_SINGULAR_VALUES))
    return rank, rank * float(effective_rank_rounding(exact.eigenvalues, exact.resolution))


def unbiased_participation_ratio(columns: TokenColumns, spectrum: Float64Array) -> float:
    """(tr S)²/tr S² by U-statistics over pairs of images: tokens of one image are not independent.

    Raises:
        GeometryError: if tr S² has no positive estimate.
    """
    within = np.matmul(columns.rows, columns.rows.transpose(0, 2, 1))
    traces = np.trace(within, axis1=1, axis2=2)
    total = float(np.sum(traces)) ** 2 - float(np.sum(traces**2))
    spread = float(np.sum(spectrum**2)) - float(np.sum(within**2))
    if not (spread > 0 and total > 0):
        raise GeometryError("the unbiased participation ratio has no positive estimate; record more images")
    share = FLOAT64_EPS * (float(np.sum(spectrum**2)) / spread + float(np.sum(traces)) ** 2 / total)
    if share > TOLERANCE:
        raise GeometryError("one image is nearly all there is: rounding leaves too little of the others")
    return total / spread
