"""How many dimensions the features take up: functions of the eigenvalues of their Gram matrix."""

from typing import Any

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Shape, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.geometry import (
    eigenvalue_rank_from_spectrum,
    participation_ratio_from_spectrum,
    stable_rank_from_spectrum,
)

RANKS = Family("ranks", "Ranks", order=2, evidence="ranks")
_SPECTRAL: dict[str, Any] = {
    "unit": "dimensions",
    "needs": (Need.IMAGES, Need.SPECTRUM),
    "no_null": "the labels do not enter; compare it with the ceiling min(N, d)",
    "error": Cost.DEFERRED,
    "ceiling": True,
}


@metric(
    RANKS,
    key="effective_rank",
    table=Table.EVIDENCE,
    label="effective rank",
    short="erank",
    formula="exp(−Σ p log p), p = σ/Σσ, σ the singular values",
    source="Roy & Vetterli 2007",
    about="The number of equal singular values of the same entropy.",
    relations="RankMe (Garrido et al. 2023, arXiv 2210.02885), of raw features",
    **_SPECTRAL,
)
def effective_rank(statistics: LayerStatistics) -> float:
    """Of the singular values."""
    return statistics.effective_rank()


@metric(
    RANKS,
    key="eigenvalue_rank",
    table=Table.NOTHING,
    label="effective rank of eigenvalues",
    short="erank λ",
    formula="exp(−Σ p log p), p = λ/Σλ",
    source="Roy & Vetterli 2007",
    about="The same of the eigenvalues: it counts directions by their variance.",
    relations="its logarithm is matrix entropy (von Neumann; Rényi's of order 1: Skean et al. 2025, "
    "arXiv 2502.02013)",
    **_SPECTRAL,
)
def eigenvalue_rank(statistics: LayerStatistics) -> float:
    """Of the eigenvalues."""
    return float(eigenvalue_rank_from_spectrum(statistics.eigenvalues()))


@metric(
    RANKS,
    key="participation_ratio_unbiased",
    label="unbiased participation ratio",
    short="PR",
    formula="(Σλ)²/Σλ² by U-statistics over different images",
    source="Hoeffding 1948; Chun et al. 2025, arXiv 2509.26560",
    about='The participation ratio without the bias of few images. "PR" is this one.',
    **_SPECTRAL,
)
def participation_ratio_unbiased(statistics: LayerStatistics) -> float:
    """Of pairs of different images."""
    return statistics.unbiased_participation_ratio()


@metric(
    RANKS,
    key="participation_ratio",
    table=Table.NOTHING,
    label="participation ratio, naive",
    short="PR naive",
    formula="(Σλ)²/Σλ²",
    source="Gao et al. 2017, bioRxiv 214262",
    about="The number of equal eigenvalues with the same sum and sum of squares; too small where N is small.",
    relations="its logarithm is the matrix Rényi entropy of order 2",
    **_SPECTRAL,
)
def participation_ratio(statistics: LayerStatistics) -> float:
    """As it is."""
    return float(participation_ratio_from_spectrum(statistics.eigenvalues()))


@metric(
    RANKS,
    key="stable_rank",
    table=Table.NOTHING,
    label="stable rank",
    short="stable r",
    formula="Σλ/λ₁",
    source="Rudelson & Vershynin 2007",
    about="The trace in units of the largest eigenvalue; small eigenvalues hardly change it.",
    relations="its logarithm is the matrix Rényi entropy of order ∞, the min-entropy",
    **_SPECTRAL,
)
def stable_rank(statistics: LayerStatistics) -> float:
    """Of the eigenvalues."""
    return float(stable_rank_from_spectrum(statistics.eigenvalues()))


@metric(
    RANKS,
    key="spectra",
    label="eigenvalues of the Gram matrix",
    short="spectrum",
    unit="",
    formula="λ₁ ≥ λ₂ ≥ … of ZᵀZ",
    source="",
    about="The squared singular values of the features.",
    needs=(Need.IMAGES, Need.SPECTRUM),
    shape=Shape.SPECTRUM,
    no_null="the labels do not enter",
    no_error="none: it is a curve",
)
def spectrum(statistics: LayerStatistics) -> Any:
    """Descending."""
    return statistics.spectrum()
