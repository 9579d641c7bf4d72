"""Whether the images look Gaussian from every side."""

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Shape, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.geometry import ProjectionNormality, projection_normality

NORMALITY = Family("normality", "Normality", order=5, evidence="normality")


@metric(
    NORMALITY,
    key="normality",
    label="projections that are not normal",
    short="JB",
    unit="",
    formula="share of 500 random projections on which N/6 (S² + K²/4) exceeds its 1 % point",
    source="Jarque & Bera 1987",
    about="For all images, with class means removed, and for Gaussian features of the same covariance.",
    needs=(Need.VECTORS, Need.IMAGES),
    shape=Shape.RECORD,
    cost=Cost.DEFERRED,
    format=Format.SHARE,
    parts={"pooled": "JB", "class_centred": "JB cls", "surrogate": "JB gau"},
    no_null="Gaussian features of the same covariance are shown beside it; 1 % by construction",
    no_error="none: a share of rejections jumps with single images, and the jackknife needs a smooth metric",
)
def normality(statistics: LayerStatistics) -> ProjectionNormality:
    """By simulated critical values."""
    seed = statistics.settings.seed
    return projection_normality(statistics.features(), statistics.labels, seed)
