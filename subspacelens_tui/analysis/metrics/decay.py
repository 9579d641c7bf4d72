"""How fast the eigenvalues fall."""

import numpy as np

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.geometry import GeometryError

DECAY = Family("decay", "Decay of the spectrum", order=6, evidence="decay")
# As α-ReQ and Stringer et al. 2019 fit it: the largest few follow no power law.
_FIRST, _LAST, _LEAST = 11, 100, 10


@metric(
    DECAY,
    key="alpha_req",
    label="exponent of the spectrum, α-ReQ",
    short="α",
    unit="",
    formula="−slope of log λᵢ over log i, i = 11 to 100, or to min(N, d)/2 where that is less",
    source="Agrawal et al. 2022 (α-ReQ), NeurIPS 35; Stringer et al. 2019, Nature 571",
    about="α of λᵢ ∝ i^−α. A steeper spectrum has fewer effective dimensions: α says the same as the ranks.",
    relations="α-ReQ. For an exact power law every rank above is a function of α and min(N, d)",
    needs=(Need.IMAGES, Need.SPECTRUM),
    cost=Cost.DEFERRED,
    table=Table.NOTHING,
    no_null="the labels do not enter",
    no_error="none: with few images the smaller eigenvalues are too small, which a jackknife does not correct",
)
def alpha_req(statistics: LayerStatistics) -> float:
    """By least squares."""
    values = statistics.spectrum()
    ceiling = min(statistics.columns, statistics.width)
    last = min(_LAST, ceiling // 2)
    if last - _FIRST + 1 < _LEAST:
        raise GeometryError(
            f"the exponent is fitted to eigenvalues {_FIRST} to {_FIRST + _LEAST - 1} or further, and to no "
            f"more than half of {ceiling}"
        )
    fitted = values[_FIRST - 1 : last]
    if not fitted.min() > 0:
        raise GeometryError("eigenvalues that the exponent is fitted to are 0")
    index = np.arange(_FIRST, last + 1)
    return -float(np.polyfit(np.log(index), np.log(fitted), 1)[0])
