"""Parts of cells: which character covers which part of a cell, and which cells draw an interval truly.

Heights are in cells, from the bottom. A band covers whole eighths of cells that lie within it, so it is never
drawn wider than it is; a bar covers halves, and dots are quarters, whose middle it reaches.
"""

from collections.abc import Sequence
from typing import NamedTuple

from subspacelens_tui.app.drawing.plot_parts import Cell, Markers

LOWER = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_FULL, _LOWER_HALF, _UPPER_HALF = (0.0, 1.0), (0.0, 0.5), (0.5, 1.0)
_TOLERANCE = 1e-9
# The bits of braille's dots: of the left and of the right column, from the bottom.
BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
# Quadrants by bits: lower left, upper left, lower right, upper right.
QUADRANTS = " ▖▘▌▗▄▚▙▝▞▀▛▐▟▜█"
# Of dots of braille both of a row; and every other one, where only that makes a band fainter than a curve.
_BOTH = tuple(left | right for left, right in zip(*DOTS, strict=True))
_EVERY_OTHER = (0x40, 0x20, 0x02, 0x08)
_BAR = {"ascii": "|||", "braille": "╷╵│", "blocks": "╷╵│"}
_HALVES = ".':"
# How many times more of a cell a band must cover than the one on top to be drawn in its place.
_ON_TOP = 2
_THIN = {"braille": "━", "blocks": "━", "ascii": "="}

COVERED: dict[str, tuple[float, float]] = {
    **{character: (0.0, eighths / _EIGHTHS) for eighths, character in enumerate(LOWER)},
    **dict(zip("▀╵'", (_UPPER_HALF,) * 3, strict=True)),
    **dict(zip("╷.", (_LOWER_HALF,) * 2, strict=True)),
    **dict(zip("│|:░", (_FULL,) * 4, strict=True)),
    **dict(zip("━=┄-─", ((0.375, 0.625),) * 5, strict=True)),
}
"""Lower and upper end of the part of a cell that a character covers, if that is one interval."""


class Span(NamedTuple):
    """A band at one column: its ends, and the index of its colour."""

    low: float
    high: float
    colour: int


def eighths(spans: Sequence[Span], row: int) -> list[int | None]:
    """The colour of each eighth of a cell from the bottom: of the first span that covers all of it."""
    found: list[int | None] = []
    for eighth in range(_EIGHTHS):
        low, high = row + eighth / _EIGHTHS, row + (eighth + 1) / _EIGHTHS
        covering = (s.colour for s in spans if s.low <= low + _TOLERANCE and high <= s.high + _TOLERANCE)
        found.append(next(covering, None))
    return found


def band_cell(spans: Sequence[Span], row: int, markers: Markers, tints: bool) -> Cell | None:
    """The cell that draws bands, or as much of them as one cell can; None if it can draw none of them.

    Args:
        spans: the bands at the column, those on top first.
        row: of the cell, 0 the lowest.
        markers: what the terminal's font can show.
        tints: whether the background can have a tint.
    """
    if not tints or markers == "ascii":
        return next(filter(None, (_dotted(span, row, markers) for span in spans)), None)
    # Two colours and one edge are all that a cell has: with more, one band gives way.
    alone = sorted(spans, key=lambda span: -_share(span, row) * (_ON_TOP if span is spans[0] else 1))
    if cell := _blocks(spans, row):
        return cell
    return next(filter(None, (_blocks([of], row) or _thin(of, row, markers) for of in alone)), None)


def _blocks(spans: Sequence[Span], row: int) -> Cell | None:
    """The cell that draws bands in blocks, if one can."""
    colours = eighths(spans, row)
    edges = [place for place in range(1, _EIGHTHS) if colours[place] != colours[place - 1]]
    lower, upper = colours[0], colours[-1]
    if len(edges) > 1 or (lower is None and upper is None):
        return None
    if not edges:
        return Cell(" ", "band", lower, lower)
    return Cell(LOWER[edges[0]], "gap" if lower is None else "band", lower, upper)


def _share(span: Span, row: int) -> float:
    return min(span.high, row + 1) - max(span.low, row)


def _thin(span: Span, row: int, markers: Markers) -> Cell | None:
    """A band with both its edges inside the cell: a line, which like shading has no gaps; else in dots."""
    low, high = COVERED[_THIN[markers]]
    if span.low <= row + low and row + high <= span.high:
        return Cell(_THIN[markers], "texture", span.colour)
    return _in_dots(span, row, _BOTH) if markers == "braille" else None


def _in_dots(span: Span, row: int, dots: Sequence[int]) -> Cell | None:
    bits = sum(dots[dot] for dot in range(4) if span.low <= row + (dot + 0.5) / 4 <= span.high)
    return Cell(chr(BRAILLE + bits), "texture", span.colour) if bits else None


def _dotted(span: Span, row: int, markers: Markers) -> Cell | None:
    """A band where there are no tints of the background."""
    if markers == "braille":
        return _in_dots(span, row, _EVERY_OTHER)
    for character in reversed(_HALVES):
        low, high = COVERED[character]
        if span.low <= row + low + _TOLERANCE and row + high <= span.high + _TOLERANCE:
            return Cell(character, "texture", span.colour)
    return _thin(span, row, markers)


def bar_character(low: float, high: float, row: int, markers: Markers) -> str:
    """What draws a vertical bar in a cell: the halves whose middle it covers; empty for none."""
    lower, upper = (low <= row + middle <= high for middle in (0.25, 0.75))
    if markers == "ascii":
        lower = upper = low <= row + 0.5 <= high
    if not (lower or upper):
        return ""
    return _BAR[markers][2 if lower and upper else 0 if lower else 1]
