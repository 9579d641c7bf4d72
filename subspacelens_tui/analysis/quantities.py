"""What can be plotted, swept, compared and sorted by: a metric, or what its null says of it.

`KEY` is the metric itself; `KEY.excess`, `KEY.z`, `KEY.p`, `KEY.null_mean`, … are of its null. Without a key
they are those of ΔR: `excess` is `delta_R.excess`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from subspacelens_tui.analysis.metrics import METRICS, Metric, Need, Shape

if TYPE_CHECKING:
    from subspacelens_tui.analysis.result import LayerResult, Result
    from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar

HEADLINE = "delta_R"
Band = tuple[float | None, float | None]
"""Lower and upper end."""
Values = tuple[float | None, ...]
"""One end, layer by layer."""

_WORDS = {
    "excess": "excess {} over {}",
    "z": "excess of {} in standard deviations of the null",
    "p": "p of {}, one-sided",
    "null_mean": "mean of {} under {}",
    "null_std": "standard deviation of {} under {}",
    "null_low": "2.5 % quantile of {} under {}",
    "null_high": "97.5 % quantile of {} under {}",
}
_NO_UNIT = ("z", "p")


@dataclass(frozen=True)
class Quantity:
    """A metric, or an aspect of its null.

    Attributes:
        name: as it was asked for.
        metric: which.
        aspect: of its null; "" for the metric itself.
    """

    name: str
    metric: Metric
    aspect: str = ""

    @property
    def of_null(self) -> bool:
        """Whether it is an aspect of a null."""
        return bool(self.aspect)

    @property
    def needs_permutations(self) -> bool:
        """Whether that null, or the metric itself, is of permuted labels."""
        of_labels = self.of_null and self.metric.own_null is None
        return of_labels or Need.PERMUTATIONS in self.metric.needs

    @property
    def shifted(self) -> bool:
        """Whether it is the metric but for a constant, so that the metric's null is its own."""
        return self.aspect in ("", "excess")

    def error(self, layer: "LayerResult") -> "ErrorBar | None":
        """Its error bar; None where there is none."""
        if self.aspect not in ("", "excess"):
            return None
        return layer.errors.get(excess_name(self.metric) if self.aspect else self.metric.key)

    @property
    def label(self) -> str:
        """In words, without the unit."""
        if not self.aspect:
            return self.metric.label
        null = "permuted labels" if self.metric.own_null is None else "its null"
        return _WORDS[self.aspect].format(self.metric.short, null)

    @property
    def words(self) -> str:
        """With the unit."""
        unit = "" if self.aspect in _NO_UNIT else self.metric.unit
        return f"{self.label} ({unit})" if unit else self.label

    @property
    def title(self) -> str:
        """The same for a head line: in its short form where it has a unit that numbers are read in."""
        if not self.is_rate:
            return self.label
        return f"{self.label if self.aspect else self.metric.short}, {self.metric.unit}"

    @property
    def is_rate(self) -> bool:
        """Whether it is in nats: what grows with the width of the features."""
        return self.metric.unit == "nats" and self.aspect not in _NO_UNIT

    @property
    def short(self) -> str:
        """The same where there is little room: "excess ΔR, nats"."""
        name = " ".join(filter(None, (self.aspect.removeprefix("null_"), self.metric.short)))
        return f"{name}, {self.metric.unit}" if self.is_rate else name

    @property
    def has_zero_line(self) -> bool:
        """Whether 0 says something: no excess."""
        return self.aspect in ("excess", "z")

    def value(self, layer: "LayerResult") -> float | None:
        """Of a layer; None where there is none."""
        if not self.aspect:
            value: float | None = layer.values.get(self.metric.key)
            return value
        null = layer.nulls.get(self.metric.key)
        found: float | None = getattr(null, self.aspect.removeprefix("null_")) if null else None
        return found

    def error_band(self, layer: "LayerResult") -> Band:
        """The 95 % interval by the jackknife; Nones where there is none."""
        bar = self.error(layer)
        return (None, None) if bar is None else (bar.low, bar.high)

    def null_band(self, layer: "LayerResult") -> Band:
        """The central 95 % under permuted labels; Nones where there is no null."""
        null, shift = layer.nulls.get(self.metric.key), self._shift(layer)
        if null is None or shift is None or not self.shifted:
            return None, None
        return null.low - shift, null.high - shift

    def title_of(self, results: Iterable["Result"]) -> str:
        """`title`, and how many permuted labelings are behind it: few where a screen shows much."""
        nulls = (layer.nulls.get(self.metric.key) for result in results for layer in result.layers)
        counts = [null.permutations for null in nulls if null is not None]
        if not counts or self.metric.own_null is not None:
            return self.title
        return f"{self.title}  {min(counts)} permutations"

    def _shift(self, layer: "LayerResult") -> float | None:
        """The constant that is taken off the metric."""
        if self.aspect != "excess":
            return 0.0
        null = layer.nulls.get(self.metric.key)
        return null.mean if null else None

    def rounding(self, layer: "LayerResult") -> float | None:
        """How far rounding may have moved it, or what it is a multiple of; None if not visibly."""
        return layer.rounding.get(self.metric.key)


def excess_name(metric: Metric) -> str:
    """The name of its excess, under which its error is known: "excess" of ΔR, else "KEY.excess"."""
    return "excess" if metric.key == HEADLINE else f"{metric.key}.excess"


@lru_cache
def quantity(name: str) -> Quantity:
    """The quantity of a name.

    Raises:
        KeyError: there is none.
    """
    key, _, aspect = name.rpartition(".")
    if name in METRICS and METRICS[name].shape is Shape.SCALAR:
        return Quantity(name, METRICS[name])
    metric = METRICS[key or HEADLINE]
    if aspect not in _WORDS or metric.null is None:
        raise KeyError(name)
    return Quantity(name, metric, aspect)


def names() -> tuple[str, ...]:
    """All metrics, and for each with a null its excess and z: what can be swept, with the aliases of ΔR."""
    scalars = METRICS.scalars
    of_nulls = [
        f"{metric.key}.{aspect}" for metric in scalars if metric.null for aspect in ("excess", "z", "p")
    ]
    return (*(metric.key for metric in scalars), "excess", "z", *of_nulls)


def glossary() -> dict[str, str]:
    """What stands on screens and in tables, in words."""
    known = {metric.short: metric.label for metric in METRICS.of_shape(Shape.SCALAR, Shape.RECORD)}
    return known | {
        "excess": "value minus its mean under permuted labels",
        "z": "excess in standard deviations of the values under permuted labels",
        "p": "share of permutations at least as extreme, one-sided",
        "±95 %": "half the 95 % confidence interval, by the jackknife",
        "BH": "Benjamini–Hochberg: which tests pass when all of them are read together",
        "s.e.": "standard error, by the jackknife",
        "null": "mean under permuted labels",
        "ceiling": "min(N, d): no rank exceeds it",
        "N, d, K, n": "images, width of the features, classes, images of a class",
        "r": "dimension of the class subspaces",
        "ε": "coding precision, in the unit of the features, not squared",
    }


def error_bands(result: "Result", name: str) -> tuple[Values, Values]:
    """Lower and upper ends of the error band of a quantity over the layers."""
    return _ends([quantity(name).error_band(layer) for layer in result.layers])


def null_bands(result: "Result", name: str) -> tuple[Values, Values]:
    """Lower and upper ends of its null band over the layers."""
    return _ends([quantity(name).null_band(layer) for layer in result.layers])


def _ends(bands: list[Band]) -> tuple[Values, Values]:
    return tuple(low for low, _ in bands), tuple(high for _, high in bands)
