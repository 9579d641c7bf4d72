"""Coding rates and what they are reduced by."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.geometry import GeometryError

RATES = Family("rates", "Rates", order=1, evidence="")
_YU = "Yu et al. 2020, arXiv 2006.08558"


@metric(
    RATES,
    key="R",
    label="coding rate R",
    short="R",
    unit="nats",
    formula="½ log det(I + d/(N ε²) Z Zᵀ)",
    source=_YU,
    about="How many nats code an image of any class up to a distortion ε.",
    needs=(Need.IMAGES, Need.RATES),
    cost=Cost.FIRST,
    no_null="the labels do not enter (class-centred, they do, and its null is part of the null of ΔR)",
    error=Cost.FIRST,
)
def coding_rate(statistics: LayerStatistics) -> float:
    """R."""
    return statistics.coding_rate()


@metric(
    RATES,
    key="Rc",
    label="class rate Rc",
    short="Rc",
    unit="nats",
    formula="Σₖ (Nₖ/N) · ½ log det(I + d/(Nₖ ε²) Zₖ Zₖᵀ)",
    source=_YU,
    about="The same if the class of an image is known: smaller if classes are simpler than their union.",
    needs=(Need.IMAGES, Need.CLASSES, Need.RATES),
    cost=Cost.FIRST,
    null="smaller",
    ties="R",
    error=Cost.FIRST,
)
def class_rate(statistics: LayerStatistics) -> float:
    """Rc."""
    return statistics.class_rate()


@metric(
    RATES,
    key="delta_R",
    table=Table.EVIDENCE,
    label="rate reduction ΔR",
    short="ΔR",
    unit="nats",
    formula="R − Rc",
    source=_YU,
    about="What knowing the class saves. It grows with any refinement of the labels: read its excess.",
    of=("R", "Rc"),
    needs=(Need.IMAGES, Need.CLASSES, Need.RATES),
    cost=Cost.FIRST,
    null="greater",
    ties="R",
    error=Cost.FIRST,
)
def rate_reduction(R: Any, Rc: Any) -> Any:
    """ΔR."""
    return R - Rc


@metric(
    RATES,
    key="ratio",
    format=Format.SHARE,
    table=Table.EVIDENCE,
    label="Rc/R",
    short="Rc/R",
    unit="",
    formula="Rc / R",
    source="",
    about="The share of the coding rate that is left once the class is known; 1 where classes say nothing.",
    of=("R", "Rc"),
    needs=(Need.IMAGES, Need.CLASSES, Need.RATES),
    cost=Cost.FIRST,
    null="smaller",
    error=Cost.FIRST,
)
def ratio(R: Any, Rc: Any) -> Any:
    """Rc/R."""
    if not np.all(np.asarray(R) > 0):
        raise GeometryError("R is 0: all features are zero")
    return Rc / R
