"""The part of a block's update that only the labels explain, and what two nulls say of it."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need

LABEL_PART = Family("label_part", "Label part of the update", order=9, evidence="label part")
_WIDE = "none: its jackknife came out about twice too wide"
_NEEDS = (Need.IMAGES, Need.CLASSES, Need.UPDATE, Need.RATES)
_BOTH: dict[str, Any] = {
    "needs": (*_NEEDS, Need.PERMUTATIONS),
    "cost": Cost.DEFERRED,
    "no_error": _WIDE,
    "table": Table.NOTHING,
    "unit": "",
    "source": "",
}


def _permuted(statistics: LayerStatistics, labelings: Any) -> Any:
    """L_y under permuted labels."""
    return statistics.label_evidence(labelings).values


@metric(
    LABEL_PART,
    key="label_part",
    label="label part of the update, L_y",
    short="L_y",
    unit="nats",
    formula="−⟨Δ⊥, CZ⟩, C = Σₖ γₖ Cₖ; ⊥: without every function of the spectrum, Σ hᵢ uᵢvᵢᵀ",
    source="the gradient: Chan et al. 2022 (ReduNet), arXiv 2105.10446",
    about="How far a block compresses its classes, beyond what any map that knows no labels can do.",
    needs=_NEEDS,
    cost=Cost.DEFERRED,
    null="greater",
    permuted=_permuted,
    table=Table.VALUE,
    no_error=_WIDE,
)
def label_part(statistics: LayerStatistics) -> float:
    """At the layer's ε."""
    return statistics.label_part()[0]


def _same_norms(statistics: LayerStatistics, labelings: Any) -> Any:
    """Those of the labels themselves, so that z and p of the alignment are those of L_y."""
    return np.full(len(labelings.codes), statistics.label_part()[1])


@metric(
    LABEL_PART,
    key="label_scale",
    label="norms of the label part",
    short="norms",
    unit="nats",
    formula="‖CZ⊥‖ ‖Δ⊥‖",
    source="",
    about="What the label part would be if the block did nothing but compress its classes.",
    needs=_NEEDS,
    cost=Cost.DEFERRED,
    permuted=_same_norms,
    table=Table.NOTHING,
    no_null="permuted labels are divided by the same norms",
    no_error=_WIDE,
)
def label_scale(statistics: LayerStatistics) -> float:
    """At the layer's ε."""
    return statistics.label_part()[1]


@metric(
    LABEL_PART,
    key="label_alignment",
    label="label alignment A_lab",
    short="A_lab",
    unit="",
    formula="L_y/(‖CZ⊥‖ ‖Δ⊥‖); permuted labels in the same norms",
    of=("label_part", "label_scale"),
    source="",
    about="1 for a step that compresses the classes. A claim needs z_rot beside p: see label claim.",
    needs=_NEEDS,
    cost=Cost.DEFERRED,
    null="greater",
    table=Table.NOTHING,
    no_error=_WIDE,
)
def label_alignment(label_part: Any, label_scale: Any) -> Any:
    """A cosine."""
    return label_part / label_scale


@metric(
    LABEL_PART,
    key="label_excess_alignment",
    label="excess label alignment A_ex",
    short="A_ex",
    formula="(L_y − its permuted mean)/(‖ZW‖ ‖Δ⊥‖), W = α offdiag(B̄ − B_y)H in the eigenvectors of ZᵀZ",
    about="The cosine of the update with what the labels compress more than permuted labels do.",
    no_null="it is tested by label_rotation_z and the p of label_part",
    **_BOTH,
)
def label_excess_alignment(statistics: LayerStatistics) -> float:
    """Of the settings' design."""
    return statistics.label_evidence().cosine


@metric(
    LABEL_PART,
    key="label_rotation_z",
    label="label part in standard deviations under rotations",
    short="z_rot",
    formula="(L_y − its permuted mean)/√(Σ (Δ⊥ᵀΔ⊥)∘(WᵀZᵀZW)/d)",
    about="Whether Δ⊥ points along the labels' compression more than a random direction does; 1.645 is 5 %.",
    no_null="it is already in units of its null",
    **_BOTH,
)
def label_rotation_z(statistics: LayerStatistics) -> float:
    """Of the settings' design."""
    return statistics.label_evidence().rotation_z


@metric(
    LABEL_PART,
    key="label_claim",
    label="label claim",
    short="both",
    formula="1 if p of L_y ≤ .05 and z_rot > 1.645, else 0",
    about="1 where both nulls are rejected; either alone rejects too often, see validation.md.",
    no_null="it is itself a test, with a level of 5 % at most",
    **_BOTH,
)
def label_claim(statistics: LayerStatistics) -> float:
    """Of the settings' design."""
    return float(statistics.label_evidence().both)
