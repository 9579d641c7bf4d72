"""What a plot is made of, and the cells it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from subspacelens_tui.analysis.layer_gaps import layer_gaps

Markers = Literal["braille", "blocks", "ascii"]
Values = tuple[float | None, ...]


@dataclass(frozen=True)
class Curve:
    """One value a layer; None where there is none, which leaves a gap.

    Attributes:
        values: layer by layer.
        colour: index of the curve's colour.
        dashed: drawn with gaps.
        points: whether each layer has a point, where there is room for points.
        beyond: for each layer whether its point is filled; all are if empty.
        shape: index of the shape of its points.
        breaks: layers just before which the line breaks.
    """

    values: Values
    colour: int
    dashed: bool = False
    points: bool = True
    beyond: tuple[bool, ...] = ()
    shape: int = 0
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    """A range at each layer and between layers, shaded behind the curves: what the null gives.

    Attributes:
        low, high: layer by layer.
        colour: index of its curve's colour.
        breaks: as of its curve.
    """

    low: Values
    high: Values
    colour: int
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bars:
    """A vertical bar at each layer: the interval of its value."""

    low: Values
    high: Values
    colour: int


LAYERS = "layer"
"""What the places of most plots are."""


@dataclass(frozen=True)
class Plot:
    """What to draw.

    Attributes:
        curves: later ones over earlier ones.
        bands: behind them; later ones over earlier ones.
        bars: at the layers; later ones over earlier ones.
        cursor: the layer to mark, if any, of the longest curve.
        zero: whether the axis must include 0.
        log: whether the axis of values is logarithmic; what is not positive is a gap then.
        limits: values the axis reaches from and to, at least; those that what is drawn needs if None.
        first: what the first place is called, 0 for layers.
        names: what each place is called where they are not counted, as values of ε; empty if they are.
        across: what the places are.
        numbers: what each place is called; by its order, from `first`, if empty. Nothing joins layers whose
            numbers do not follow each other.
        relative: whether each curve spans the whole axis, by relative depth: 0 its first layer, 1 its last.
        markers: what the terminal's font can show.
        tints: whether bands can be tints of the background; else they are dotted.
    """

    curves: tuple[Curve, ...]
    bands: tuple[Band, ...] = ()
    bars: tuple[Bars, ...] = ()
    cursor: int | None = None
    zero: bool = False
    log: bool = False
    limits: tuple[float, float] | None = None
    first: int = 0
    names: tuple[str, ...] = ()
    across: str = LAYERS
    numbers: tuple[int, ...] = ()
    relative: bool = False
    markers: Markers = "braille"
    tints: bool = True

    @property
    def layers(self) -> int:
        """Length of the longest curve."""
        return max((len(curve.values) for curve in self.curves), default=0)

    @property
    def gaps(self) -> tuple[int, ...]:
        """The places just before which layers of the model are missing."""
        return () if self.relative else layer_gaps(self.numbers)

    def name(self, place: int) -> str:
        """What a place is called on the axis."""
        if self.names:
            return self.names[place]
        return str(self.numbers[place] if self.numbers else place + self.first)


class Cell(NamedTuple):
    """One cell: its character, the part it belongs to, the colour index of that part, and the band behind it.

    Parts are "frame", "name" (of an axis), "point", "curve", "bar", "zero", "cursor", "band", "gap" (the
    character is what a band does not cover), "texture" (a band in dots) and "" for none.
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
