"""How large the feature vectors are."""

from typing import Any

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Cost, Family, mean_over_images
from subspacelens_tui.analysis.statistics.columns import Columns

FEATURE_NORM = Family("feature_norm", "Feature norm", order=6, evidence="feature_norm")


@mean_over_images(
    FEATURE_NORM,
    key="feature_norm",
    label="mean feature norm",
    short="norm",
    unit="",
    formula="mean of ‖x‖₂ over images",
    source="",
    about="The scale of the raw features, which sets what a fixed ε means at a depth.",
    cost=Cost.FIRST,
    no_null="the labels do not enter",
    error=Cost.FIRST,
)
def feature_norm(columns: Columns) -> Any:
    """Of each image."""
    return np.sqrt(columns.squares)
