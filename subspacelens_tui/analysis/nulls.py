"""The figures of a sample under permuted labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.images import Images
from subspacelens_tui.analysis.sample import Sample
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
from subspacelens_tui.geometry.rounding import TIE

FIRST_PERMUTATIONS = 4
"""Enough for a first null line: its mean is unbiased, and off by `NullSummary.standard_error`."""

_SUBSPACES = "permuted subspaces"
_PERMUTATIONS = "permutations"


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
    coarse = [sample.rates_are_coarse(layer, of_layer) for layer, of_layer in enumerate(eps)]
    known: dict[int, _Permuted] = sample.kept((_SUBSPACES, rank, permutations)) or {}
    Rc = _class_rates(sample, labelings, precisions, coarse, known, watch)
    if sample.view == "class-centred":
        # Centred by the true classes, permuted ones would show an excess out of nothing.
        return _class_centred_rates(sample, labelings, precisions, coarse, watch), Rc
    observed = [sample.coding_rate(layer, of_layer) for layer, of_layer in enumerate(eps)]
    return np.broadcast_to(np.asarray(observed), Rc.shape), Rc


def _class_rates(
    sample: Sample,
    labelings: npt.NDArray[np.int64],
    precisions: Float64Array,
    coarse: list[bool],
    known: "dict[int, _Permuted]",
    watch: Watch,
) -> Float64Array:
    """Rc (permutations, layers), of layers whose Gram matrix is too coarse from their features."""
    count, class_centred = len(labelings), sample.view == "class-centred"
    whole = 2 * count if class_centred else count
    Rc = np.empty((count, len(coarse)))
    left = []
    for layer, precision in enumerate(precisions.tolist()):
        if layer in known and (known[layer].of_features or not coarse[layer]):
            Rc[:, layer] = known[layer].classes.class_rate(1, precision)
        elif coarse[layer]:
            said = watch.of(_PERMUTATIONS, 0, whole)
            Rc[:, layer] = sample.by_features.permuted_class_rate(layer, labelings, precision, said)
        else:
            left.append(layer)
    if left:
        Rc[:, left] = null_class_rate(
            _some(sample.raw if class_centred else sample.grams, left),
            labelings,
            1,
            precisions[left],
            class_centred=class_centred,
            progress=watch.of(_PERMUTATIONS, 0, whole),
        )
    return Rc


def _class_centred_rates(
    sample: Sample,
    labelings: npt.NDArray[np.int64],
    precisions: Float64Array,
    coarse: list[bool],
    watch: Watch,
) -> Float64Array:
    """R (permutations, layers) of the class-centred view, each labelling centred by its own classes."""
    said = watch.of(_PERMUTATIONS, len(labelings), 2 * len(labelings))
    R = np.empty((len(labelings), len(coarse)))
    for layer in np.flatnonzero(coarse).tolist():
        R[:, layer] = sample.by_features.permuted_rate(layer, labelings, precisions[layer], said)
    if not all(coarse):
        left = [layer for layer, is_coarse in enumerate(coarse) if not is_coarse]
        R[:, left] = null_class_centred_rate(
            _some(sample.raw, left), labelings, 1, precisions[left], progress=said
        )
    return R


def _some(grams: Float64Array, layers: list[int]) -> Float64Array:
    """The Gram matrices of some layers, without a copy of all."""
    return grams if len(layers) == len(grams) else grams[layers]


def rate_summaries(
    R: float, Rc: float, null_R: Float64Array, null_Rc: Float64Array
) -> dict[str, NullSummary]:
    """The nulls of ΔR, Rc and Rc/R from R and Rc under each permutation (P,)."""
    # ΔR is the difference of large numbers: what is left of rounding must not pass for an excess.
    rounding = TIE * max(R, float(np.max(null_R)))
    found = {
        "delta_R": summarize_null(R - Rc, null_R - null_Rc, "greater", rounding),
        "Rc": summarize_null(Rc, null_Rc, "smaller", rounding),
    }
    if R > 0 and np.min(null_R) > 0:
        found["ratio"] = summarize_null(Rc / R, null_Rc / null_R, "smaller", TIE)
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
    found = sample.keep(
        (_SUBSPACES, rank, permutations), lambda: _permuted(sample, rank, permutations, watch)
    )
    classes = [found[layer].classes for layer in range(len(observed))]
    values = {
        "overlap_mean": [of.overlap for of in classes],
        "explained_mean": [of.variance_explained for of in classes],
    }
    return [
        {
            figure: summarize_null(of_layer[figure], np.asarray(values[figure][layer]), "smaller", TIE)
            for figure in values
        }
        for layer, of_layer in enumerate(observed)
    ]


@dataclass(frozen=True)
class _Permuted:
    """The permuted classes of one layer, and whether they are of its features."""

    classes: PermutedClasses
    of_features: bool


def _permuted(sample: Sample, rank: int, permutations: Permutations, watch: Watch) -> dict[int, _Permuted]:
    labelings, layers = permutations.labelings(sample.images), len(sample.widths)
    class_centred = sample.view == "class-centred"
    grams = sample.raw if class_centred else sample.grams
    found = {}
    for layer in range(layers):
        said = watch.of(_PERMUTATIONS, layer * len(labelings), layers * len(labelings))
        coarse = sample.subspaces_are_coarse(layer, rank)
        classes = (
            sample.by_features.permuted_classes(layer, labelings, rank, said, watch.cancelled)
            if coarse
            else permuted_classes(
                grams[layer],
                labelings,
                rank,
                class_centred=class_centred,
                progress=said,
                cancelled=watch.cancelled,
            )
        )
        found[layer] = _Permuted(classes, coarse)
    return found
