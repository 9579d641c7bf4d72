"""Whether images lie nearest to images of their class, of other subjects."""

from typing import Any

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need

NEIGHBOURS = Family("neighbours", "Nearest neighbours", order=10, evidence="neighbours")


def _permuted(statistics: LayerStatistics, labelings: Any) -> Any:
    return statistics.knn(labelings.codes)


@metric(
    NEIGHBOURS,
    key="knn_accuracy",
    label="nearest-neighbour accuracy",
    short="5-NN",
    unit="",
    formula="share of images whose class is the commonest among their 5 nearest images of other subjects",
    source="Cover & Hart 1967",
    about="Whether classes lie together beyond their subjects. Chance is not 1/K: read its null.",
    needs=(Need.IMAGES, Need.CLASSES, Need.SUBJECTS),
    cost=Cost.DEFERRED,
    format=Format.SHARE,
    table=Table.VALUE,
    null="greater",
    permuted=_permuted,
    error=Cost.DEFERRED,
)
def knn_accuracy(statistics: LayerStatistics) -> float:
    """Of centred features; whole subjects are left out together."""
    return float(statistics.knn()[0])
