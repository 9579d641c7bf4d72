"""Whether a few coordinates are far larger than all others."""

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.geometry import GeometryError

MASSIVE = Family("massive_dimensions", "Massive dimensions", order=7, evidence="largest_coordinate_share")


@metric(
    MASSIVE,
    key="largest_coordinate_share",
    label="share of the largest coordinate",
    short="top dim",
    unit="",
    formula="maxⱼ Σᵢ zᵢⱼ² / Σᵢⱼ zᵢⱼ²",
    source="massive activations: Sun et al. 2024, arXiv 2402.17762",
    about="The share of Σ z² in one coordinate: near 1, it alone decides rates, ranks and overlaps.",
    cost=Cost.DEFERRED,
    format=Format.SHARE,
    remark="of Σz²",
    needs=(Need.IMAGES,),
    no_null="the labels do not enter; compare it with 1/d",
    no_error="none: a maximum is not smooth, and the jackknife needs a smooth metric",
)
def largest_coordinate_share(statistics: LayerStatistics) -> float:
    """Of all images together."""
    squares = statistics.coordinate_squares()
    total = float(squares.sum())
    if total == 0:
        raise GeometryError("all features are zero (or equal, if centred): they have no largest coordinate")
    return float(squares.max()) / total
