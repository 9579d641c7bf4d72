"""The figures of a sample under permuted labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.sample import Images, Sample
from subspacelens_tui.geometry import (
    Design,
    NullSummary,
    null_class_centred_rate,
    null_class_rate,
    null_overlap,
    permuted_labels,
    summarize_null,
)

IsCancelled = Callable[[], bool]

_ROUNDING = 1e-10


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
    sample: Sample, eps: list[float], permutations: Permutations, cancelled: IsCancelled | None
) -> list[dict[str, NullSummary]]:
    """For each layer the nulls of ΔR, Rc and Rc/R.

    Raises:
        GeometryError: see `Permutations.labelings`.
        Cancelled: once `cancelled` says True.
    """
    R, Rc = sample.keep(
        ("permuted rates", tuple(eps), permutations),
        lambda: _permuted_rates(sample, eps, permutations, cancelled),
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
    sample: Sample, eps: list[float], permutations: Permutations, cancelled: IsCancelled | None
) -> tuple[Float64Array, Float64Array]:
    """R and Rc (permutations, layers); R depends on the labels in the class-centred view only."""
    labelings = permutations.labelings(sample.images)
    precisions = sample.precisions(eps)
    if sample.view == "class-centred":
        # Centred by the true classes, permuted ones would show an excess out of nothing.
        raw = sample.raw
        Rc = null_class_rate(raw, labelings, 1, precisions, class_centred=True, cancelled=cancelled)
        return np.asarray(null_class_centred_rate(raw, labelings, 1, precisions)), np.asarray(Rc)
    Rc = np.asarray(null_class_rate(sample.grams, labelings, 1, precisions, cancelled=cancelled))
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
    observed: list[float],
    rank: int,
    permutations: Permutations,
    cancelled: IsCancelled | None,
) -> list[NullSummary]:
    """For each layer the null of the mean off-diagonal overlap; five times the cost of `rate_nulls`.

    Raises:
        GeometryError: see `Permutations.labelings`, or a permuted class spans fewer dimensions than `rank`.
        Cancelled: once `cancelled` says True.
    """
    values = sample.keep(
        ("permuted overlaps", rank, permutations),
        lambda: np.asarray(
            null_overlap(
                sample.raw if sample.view == "class-centred" else sample.grams,
                permutations.labelings(sample.images),
                rank,
                class_centred=sample.view == "class-centred",
                cancelled=cancelled,
            )
        ),
    )
    return [
        summarize_null(mean, values[:, layer], "smaller", _ROUNDING) for layer, mean in enumerate(observed)
    ]
