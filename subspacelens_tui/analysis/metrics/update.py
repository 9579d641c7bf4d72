"""What a block does to its input: how much it moves it, in which direction, and whether it denoises."""

from dataclasses import dataclass
from typing import Any

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Shape, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need

UPDATE = Family("update", "Update of a block", order=8, evidence="update")
_ROTATION = "rotations of the update, in closed form"
_REFITS = "refits to gains that differ from 1 by their rotation error only"
_NEEDS = (Need.IMAGES, Need.UPDATE)
_PAIRS: dict[str, Any] = {"needs": _NEEDS, "cost": Cost.PAIRS, "error": Cost.DEFERRED}


@metric(
    UPDATE,
    key="update_size",
    label="size of the update",
    short="‖Δ‖/‖Z‖",
    unit="",
    formula="‖Z′ − Z‖/‖Z‖, Z the input of the block and Z′ its output, both centred",
    source="",
    about="How far a block moves its input, as a share of the input's own spread.",
    table=Table.VALUE,
    no_null="a size has none: compare blocks",
    **_PAIRS,
)
def update_size(statistics: LayerStatistics) -> float:
    """Of centred features."""
    return statistics.update().size


@metric(
    UPDATE,
    key="radial_share",
    label="radial share of the update",
    short="radial",
    unit="",
    formula="⟨Z, Δ⟩²/(‖Z‖² ‖Δ‖²), Δ = Z′ − Z",
    source="",
    about="The share of an update that only scales its input, which says nothing of structure.",
    table=Table.NOTHING,
    format=Format.SHARE,
    null="greater",
    null_by=_ROTATION,
    own_null=lambda statistics: statistics.update().radial_null,
    **_PAIRS,
)
def radial_share(statistics: LayerStatistics) -> float:
    """The squared cosine."""
    return statistics.update().radial_share


@metric(
    UPDATE,
    key="spectral_share",
    label="spectral share of the update",
    short="spectral",
    unit="",
    formula="Σ δᵢ²/‖Δ‖², δᵢ = ⟨Δ, uᵢvᵢᵀ⟩, Z = Σ √λᵢ uᵢvᵢᵀ",
    source="",
    about="The share that scales eigenvectors of the input, as denoising and expansion do; chance is 1/d.",
    table=Table.NOTHING,
    format=Format.SHARE,
    null="greater",
    null_by=_ROTATION,
    own_null=lambda statistics: statistics.update().spectral_null,
    **_PAIRS,
)
def spectral_share(statistics: LayerStatistics) -> float:
    """The radial share among it."""
    return statistics.update().spectral_share


@metric(
    UPDATE,
    key="expansion_alignment",
    label="expansion alignment A_E",
    short="A_E",
    unit="",
    formula="cos(Δ, EZ), E = α(I + αZZᵀ)⁻¹, α = d/(N ε²), both without their part along Z",
    source="Chan et al. 2022 (ReduNet), arXiv 2105.10446",
    about="Whether a block steps up the coding rate (above 0) or against it, as a denoiser does (below 0).",
    table=Table.NOTHING,
    null="either",
    null_by=_ROTATION,
    own_null=lambda statistics: statistics.update().expansion(statistics.eps).null,
    **{**_PAIRS, "needs": (*_NEEDS, Need.RATES)},
)
def expansion_alignment(statistics: LayerStatistics) -> float:
    """At the layer's ε."""
    return statistics.update().expansion(statistics.eps).value


@metric(
    UPDATE,
    key="expansion_z",
    label="expansion alignment in standard deviations of its null",
    short="z_E",
    unit="",
    formula="A_E over its standard deviation under rotations, √(Σ tᵢ² vᵢᵀΔᵀΔvᵢ/d) up to norms",
    source="",
    about="Beyond ±1.96 a block's expansion or contraction is more than a random direction would give.",
    table=Table.VALUE,
    no_null="it is already in units of its null",
    **{**_PAIRS, "needs": (*_NEEDS, Need.RATES)},
)
def expansion_z(statistics: LayerStatistics) -> float:
    """At the layer's ε."""
    return statistics.update().expansion(statistics.eps).z


@metric(
    UPDATE,
    key="contraction",
    label="contraction b",
    short="b",
    unit="",
    formula="b of the fit gᵢ − 1 = a + b σ²/(λᵢ/N + σ²) to the gains gᵢ = vᵢᵀZᵀZ′vᵢ/λᵢ",
    source="",
    about="Below 0 a block contracts directions of low variance, as denoisers do; above 0 it expands them.",
    table=Table.VALUE,
    null="smaller",
    null_by=_REFITS,
    own_null=lambda statistics: statistics.contraction_nulls()[0],
    **_PAIRS,
)
def contraction(statistics: LayerStatistics) -> float:
    """The slope."""
    return statistics.contraction().slope


@metric(
    UPDATE,
    key="contraction_r2",
    label="R² of the contraction",
    short="R²",
    unit="",
    formula="the share of the gains' weighted variance that the fit explains",
    source="",
    about="How much of the gains a monotone contraction explains: σ² is chosen freely, so read its null.",
    table=Table.NOTHING,
    format=Format.SHARE,
    null="greater",
    null_by=_REFITS,
    own_null=lambda statistics: statistics.contraction_nulls()[1],
    **_PAIRS,
)
def contraction_r2(statistics: LayerStatistics) -> float:
    """Weighted by the gains' errors."""
    return statistics.contraction().r2


@dataclass(frozen=True)
class ContractionFit:
    """The rest of the fit: a, σ² in units of λ/N, and the 95 % interval of b at this σ²."""

    offset: float
    noise: float
    standard_error: float
    low: float
    high: float


@metric(
    UPDATE,
    key="contraction_fit",
    label="fit of the contraction",
    short="fit",
    unit="",
    formula="a, σ² and b ± 1.96 s.e., the s.e. of weighted least squares at this σ²",
    source="",
    about="The curve through the gains; its σ is not the scheduler's, because the gains barely constrain it.",
    shape=Shape.RECORD,
    table=Table.NOTHING,
    parts={"offset": "a", "noise": "σ²", "standard_error": "s.e. of b", "low": "b low", "high": "b high"},
    no_null="b and R² have theirs",
    no_error="none: it contains the error of b under rotations; b itself has a jackknife error over images",
    needs=_NEEDS,
    cost=Cost.PAIRS,
)
def contraction_fit(statistics: LayerStatistics) -> ContractionFit:
    """Of the same fit."""
    fit = statistics.contraction()
    margin = 1.96 * fit.standard_error
    return ContractionFit(fit.offset, fit.noise, fit.standard_error, fit.slope - margin, fit.slope + margin)


@metric(
    UPDATE,
    key="gains",
    label="gains along the eigenvectors of the input",
    short="gains",
    unit="",
    formula="gᵢ = vᵢᵀZᵀZ′vᵢ/λᵢ, with √(vᵢᵀΔᵀΔvᵢ/(d λᵢ)), its standard deviation under rotations",
    source="",
    about="The factor by which a block scales each eigenvector: a denoiser's rise from 0 to 1 with the variance.",
    shape=Shape.CURVE,
    columns=("eigenvalue", "gain", "standard_error"),
    no_null="1, within the error of each gain",
    no_error="no jackknife: each gain is given with its rotation error",
    needs=_NEEDS,
    cost=Cost.PAIRS,
)
def gains(statistics: LayerStatistics) -> Any:
    """λ/N, g and its error (r, 3), ascending in λ."""
    return statistics.update().gains
