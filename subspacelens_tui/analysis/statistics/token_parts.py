"""What of the tokens' variation lies within images, and what between them.

With S the second moment of the tokens in a view, a token being its image's mean plus a deviation, S splits
into W, that of the deviations, plus B, that of the image means. The mean of T sampled tokens is noisy and
puts a share of W into B; but the session also holds the mean over all tokens, so B is taken from that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.token_columns import (
    TokenColumns,
    known_effective_rank,
    smaller_product,
)
from subspacelens_tui.geometry import coding_rate_from_spectrum
from subspacelens_tui.geometry.from_features import Spectrum
from subspacelens_tui.geometry.inputs import FLOAT64_EPS
from subspacelens_tui.geometry.rounding import TOLERANCE, rate_rounding, rates_lost
from subspacelens_tui.geometry.singular_values import decomposition


@dataclass(frozen=True)
class Part:
    """One part of the second moment; None where it cannot be computed.

    Attributes:
        trace: its trace: mean squared norm.
        share: of the traces of both parts.
        R: ½ log det(I + d/ε² part), in nats.
        effective_rank: exp of the entropy of the roots of its eigenvalues.
    """

    trace: float | None = None
    share: float | None = None
    R: float | None = None
    effective_rank: float | None = None


@dataclass(frozen=True)
class Parts:
    """Both parts.

    Attributes:
        within: W, unbiased for deviations from the mean over all tokens of an image.
        between: B, from the means over all tokens; where the session lacks them (unit view), its trace alone,
            from the sampled ones.
        between_trace_sampled: tr S - tr W, unbiased for tr B: what the sampled tokens say of it.
        missing: metric → why it is None.
        moved: part → how far rounding may have moved its R, where it is not right to a millionth.
    """

    within: Part
    between: Part
    between_trace_sampled: float | None
    missing: dict[str, str]
    moved: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """The keys that a layer of `analyze --tokens --json` has for its parts."""
        between = vars(self.between) | {"trace_sampled": self.between_trace_sampled}
        return {"within": dict(vars(self.within)), "between": between}


def split(
    viewed: TokenColumns, means: Float64Array | None, counts: npt.NDArray[np.int64], eps: float
) -> Parts:
    """Split the second moment of tokens into its parts.

    Args:
        viewed: the sampled tokens in a feature view.
        means: (N, d) the means over all tokens of an image in that view; None if they are not known.
        counts: (N,) how many tokens each image has.
        eps: ε.
    """
    missing: dict[str, str] = {}
    if means is None:
        missing["between"] = "the means of unit-norm tokens are not in the session: only its trace is known"
    T = viewed.rows.shape[1]
    total = float(np.sum(viewed.rows**2)) / viewed.count
    moved: dict[str, float] = {}

    def part(rows: Float64Array, name: str) -> Part:
        found, by = _part(rows, viewed.width, eps)
        assert found.R is not None
        if by > TOLERANCE * found.R:
            moved[name] = by
        return found

    of_means = Part() if means is None else part(means / np.sqrt(len(means)), "between")
    if T < 2:
        missing["within"] = "one token an image has nothing within the image"
        return Parts(Part(), of_means, None, missing, moved)
    within = part(_deviations(viewed, counts), "within")
    assert within.trace is not None
    sampled = total - within.trace
    between = Part(trace=sampled) if means is None else of_means
    return Parts(*_with_shares(within, between), sampled, missing, moved)


def _deviations(viewed: TokenColumns, counts: npt.NDArray[np.int64]) -> Float64Array:
    """Rows (N·T, d) whose scatter is W.

    Of T tokens drawn from P without replacement, Σ(x - x̄)(x - x̄)ᵀ/(T - 1) is unbiased for the same of all P,
    of which the second moment about the mean is the (P - 1)/P-th part. So S - W is unbiased for B.
    """
    N, T, d = viewed.rows.shape
    deviations = viewed.rows - viewed.rows.mean(axis=1, keepdims=True)
    # As floats: what a damaged session claims may overflow an integer.
    P = counts.astype(np.float64)
    weights = np.sqrt((P - 1) / (P * (T - 1) * N))
    scaled: Float64Array = (deviations * weights[:, None, None]).reshape(-1, d)
    return scaled


def _part(rows: Float64Array, width: int, eps: float) -> tuple[Part, float]:
    """The part whose second moment is rowsᵀ rows, and how far rounding may have moved its R."""
    spectrum: Float64Array = np.asarray(np.linalg.eigvalsh(smaller_product(rows)), dtype=np.float64)
    trace = float(np.sum(rows**2))
    rank = known_effective_rank(rows, spectrum)[0] if spectrum[-1] > 0 else None
    R = float(coding_rate_from_spectrum(spectrum, width, 1, eps))
    moved = float(rate_rounding(spectrum, FLOAT64_EPS * trace, width, 1, eps))
    if rates_lost(R, R, moved):
        exact = Spectrum.of(decomposition(rows.T))
        R = float(coding_rate_from_spectrum(exact.eigenvalues, width, 1, eps))
        moved = float(rate_rounding(exact.eigenvalues, exact.resolution, width, 1, eps))
    return Part(trace=trace, R=R, effective_rank=rank), moved


def _with_shares(within: Part, between: Part) -> tuple[Part, Part]:
    assert within.trace is not None
    assert between.trace is not None
    total = within.trace + between.trace
    if total <= 0:
        return within, between
    share = within.trace / total
    return (
        Part(within.trace, share, within.R, within.effective_rank),
        Part(between.trace, 1 - share, between.R, between.effective_rank),
    )
