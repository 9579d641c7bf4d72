"""Error bars of a sample's figures by the jackknife. Why no bootstrap: see `geometry.jackknife`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.sample import Sample
from subspacelens_tui.analysis.watch import Watch
from subspacelens_tui.geometry import (
    GeometryError,
    delete_one_ranks,
    group_jackknife,
    jackknife,
    jackknife_error,
    permuted_classes,
)
from subspacelens_tui.geometry.delete_one_ranks import nearly_all

ErrorsBy = Literal["image", "seed", "subject", "seed+subject"]
"""What is left out in turn; with both, the variances of the two add up (docs/figures.md)."""
RATES = ("R", "Rc", "delta_R", "ratio")
OVERLAPS = ("overlap_mean", "explained_mean")


@dataclass(frozen=True)
class ErrorBar:
    """Jackknife standard error of a figure and its 95 % interval.

    Attributes:
        standard_error, low, high: in the unit of the figure.
        left_out: the figure without each image, seed or subject in turn; two of them where both are left out.
    """

    standard_error: float
    low: float
    high: float
    left_out: tuple[Float64Array, ...] = field(compare=False, repr=False)


def error_bar(value: float, left_out: Sequence[Float64Array]) -> ErrorBar:
    """The error bar of a figure from its values without each image or group; several kinds add in squares.

    Raises:
        GeometryError: if one of them is fewer than two values.
    """
    error, margin = combined_error(left_out)
    return ErrorBar(error, value - margin, value + margin, tuple(left_out))


def combined_error(left_out: Sequence[Float64Array], level: float = 0.95) -> tuple[float, float]:
    """Standard error, and half the width of the interval: each the root of the sum of squares."""
    found = [jackknife_error(values, level) for values in left_out]
    return tuple(float(np.sqrt(sum(part[i] ** 2 for part in found))) for i in (0, 1))  # type: ignore[return-value]


def rate_errors(sample: Sample, eps: list[float], by: ErrorsBy, watch: Watch) -> list[dict[str, ErrorBar]]:
    """For each layer the error bars of R, Rc, ΔR and Rc/R.

    Raises:
        GeometryError: if a class has a single image, or all images are of one seed or subject.
        Cancelled: see `Watch`.
    """
    return sample.keep_last("rate errors", (tuple(eps), by), lambda: _rate_errors(sample, eps, by, watch))


def _rate_errors(sample: Sample, eps: list[float], by: ErrorsBy, watch: Watch) -> list[dict[str, ErrorBar]]:
    labels = np.asarray(sample.labels)
    found = []
    for layer, precision in enumerate(sample.precisions(eps)):
        watch.said("error bars of the rates", layer, len(eps))
        G, coarse = sample.raw[layer], sample.rates_are_coarse(layer, eps[layer])
        estimates = []
        for groups in _groups(sample, by):
            if coarse:
                estimate = sample.by_features.jackknife(layer, precision, groups, watch.cancelled)
            elif groups is None:
                estimate = jackknife(G, labels, 1, precision, sample.view)
            else:
                estimate = group_jackknife(
                    G, labels, groups, 1, precision, sample.view, cancelled=watch.cancelled
                )
            estimates.append(estimate)
        found.append(
            {
                rate: error_bar(
                    float(getattr(estimates[0], rate).value),
                    [np.asarray(getattr(estimate, rate).left_out) for estimate in estimates],
                )
                for rate in RATES
            }
        )
    return found


def hoyer_error(sample: Sample, hoyer: Float64Array, by: ErrorsBy) -> ErrorBar:
    """The error bar of the mean of a layer's Hoyer sparsities (N,).

    Raises:
        GeometryError: if all images are of one seed or subject.
    """
    left_out = []
    for groups in _groups(sample, by):
        codes, sizes = _codes(groups, sample.count)
        sums = np.bincount(codes, weights=hoyer)
        left_out.append((hoyer.sum() - sums) / (sample.count - sizes))
    return error_bar(float(hoyer.mean()), left_out)


def rank_errors(sample: Sample, layer: int, by: ErrorsBy, watch: Watch) -> dict[str, ErrorBar]:
    """The error bars of a layer's ranks: without each image in closed form, without groups by recomputation.

    Raises:
        GeometryError: if all images are of one seed or subject, or a rank cannot be had without one.
        Cancelled: see `Watch`.
    """
    return sample.keep(("rank errors", layer, by), lambda: _rank_errors(sample, layer, by, watch))


def _rank_errors(sample: Sample, layer: int, by: ErrorsBy, watch: Watch) -> dict[str, ErrorBar]:
    whole = sample.ranks(layer, range(sample.count))
    left_out: list[dict[str, Float64Array]] = []
    for groups in _groups(sample, by):
        watch.check()
        if groups is None:
            alone = nearly_all(np.diagonal(sample.grams[layer]), sample.labels, sample.view).any()
            left_out.append(
                sample.by_features.ranks_without_each(layer)
                if alone or sample.spectrum_is_coarse(layer)
                else delete_one_ranks(sample.raw[layer], sample.labels, sample.view)
            )
            continue
        rows = []
        for kept in _kept_without(groups, sample.count):
            watch.check()
            rows.append(sample.ranks(layer, kept))
        # A rank that cannot be had without one of them has no error bar.
        had = [rank for rank in whole if all(rank in row for row in rows)]
        left_out.append({rank: np.asarray([row[rank] for row in rows]) for rank in had})
    return {
        rank: error_bar(whole[rank], [kind[rank] for kind in left_out])
        for rank in whole
        if all(rank in kind for kind in left_out)
    }


def overlap_errors(sample: Sample, layer: int, rank: int, by: ErrorsBy, watch: Watch) -> dict[str, ErrorBar]:
    """The error bars of a layer's mean overlap and mean variance explained, by recomputation.

    Raises:
        GeometryError: if all images are of one seed or subject, or a class without one spans fewer dimensions
            than `rank`.
        Cancelled: see `Watch`.
    """
    return sample.keep(
        ("overlap errors", layer, rank, by), lambda: _overlap_errors(sample, layer, rank, by, watch)
    )


def _overlap_errors(sample: Sample, layer: int, rank: int, by: ErrorsBy, watch: Watch) -> dict[str, ErrorBar]:
    overlap, explained = _overlap_without(sample, layer, rank, np.arange(sample.count))
    found = []
    for groups in _groups(sample, by):
        values = []
        for kept in _kept_without(groups, sample.count):
            watch.check()
            values.append(_overlap_without(sample, layer, rank, kept))
        found.append(np.asarray(values))
    return {
        "overlap_mean": error_bar(overlap, [values[:, 0] for values in found]),
        "explained_mean": error_bar(explained, [values[:, 1] for values in found]),
    }


def _overlap_without(sample: Sample, layer: int, rank: int, kept: np.ndarray) -> tuple[float, float]:
    if sample.subspaces_are_coarse(layer, rank):
        return sample.by_features.overlap_without(layer, rank, kept)
    codes = np.unique(np.asarray(sample.labels)[kept], return_inverse=True)[1]
    found = permuted_classes(sample.view_of(layer, kept), codes[None], rank)
    return float(found.overlap[0]), float(found.variance_explained[0])


def _groups(sample: Sample, by: ErrorsBy) -> Iterator[np.ndarray | None]:
    """For each kind of thing left out, which one each image belongs to; None for the images themselves."""
    for kind in by.split("+"):
        yield (
            None
            if kind == "image"
            else np.asarray(sample.images.seeds if kind == "seed" else sample.images.prompts)
        )


def _kept_without(groups: np.ndarray | None, count: int) -> Iterable[np.ndarray]:
    """The images that are left without each group in turn."""
    codes, sizes = _codes(groups, count)
    return [np.flatnonzero(codes != code) for code in range(len(sizes))]


def _codes(groups: np.ndarray | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which group each image belongs to, from 0, and how many images each group has."""
    of = np.arange(count) if groups is None else groups
    _, codes, sizes = np.unique(of, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise GeometryError(
            "all images are of one group, and leaving it out leaves none; record more of them"
        )
    return codes, sizes
