"""What a plot is made of, and the cells it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Markers = Literal["braille", "blocks", "ascii"]


@dataclass(frozen=True)
class Curve:
    """One value a layer; None where there is none, which leaves a gap.

    Attributes:
        values: layer by layer.
        colour: index of the curve's colour.
        dashed: drawn with gaps.
    """

    values: tuple[float | None, ...]
    colour: int
    dashed: bool = False


@dataclass(frozen=True)
class Band:
    """A range at each layer, behind the curves: shaded for a null, hatched for an error."""

    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    colour: int
    hatched: bool = False


@dataclass(frozen=True)
class Plot:
    """What to draw.

    Attributes:
        curves: later ones over earlier ones.
        bands: behind them.
        cursor: the layer to mark, if any.
        zero: whether the axis must include 0.
        log: whether the axis of values is logarithmic; what is not positive is a gap then.
        first: what the first place is called, 0 for layers.
        markers: what the terminal's font can show.
    """

    curves: tuple[Curve, ...]
    bands: tuple[Band, ...] = ()
    cursor: int | None = None
    zero: bool = False
    log: bool = False
    first: int = 0
    markers: Markers = "braille"

    @property
    def layers(self) -> int:
        """Length of the longest curve."""
        return max((len(curve.values) for curve in self.curves), default=0)


class Cell(NamedTuple):
    """One cell: its character, the part it belongs to, the colour index of a curve or an error, and that of
    the shaded band behind it. Parts are "frame", "curve", "cursor", "zero", "error", "band", and "" for none.
    """

    character: str
    part: str
    colour: int | None = None
    band: int | None = None


Cells = tuple[tuple[Cell, ...], ...]


def between(values: Sequence[float | None], x: float) -> float | None:
    """Linear interpolation; None next to a gap."""
    left = min(int(x), len(values) - 1)
    share = x - left
    if share < 1e-9:
        return values[left]
    a, b = values[left], values[left + 1]
    return None if a is None or b is None else a + share * (b - a)
