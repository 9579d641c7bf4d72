"""Two sets of figures side by side: curves, their difference, and the error of the difference."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from subspacelens_tui.analysis.errors import ErrorBar, combined_error
from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.analysis.left_out import NoImagesError
from subspacelens_tui.analysis.settings import Settings, SettingsError

COMPARED = ("R", "Rc", "delta_R", "ratio", "excess", "effective_rank", "overlap_mean")
# The error of the excess is that of ΔR: the mean of the null is a constant beside it.
_ERROR_OF = {"excess": "delta_R"}
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
    """One figure of one layer on both sides.

    Attributes:
        a, b: the figure on each side, None where it is missing.
        difference: b - a.
        standard_error: of the difference, by the jackknife; None for figures that have none.
        low, high: its 95 % interval.
    """

    a: float | None
    b: float | None
    difference: float | None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Two sets of figures over the same number of layers.

    Attributes:
        a, b: the sides.
        paired: whether both are of the same prompts and seeds in the same order, so that the jackknife can
            leave out the same image on both sides; otherwise the errors are added as independent ones.
        layers: figure → difference, layer by layer.
    """

    a: Figures
    b: Figures
    paired: bool
    layers: tuple[dict[str, Difference], ...]


def compare(a: Figures, b: Figures) -> Comparison:
    """Compare figures layer by layer.

    Raises:
        NoImagesError: if one side has no images.
        SettingsError: if they have different numbers of layers.
    """
    for letter, figures in (("A", a), ("B", b)):
        if not figures.layers:
            raise NoImagesError(f"there is nothing to compare on side {letter}: {figures.absent}")
    if len(a.layers) != len(b.layers):
        raise SettingsError(
            f"one side has {len(a.layers)} layers, the other {len(b.layers)}: they cannot be paired"
        )
    paired = a.image_keys == b.image_keys and a.settings.errors == b.settings.errors
    layers = tuple(
        {figure: _difference(figure, one, other, paired) for figure in COMPARED}
        for one, other in zip(a.layers, b.layers, strict=True)
    )
    return Comparison(a, b, paired, layers)


def rounding(comparison: Comparison, layer: int, figure: str) -> float | None:
    """How far rounding may have moved the difference of a figure, where it may have moved a side."""
    rate = _ERROR_OF.get(figure, figure)
    found = [side.layers[layer].rounding.get(rate) for side in (comparison.a, comparison.b)]
    known = [amount for amount in found if amount is not None]
    return sum(known) if known else None


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


def _difference(figure: str, one: LayerFigures, other: LayerFigures, paired: bool) -> Difference:
    a, b = _value(one, figure), _value(other, figure)
    if a is None or b is None:
        return Difference(a, b, None)
    rate = _ERROR_OF.get(figure, figure)
    if rate not in one.errors or rate not in other.errors:
        return Difference(a, b, b - a)
    error, margin = _error(one.errors[rate], other.errors[rate], paired)
    return Difference(a, b, b - a, error, b - a - margin, b - a + margin)


def _value(layer: LayerFigures, figure: str) -> float | None:
    if figure == "excess":
        return layer.null.excess if layer.null else None
    value: float | None = getattr(layer, figure)
    return value


def _error(one: ErrorBar, other: ErrorBar, paired: bool) -> tuple[float, float]:
    """Standard error of the difference, and half the width of its 95 % interval."""
    if paired:
        return combined_error([b - a for a, b in zip(one.left_out, other.left_out, strict=True)])
    return (
        math.hypot(one.standard_error, other.standard_error),
        math.hypot((one.high - one.low) / 2, (other.high - other.low) / 2),
    )
