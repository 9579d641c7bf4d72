"""How far the subspaces of the classes coincide."""

from typing import Any

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Shape, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need

OVERLAP = Family("overlap", "Class subspaces", order=3, evidence="overlap_mean")
_SHARED: dict[str, Any] = {
    "unit": "",
    "needs": (Need.CLASSES, Need.SUBSPACES),
    "format": Format.SHARE,
}
_NO_NULL = "none for single pairs; their mean has one"
_HALVED: dict[str, Any] = {
    "unit": "",
    "needs": (Need.HALVES, Need.IMAGES, Need.CLASSES, Need.SUBSPACES),
    "format": Format.SHARE,
    "cost": Cost.DEFERRED,
    "no_null": "it is itself the reference for overlaps between halves",
    "no_error": "none: its noise comes from the random halves",
}
_BJORCK = "Björck & Golub 1973"


@metric(
    OVERLAP,
    key="overlap_mean",
    table=Table.EVIDENCE,
    label="mean overlap of class subspaces",
    short="overlap",
    formula="mean of ‖Uᵢᵀ Uⱼ‖²/r over i ≠ j, U the top r left singular vectors of a class",
    source=_BJORCK,
    about="Mean squared cosine of the principal angles between the subspaces of two classes.",
    null="smaller",
    error=Cost.DEFERRED,
    **_SHARED,
)
def overlap_mean(statistics: LayerStatistics) -> float:
    """Off the diagonal."""
    return statistics.subspace_means()[0]


@metric(
    OVERLAP,
    key="explained_mean",
    table=Table.NOTHING,
    label="mean variance explained of other classes",
    short="explained",
    formula="mean of tr(Uᵢᵀ Sⱼ Uᵢ)/tr Sⱼ over i ≠ j",
    source="",
    about="The share of a class that lies inside the subspace of another.",
    null="smaller",
    error=Cost.DEFERRED,
    **_SHARED,
)
def explained_mean(statistics: LayerStatistics) -> float:
    """Off the diagonal."""
    return statistics.subspace_means()[1]


@metric(
    OVERLAP,
    key="split_half_mean",
    label="overlap of halves of two classes",
    short="two halves",
    formula="mean over random halves of ‖UᵢᵀUⱼ′‖²/r, i ≠ j",
    source="",
    about="The overlap between classes at half the images: what to compare with the ceiling.",
    **_HALVED,
)
def split_half_mean(statistics: LayerStatistics) -> float:
    """Of two classes."""
    return statistics.split_half_means()[1]


@metric(
    OVERLAP,
    key="split_half_ceiling",
    label="overlap of halves of one class",
    short="own half",
    formula="mean over random halves of ‖UᵢᵀUᵢ′‖²/r",
    source="",
    about="The overlap that a class has with itself at half its images.",
    **_HALVED,
)
def split_half_ceiling(statistics: LayerStatistics) -> float:
    """Of one class."""
    return statistics.split_half_means()[0]


@metric(
    OVERLAP,
    key="overlap",
    label="overlap of class subspaces",
    short="overlap",
    formula="‖Uᵢᵀ Uⱼ‖²/r",
    source=_BJORCK,
    about="The same for each pair of classes.",
    shape=Shape.CLASSES,
    no_null=_NO_NULL,
    no_error="none for single pairs; their mean has one",
    **_SHARED,
)
def overlap(statistics: LayerStatistics) -> Any:
    """All pairs."""
    return statistics.subspaces()[0]


@metric(
    OVERLAP,
    key="explained",
    label="variance explained of other classes",
    short="explained",
    formula="tr(Uᵢᵀ Sⱼ Uᵢ)/tr Sⱼ",
    source="",
    about="Rows are the classes whose subspace is used, columns those explained; not symmetric.",
    shape=Shape.CLASSES,
    no_null=_NO_NULL,
    no_error="none for single pairs; their mean has one",
    **_SHARED,
)
def explained(statistics: LayerStatistics) -> Any:
    """All pairs."""
    return statistics.subspaces()[1]
