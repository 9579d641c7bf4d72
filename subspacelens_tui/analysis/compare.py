"""Two sets of metrics side by side: curves, their difference, and the error of the difference."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subspacelens_tui.analysis.analyzer import Analyzer
from subspacelens_tui.analysis.excluded_images import NoImagesError
from subspacelens_tui.analysis.layer_gaps import some_blocks_only
from subspacelens_tui.analysis.metrics import METRICS, Cost
from subspacelens_tui.analysis.quantities import HEADLINE, quantity
from subspacelens_tui.analysis.relative_depth import paired_layers, relative_depth
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.settings import Settings, SettingsError
from subspacelens_tui.analysis.statistics.columns import Float64Array
from subspacelens_tui.analysis.statistics.pairs_of_layers import (
    MatrixNull,
    cka_matrix_null,
    stacked_u_centred,
)
from subspacelens_tui.analysis.uncertainty.jackknife import ErrorBar, combined_error
from subspacelens_tui.analysis.widths import WITHOUT_WIDTH, named_widths
from subspacelens_tui.geometry import GeometryError
from subspacelens_tui.geometry.cka import cka_of
from subspacelens_tui.sessions.ranges import ranges

# First those that have always been here, by the names that they have always had.
COMPARED = tuple(
    dict.fromkeys(
        (
            *("R", "Rc", "delta_R", "ratio", "excess", "effective_rank", "overlap_mean"),
            *(metric.key for metric in METRICS.scalars if metric.error),
            *(f"{metric.key}.excess" for metric in METRICS.scalars if metric.null and metric.key != HEADLINE),
        )
    )
)
_SIDE = re.compile(r"@(?P<name>[A-Za-z_]+)=")
_OF_A_SIDE: dict[str, Callable[[str], Any]] = {
    "labels": str,
    "branch": str,
    "step": int,
    "guidance": float,
    "features": str,
    "eps": float,
    "images": int,
}


@dataclass(frozen=True)
class Difference:
    """One metric of one layer on both sides.

    Attributes:
        a, b: the metric on each side, None where it is missing.
        difference: b - a.
        standard_error: of the difference, by the jackknife; None for metrics that have none.
        low, high: its 95 % interval.
    """

    a: float | None
    b: float | None
    difference: float | None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def half_width(self) -> float | None:
        """Of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True)
class Comparison:
    """Two sets of metrics, layer by layer; over relative depth where they have unlike numbers of layers.

    Attributes:
        a, b: the sides.
        paired: whether both are of the same prompts and seeds in the same order, so that the jackknife can
            leave out the same image on both sides; otherwise the errors are added as independent ones.
        pairs: the layer of A and the layer of B that are compared.
        layers: metric → difference, pair by pair.
        cka: unbiased CKA of every layer of A (rows) and of B (columns), where it was asked for; None where
            the sides are not of the same images.
        cka_null: its null.
        missing: why there is no CKA.
    """

    a: Result
    b: Result
    paired: bool
    pairs: tuple[tuple[int, int], ...]
    layers: tuple[dict[str, Difference], ...]
    cka: Float64Array | None = None
    cka_null: MatrixNull | None = None
    missing: str = ""

    @property
    def relative(self) -> bool:
        """Whether the sides have different numbers of layers."""
        return len(self.a.layers) != len(self.b.layers)

    def depth(self, pair: int) -> float:
        """The relative depth of a pair: that of its layer in the shallower model."""
        return relative_depth(pair, len(self.pairs))

    def place(self, pair: int) -> dict[str, Any]:
        """The layers of a pair and their relative depth, where there is more to say than one number."""
        if not self.relative:
            return {}
        a, b = self.pairs[pair]
        return {"relative_depth": self.depth(pair), "layer_a": a, "layer_b": b}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What else differs between the sides than what was asked about, a line each.

        Rates, ranks and overlaps depend on N and on ε; other prompts are other classes in all but name.
        """
        return (*depths_unlike(self.a, self.b), *unlike(self.a, self.b))


def with_cka(found: Comparison, a: Analyzer, b: Analyzer) -> Comparison:
    """A comparison with the CKA of all layers of both sides, of the same prompts and seeds.

    Args:
        found: of the two.
        a, b: what its sides are results of.

    Raises:
        SettingsError: a session has lost the images that its result is of.
    """
    if found.a.image_keys != found.b.image_keys:
        return replace(found, missing="CKA compares the same images: the sides differ in prompts or seeds")
    settings = found.a.settings
    try:
        first, second = (
            stacked_u_centred(layer.features() for layer in of.layers_of(result))
            for of, result in ((a, found.a), (b, found.b))
        )
        null = cka_matrix_null(first, second, settings.permutations, settings.seed)
        return replace(found, cka=cka_of(first, second), cka_null=null)
    except GeometryError as error:
        return replace(found, missing=str(error))


def compare(a: Result, b: Result) -> Comparison:
    """Compare metrics layer by layer; of models of different depths, layers at the nearest relative depth.

    Raises:
        NoImagesError: if one side has no images.
        SettingsError: if one side has some blocks of its model only, and the other has others.
    """
    for letter, result in (("A", a), ("B", b)):
        if not result.layers:
            raise NoImagesError(f"there is nothing to compare on side {letter}: {result.absent}")
    if a.numbers != b.numbers and any(some_blocks_only(of.numbers) for of in (a, b)):
        raise SettingsError(
            f"one side has layers {ranges(a.numbers)} of its model, the other {ranges(b.numbers)}: "
            "they cannot be paired"
        )
    paired = a.image_keys == b.image_keys and a.settings.errors == b.settings.errors
    names = [name for name in COMPARED if _is_known(name, a, b)]
    pairs = paired_layers(len(a.layers), len(b.layers))
    layers = tuple(
        {name: _difference(name, a.layers[one], b.layers[other], paired) for name in names}
        for one, other in pairs
    )
    return Comparison(a, b, paired, pairs, layers)


def depths_unlike(a: Result, b: Result) -> Iterator[str]:
    """That models differ in depth, and what is done about it."""
    if (here := len(a.layers)) != (there := len(b.layers)):
        yield f"{here} layers and {there}: those at the nearest relative depth are compared"


def unlike(a: Result, b: Result) -> Iterator[str]:
    """What else differs between two sets of metrics, a line each."""
    one, other = a.settings, b.settings
    widths = [{layer.width for layer in side.layers} for side in (a, b)]
    if widths[0] != widths[1] and one.iso_rate is None:
        named = " and ".join(map(named_widths, widths))
        yield f"widths differ: {named}; R, Rc and ΔR grow with the width: {WITHOUT_WIDTH}"
    if a.images != b.images:
        yield f"N differs: {a.images} images and {b.images}; rates, ranks and overlaps depend on it"
    if one.step != other.step:
        yield f"the steps differ: {a.step_name} and {b.step_name}"
    if (one.eps, one.iso_rate) != (other.eps, other.iso_rate):
        yield f"ε differs: {_precision(one)} and {_precision(other)}; rates depend on it"
    asked, others = ({prompt for prompt, _ in side.image_keys} for side in (a, b))
    if asked != others:
        yield f"the prompts differ: {len(asked & others)} are in both, {len(asked - others)} in A only, " + (
            f"{len(others - asked)} in B only"
        )


def _precision(settings: Settings) -> str:
    return f"{settings.eps:g}" if settings.iso_rate is None else f"that of R = {settings.iso_rate:g}"


def _is_known(name: str, a: Result, b: Result) -> bool:
    """Whether a quantity is to be compared: always, unless it is on request and was not asked for."""
    asked = quantity(name)
    if asked.metric.cost is not Cost.DEFERRED:
        return True
    return any(value is not None for side in (a, b) for value in side.curve(name))


def rounding(comparison: Comparison, pair: int, name: str) -> float | None:
    """How far rounding may have moved the difference of a quantity, where it may have moved a side."""
    sides = zip((comparison.a, comparison.b), comparison.pairs[pair], strict=True)
    found = [quantity(name).rounding(side.layers[layer]) for side, layer in sides]
    known = [amount for amount in found if amount is not None]
    return sum(known) if known else None


def split_side(side: str) -> tuple[str, str]:
    """A side as typed, SESSION or SESSION@name=value,…, as the session and the words behind its @.

    Paths may have an @ too: what counts is the last one that is followed by a name and =, unless that is a
    part of a path itself.
    """
    split = list(_SIDE.finditer(side))
    if not split:
        return side, ""
    at = split[-1]
    if at["name"] not in _OF_A_SIDE and "/" in side[at.end() :]:
        return side, ""
    return side[: at.start()], side[at.start() + 1 :]


def side_settings(settings: Settings, changes: str) -> Settings:
    """Settings of one side, from words like "branch=uncond,step=5".

    Raises:
        SettingsError: if a word is not of that form, or not a setting.
    """
    found: dict[str, Any] = {}
    for word in filter(None, changes.split(",")):
        name, equals, value = word.partition("=")
        if name not in _OF_A_SIDE or not equals:
            known = ", ".join(_OF_A_SIDE)
            raise SettingsError(f"{word!r} does not say a side: write name=value with one of {known}")
        try:
            found[name] = _OF_A_SIDE[name](value)
        except ValueError:
            raise SettingsError(f"{value!r} is no {name}") from None
    return replace(settings, **found)


def _difference(name: str, one: LayerResult, other: LayerResult, paired: bool) -> Difference:
    asked = quantity(name)
    a, b = asked.value(one), asked.value(other)
    if a is None or b is None:
        return Difference(a, b, None)
    bars = asked.error(one), asked.error(other)
    if bars[0] is None or bars[1] is None:
        return Difference(a, b, b - a)
    error, margin = _error(bars[0], bars[1], paired)
    return Difference(a, b, b - a, error, b - a - margin, b - a + margin)


def _error(one: ErrorBar, other: ErrorBar, paired: bool) -> tuple[float, float]:
    """Standard error of the difference, and half the width of its 95 % interval."""
    if paired:
        differences = [b - a for a, b in zip(one.left_out, other.left_out, strict=True)]
        alike = [
            a if a is not None and b is not None and np.array_equal(a, b) else None
            for a, b in zip(one.strata, other.strata, strict=True)
        ]
        return combined_error(differences, strata=alike)
    return (
        math.hypot(one.standard_error, other.standard_error),
        math.hypot((one.high - one.low) / 2, (other.high - other.low) / 2),
    )
