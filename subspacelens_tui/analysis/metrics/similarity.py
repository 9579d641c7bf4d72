"""How alike layers, branches and steps arrange the same images."""

from typing import Any

from subspacelens_tui.analysis.metrics.registry import Cost, Family, Format, Shape, Table, metric
from subspacelens_tui.analysis.statistics.base import LayerStatistics, Need
from subspacelens_tui.analysis.statistics.pairs_of_layers import LayersTogether

SIMILARITY = Family("similarity", "Similarity of representations", order=11, evidence="similarity")
_FORMULA = "HSIC₁(K, L)/√(HSIC₁(K, K) HSIC₁(L, L)), HSIC₁ unbiased, K = ZᵀZ"
_SOURCE = "Song et al. 2012, JMLR 13; Nguyen et al. 2021, arXiv 2010.15327"
_EXACT = "images of one side permuted: mean 0 and standard deviation about √2/N, both exact"
_ALIKE: dict[str, Any] = {
    "unit": "",
    "formula": _FORMULA,
    "source": _SOURCE,
    "cost": Cost.DEFERRED,
    "format": Format.SHARE,
    "no_error": "none: images of one subject or seed are alike in both, and the jackknife was not validated",
}


@metric(
    SIMILARITY,
    key="cka",
    label="CKA of layers",
    short="CKA",
    about="How alike two layers arrange the images: 1 up to rotation and scale, about 0 by chance.",
    shape=Shape.LAYERS,
    table=Table.NOTHING,
    null="greater",
    null_by=_EXACT,
    own_null=LayersTogether.cka_null,
    **_ALIKE,
)
def cka(together: LayersTogether) -> Any:
    """Of all pairs."""
    return together.cka()


@metric(
    SIMILARITY,
    key="cka_branches",
    label="CKA of cond and uncond",
    short="CKA c–u",
    about="How alike the two branches arrange the images at this layer and step.",
    needs=(Need.IMAGES, Need.BRANCHES),
    table=Table.VALUE,
    null="greater",
    null_by=_EXACT,
    own_null=lambda statistics: statistics.cka_of_branches_null(),
    **_ALIKE,
)
def cka_branches(statistics: LayerStatistics) -> float:
    """Of the same images."""
    return statistics.cka_of_branches()


@metric(
    SIMILARITY,
    key="cka_steps",
    label="CKA of captured steps",
    short="CKA steps",
    about="How alike this layer arranges the images at different denoising steps.",
    needs=(Need.IMAGES, Need.STEPS),
    shape=Shape.STEPS,
    table=Table.NOTHING,
    no_null="that of cka_branches, for the same number of images",
    **_ALIKE,
)
def cka_steps(statistics: LayerStatistics) -> Any:
    """In the order of the captured steps."""
    return statistics.cka_of_steps()
