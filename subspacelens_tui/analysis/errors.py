"""Error bars of a sample's rates by the jackknife. Why no bootstrap: see `geometry.jackknife`."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from subspacelens_tui.analysis.growing import Float64Array
from subspacelens_tui.analysis.sample import Sample
from subspacelens_tui.geometry import RateEstimates, group_jackknife, jackknife

ErrorsBy = Literal["image", "seed", "subject"]
RATES = ("R", "Rc", "delta_R", "ratio")


@dataclass(frozen=True)
class ErrorBar:
    """Jackknife standard error of a figure and its 95 % interval.

    Attributes:
        standard_error, low, high: in the unit of the figure.
        left_out: the figure without each image, seed or subject in turn.
    """

    standard_error: float
    low: float
    high: float
    left_out: Float64Array


def error_bars(sample: Sample, eps: list[float], by: ErrorsBy) -> list[dict[str, ErrorBar]]:
    """For each layer the error bars of R, Rc, ΔR and Rc/R.

    Raises:
        GeometryError: if a class has a single image, or all images are of one seed or subject.
    """
    estimates = sample.keep(("jackknife", tuple(eps), by), lambda: _estimates(sample, eps, by))
    return [
        {rate: _error_bar(estimates, rate, layer) for rate in RATES} for layer in range(len(sample.widths))
    ]


def _estimates(sample: Sample, eps: list[float], by: ErrorsBy) -> RateEstimates:
    labels = np.asarray(sample.labels)
    precisions = sample.precisions(eps)
    if by == "image":
        return jackknife(sample.raw, labels, 1, precisions, sample.view)
    groups = np.asarray(sample.images.seeds if by == "seed" else sample.images.prompts)
    return group_jackknife(sample.raw, labels, groups, 1, precisions, sample.view)


def _error_bar(estimates: RateEstimates, rate: str, layer: int) -> ErrorBar:
    estimate = getattr(estimates, rate)
    return ErrorBar(
        standard_error=float(estimate.standard_error[layer]),
        low=float(estimate.low[layer]),
        high=float(estimate.high[layer]),
        left_out=np.asarray(estimate.left_out[layer]),
    )
