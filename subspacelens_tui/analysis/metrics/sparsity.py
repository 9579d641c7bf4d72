"""How few coordinates carry a feature vector."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Table, mean_over_images, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics
from subspacelens_tui.analysis.statistics.columns import Columns
from subspacelens_tui.geometry import hoyer_from_norms, hoyer_gaussian, hoyer_laplace

SPARSITY = Family("sparsity", "Sparsity", order=4, evidence="hoyer")
_REFERENCE: dict[str, Any] = {
    "unit": "",
    "source": "",
    "cost": Cost.DEFERRED,
    "format": Format.SHARE,
    "remark": "entries, same d",
    "no_null": "it is itself a reference",
    "no_error": "none: it is exact",
}


@mean_over_images(
    SPARSITY,
    key="hoyer",
    label="Hoyer sparsity",
    short="Hoyer",
    unit="",
    formula="mean of (√d − ‖x‖₁/‖x‖₂)/(√d − 1) over images",
    source="Hoyer 2004, JMLR 5",
    about="0 if all entries of a vector are equal, 1 if all but one are zero; always of the raw features. "
    "Dense in these coordinates is not the opposite of a sparse code: see the Gaussian reference.",
    cost=Cost.FIRST,
    format=Format.SHARE,
    no_null="the labels do not enter; Gaussian and Laplace entries of the same width are the reference",
    error=Cost.FIRST,
)
def hoyer(columns: Columns) -> Any:
    """Of each image."""
    return hoyer_from_norms(columns.absolute, np.sqrt(columns.squares), columns.width)


@metric(
    SPARSITY,
    key="hoyer_gaussian",
    label="Hoyer sparsity of Gaussian entries",
    short="Gauss",
    formula="its expectation for d independent Gaussian entries",
    about="Hoyer sparsity without any structure, at this width. Truly sparse codes have it as well: a sum of "
    "a few atoms of a random dictionary has a direction that is just as uniform.",
    **_REFERENCE,
)
def gaussian(statistics: LayerStatistics) -> float:
    """Exact."""
    return hoyer_gaussian(statistics.width)


@metric(
    SPARSITY,
    key="hoyer_laplace",
    table=Table.NOTHING,
    label="Hoyer sparsity of Laplace entries",
    short="Laplace",
    formula="its expectation for d independent Laplace entries",
    about="The same for entries of heavier tails.",
    **_REFERENCE,
)
def laplace(statistics: LayerStatistics) -> float:
    """By quadrature."""
    return hoyer_laplace(statistics.width)
