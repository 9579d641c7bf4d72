"""The axes of a plot: limits on round numbers, ticks, and what these say.

Ticks are decimals, and a label is its tick exactly: it keeps its sign, and no two say the same.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

ROWS_AT_LEAST = 3
"""Rows of an axis through zero: one for each end, one for zero."""

LARGEST = 1e150
"""What is larger has no place on an axis; nor on a logarithmic one what is smaller than its inverse."""

_LABEL = 6
_TICK_COLUMNS = 9
# Rows from one tick to the next, by the rows of the plot: as few as leave room to read.
_TICK_ROWS = ((6, (1, 2)), (16, (2, 3)), (math.inf, (3, 4, 5)))
# Values closer to each other than this share of them are drawn as a straight line: labels that tell them
# apart would be longer than anyone reads.
_CONSTANT = 1e-6
_STEPS_TRIED = 40
_FACTORS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5))
_ROUNDING = 1e-9


class Axis(NamedTuple):
    """Values in the middle of the lowest and the highest row, and the ticks, ascending, with what they say.

    Ticks stand in the middle of rows, except on a logarithmic axis of less than an octave. On a logarithmic
    axis all values are common logarithms.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns of the labels."""
        return max(_LABEL, *map(len, self.labels))


def value_axis(low: float, high: float, rows: int, zero: bool = False) -> Axis:
    """An axis whose limits hold still while the values move a little, with each tick in the middle of a row.

    Args:
        low, high: what must have its place, at most `LARGEST` in size.
        rows: of the plot, at least `ROWS_AT_LEAST`.
        zero: whether zero must be on it.
    """
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    low, high = _apart(low, high)
    between = next(few for most, few in _TICK_ROWS if rows < most)
    steps = islice(_steps((high - low) / rows), _STEPS_TRIED)
    found = _on_rows(low, high, rows, [(step, count) for step in steps for count in between])
    assert found is not None, "there is always a larger step"
    bottom, top, ticks = found
    return Axis(bottom, top, tuple(map(float, ticks)), tuple(_texts(ticks)))


def log_axis(low: float, high: float, rows: int) -> Axis:
    """A logarithmic axis: with ticks at powers of ten, or at round numbers where none is twice another.

    Args:
        low, high: common logarithms of what must have its place.
        rows: as of `value_axis`.
    """
    if high - low < math.log10(2):
        return _within_an_octave(*_apart(10.0**low, 10.0**high), rows)
    decades = [(Decimal(1), count) for count in range(1, rows)]
    steps = [step for step in islice(_steps(2.0), _STEPS_TRIED) if step == int(step)]
    several = [(step, count) for step in steps for count in _TICK_ROWS[0][1]]
    found = _on_rows(low, high, rows, decades) or _on_rows(low, high, rows, several)
    assert found is not None, "there is always a larger step"
    bottom, top, ticks = found
    return Axis(bottom, top, tuple(map(float, ticks)), tuple(f"1e{tick:.0f}" for tick in ticks))


def _within_an_octave(low: float, high: float, rows: int) -> Axis:
    """A logarithmic axis of values, with ticks at both ends and between where they have rows of their own."""
    step = next(_steps((high - low) / max(3, round(rows / 2.5))))
    first, last = _outside(low, high, step)
    ticks = [step * i for i in range(first, last + 1)]
    bottom, top = math.log10(ticks[0]), math.log10(ticks[-1])

    def row(tick: Decimal) -> float:
        return (math.log10(tick) - bottom) / (top - bottom) * (rows - 1)

    kept = ticks[:1]
    for tick in ticks[1:-1]:
        if row(tick) - row(kept[-1]) >= 1 and rows - 1 - row(tick) >= 1:
            kept.append(tick)
    kept.append(ticks[-1])
    return Axis(bottom, top, tuple(math.log10(tick) for tick in kept), tuple(_texts(kept)))


def _apart(low: float, high: float) -> tuple[float, float]:
    """Both, or around them if they are one value."""
    if high - low > _CONSTANT * max(abs(low), abs(high)):
        return low, high
    pad = abs(high) * 0.1 or 1.0
    return low - pad, high + pad


def _steps(least: float) -> Iterator[Decimal]:
    """Distances of ticks, ascending: 1, 2, 2.5 and 5 times powers of ten."""
    decade = math.floor(math.log10(least))
    while True:
        for factor in _FACTORS:
            step = factor.scaleb(decade)
            if float(step) >= least * (1 - _ROUNDING):
                yield step
        decade += 1


def _outside(low: float, high: float, step: Decimal) -> tuple[int, int]:
    """The numbers of steps just below and just above."""
    size = float(step)
    return math.floor(low / size + _ROUNDING), math.ceil(high / size - _ROUNDING)


def _on_rows(
    low: float, high: float, rows: int, grids: Iterable[tuple[Decimal, int]]
) -> tuple[float, float, list[Decimal]] | None:
    """Limits and ticks of the finest of some grids that gives two ticks or more, each in the middle of a row.

    Args:
        low, high: what must have its place between the lower edge of the lowest row and the upper one of the
            highest.
        rows: how many there are.
        grids: the distance of two ticks in value, and in rows.
    """
    for step, count in sorted(grids, key=lambda grid: grid[0] / grid[1]):
        row = float(step) / count
        first, last = math.floor(low / row + 0.5 + _ROUNDING), math.ceil(high / row - 0.5 - _ROUNDING)
        spare = rows - 1 - (last - first)
        # What is spare goes below as well as above, but not below a zero.
        below = min(spare // 2, first) if first >= 0 else spare // 2
        first -= below
        numbers = range(math.ceil(first / count), (first + rows - 1) // count + 1)
        if spare >= 0 and len(numbers) > 1:
            return first * row, (first + rows - 1) * row, [step * number for number in numbers]
    return None


def _texts(ticks: Sequence[Decimal]) -> list[str]:
    """What ticks say: as they are, or with powers of ten where that is shorter and they are long."""
    decimals = max(0, *(-int(tick.normalize().as_tuple().exponent) for tick in ticks))
    plain = [f"{tick:.{decimals}f}" for tick in ticks]
    if max(map(len, plain)) <= _LABEL:
        return plain
    return min(plain, [_scientific(tick) for tick in ticks], key=lambda texts: max(map(len, texts)))


def _scientific(tick: Decimal) -> str:
    """A tick as 2.5e-6, in as few characters as say it exactly."""
    if not tick:
        return "0"
    sign, digits, _ = tick.normalize().as_tuple()
    fraction = "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{digits[0]}{'.' if fraction else ''}{fraction}e{tick.adjusted()}"


def layer_ticks(layers: int, columns: int, longest: int, counted: bool = True) -> list[int]:
    """The places that are named on an axis of layers: the first, the last, and some between them.

    Args:
        layers: how many places there are.
        columns: of the axis.
        longest: characters of the longest name.
        counted: whether the names are numbers one apart; else they are chosen by halving, as of powers.
    """
    if layers == 1:
        return [0]
    most = max(1, columns // max(_TICK_COLUMNS, 2 * longest))
    least = max(1.0, (layers - 1) / most)
    step = max(1, round(next(_steps(least)))) if counted else 2 ** math.ceil(math.log2(least))
    ticks = list(range(0, layers - 1, step))
    # The last is always named, to the left of its place; a tick too close to it makes room.
    room = longest + math.ceil(longest / 2) + 1
    if len(ticks) > 1 and (layers - 1 - ticks[-1]) * columns < (layers - 1) * room:
        ticks.pop()
    return [*ticks, layers - 1]


def depth_ticks(columns: int) -> Sequence[float]:
    """The relative depths that are named on an axis of so many columns, with room for its name."""
    if columns >= 10 * _TICK_COLUMNS:
        return (0.0, 0.25, 0.5, 0.75, 1.0)
    return (0.0, 0.5, 1.0) if columns >= 5 * _TICK_COLUMNS else (0.0, 1.0)
