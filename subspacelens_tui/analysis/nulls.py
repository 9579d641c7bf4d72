"""The figures of a sample under permuted labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.sample import Images, Sample
from subspacelens_tui.analysis.watch import Watch
from subspacelens_tui.geometry import (
    Design,
    NullSummary,
    PermutedClasses,
    null_class_centred_rate,
    null_class_rate,
    permuted_classes,
    permuted_labels,
    summarize_null,
)

FIRST_PERMUTATIONS = 4
"""Enough for a first null line: its mean is unbiased, and off by `NullSummary.standard_error`."""

_ROUNDING = 1e-10
_SUBSPACES = "permuted subspaces"


@dataclass(frozen=True)
class Permutations:
    """Which label permutations a null is made of."""

    design: Design
    count: int
    seed: int

    def labelings(self, images: Images) -> npt.NDArray[np.int64]:
        """The permuted labels (count, N).

        Raises:
            GeometryError: if the design permutes nothing here, or lacks what it needs.
        """
        groups: list[int] | list[str] | None = None
        if self.design == "within-seed":
            groups = images.seeds
        elif self.design == "subjects":
            groups = images.prompts
        elif self.design == "fine-within-coarse":
            groups = images.coarser_labels
        return np.asarray(
            permuted_labels(np.asarray(images.labels), self.design, self.count, self.seed, groups=groups)
        )


def rate_nulls(
    sample: Sample, eps: list[float], permutations: Permutations, rank: int | None, watch: Watch
) -> list[dict[str, NullSummary]]:
    """For each layer the nulls of ΔR, Rc and Rc/R.

    Args:
        sample: the images.
        eps: ε of each layer.
        permutations: of the labels.
        rank: of the subspaces whose null was computed before, if it was: its spectra give the rates at any ε.
        watch: who waits.

    Raises:
        GeometryError: see `Permutations.labelings`.
        Cancelled: see `Watch`.
    """
    R, Rc = sample.keep_last(
        "permuted rates",
        (tuple(eps), permutations),
        lambda: _permuted_rates(sample, eps, permutations, rank, watch),
    )
    return [
        rate_summaries(
            sample.coding_rate(layer, eps[layer]),
            sample.class_rate(layer, eps[layer]),
            R[:, layer],
            Rc[:, layer],
        )
        for layer in range(len(sample.widths))
    ]


def _permuted_rates(
    sample: Sample, eps: list[float], permutations: Permutations, rank: int | None, watch: Watch
) -> tuple[Float64Array, Float64Array]:
    """R and Rc (permutations, layers); R depends on the labels in the class-centred view only."""
    labelings = permutations.labelings(sample.images)
    precisions = sample.precisions(eps)
    class_centred = sample.view == "class-centred"
    count = permutations.count
    whole = 2 * count if class_centred else count
    classes: PermutedClasses | None = sample.kept((_SUBSPACES, rank, permutations))
    Rc = np.asarray(
        classes.class_rate(1, precisions)
        if classes is not None
        else null_class_rate(
            sample.raw if class_centred else sample.grams,
            labelings,
            1,
            precisions,
            class_centred=class_centred,
            progress=watch.of("permutations", 0, whole),
        )
    )
    if class_centred:
        # Centred by the true classes, permuted ones would show an excess out of nothing.
        R = null_class_centred_rate(
            sample.raw, labelings, 1, precisions, progress=watch.of("permutations", count, whole)
        )
        return np.asarray(R), Rc
    observed = [sample.coding_rate(layer, eps[layer]) for layer in range(len(sample.widths))]
    return np.broadcast_to(np.asarray(observed), Rc.shape), Rc


def rate_summaries(
    R: float, Rc: float, null_R: Float64Array, null_Rc: Float64Array
) -> dict[str, NullSummary]:
    """The nulls of ΔR, Rc and Rc/R from R and Rc under each permutation (P,)."""
    # ΔR is the difference of large numbers: what is left of rounding must not pass for an excess.
    rounding = _ROUNDING * max(R, float(np.max(null_R)))
    found = {
        "delta_R": summarize_null(R - Rc, null_R - null_Rc, "greater", rounding),
        "Rc": summarize_null(Rc, null_Rc, "smaller", rounding),
    }
    if R > 0 and np.min(null_R) > 0:
        found["ratio"] = summarize_null(Rc / R, null_Rc / null_R, "smaller", _ROUNDING)
    return found


def overlap_nulls(
    sample: Sample,
    observed: list[dict[str, float]],
    rank: int,
    permutations: Permutations,
    watch: Watch,
) -> list[dict[str, NullSummary]]:
    """For each layer the nulls of the mean overlap and the mean variance explained.

    Args:
        sample: the images.
        observed: for each layer the figures themselves.
        rank: of the class subspaces.
        permutations: of the labels; one takes some four times what it takes for the rates alone.
        watch: who waits.

    Raises:
        GeometryError: see `Permutations.labelings`, or a permuted class spans fewer dimensions than `rank`.
        Cancelled: see `Watch`.
    """
    classes = sample.keep(
        (_SUBSPACES, rank, permutations),
        lambda: permuted_classes(
            sample.raw if sample.view == "class-centred" else sample.grams,
            permutations.labelings(sample.images),
            rank,
            class_centred=sample.view == "class-centred",
            progress=watch.of("permutations"),
            cancelled=watch.cancelled,
        ),
    )
    values = {"overlap_mean": classes.overlap, "explained_mean": classes.variance_explained}
    return [
        {
            figure: summarize_null(
                of_layer[figure], np.asarray(values[figure])[:, layer], "smaller", _ROUNDING
            )
            for figure in values
        }
        for layer, of_layer in enumerate(observed)
    ]
