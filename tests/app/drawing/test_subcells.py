"""What each cell of a plot covers, read from the screen, against the numbers behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from subspacelens_tui.app.drawing.plot import draw
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Cell, Cells, Curve, Markers, Plot
from subspacelens_tui.app.drawing.subcells import BRAILLE, COVERED, DOTS, LOWER, QUADRANTS

# Of the plot in a pane: on screens of 50×15 and 80×24, beside others at 120×40 and 200×60, and alone there.
SIZES = [(48, 7), (47, 14), (49, 8), (96, 14), (118, 31), (198, 51)]
_SLACK = 1e-6


def covered_dots(character: str) -> list[tuple[float, float]]:
    """The intervals that dots and quadrants cover, whichever their column; none for other characters."""
    if BRAILLE < ord(character) < BRAILLE + 0x100:
        bits = ord(character) - BRAILLE
        return [(row / 4, (row + 1) / 4) for row in range(4) if bits & (DOTS[0][row] | DOTS[1][row])]
    if character in QUADRANTS[1:]:
        bits = QUADRANTS.index(character)
        return [(row / 2, (row + 1) / 2) for row in range(2) if bits & (0b0101 << row)]
    return []


@dataclass(frozen=True)
class Seen:
    """A plot on the screen: values at heights, by what the axis says, and the columns of layers."""

    cells: Cells
    plot: Plot

    @cached_property
    def left(self) -> int:
        return 1 + next(x for x, cell in enumerate(self.cells[-2]) if cell.character != " ")

    @cached_property
    def columns(self) -> np.ndarray:
        last = len(self.cells[0]) - self.left - 1
        layers = self.plot.layers
        return np.array([round(layer / (layers - 1) * last) for layer in range(layers)])

    @cached_property
    def scale(self) -> tuple[float, float]:
        """The value at the lower edge, and of a row: the middle of a row is what its label says."""
        rows = len(self.cells) - 2
        texts = ["".join(cell.character for cell in row[: self.left - 1]) for row in self.cells[:rows]]
        said = [(rows - 0.5 - row, float(text)) for row, text in enumerate(texts) if text.strip()]
        (other, high), *_, (one, low) = said
        a_row = (high - low) / (other - one)
        return low - one * a_row, a_row

    def value(self, height: float) -> float:
        """The value at a height in cells."""
        return self.scale[0] + height * self.scale[1]

    def inside(self) -> Iterator[tuple[int, int, Cell]]:
        """Row from below, column from the first layer, and cell."""
        rows = len(self.cells) - 2
        for row, cells in enumerate(self.cells[:rows]):
            for column, cell in enumerate(cells[self.left :]):
                yield rows - 1 - row, column, cell

    def band(self, colour: int, column: float) -> tuple[float, float]:
        of = next(band for band in self.plot.bands if band.colour == colour)
        low, high = (np.interp(column, self.columns, np.array(ends, float)) for ends in (of.low, of.high))
        return float(low), float(high)

    def curve(self, colour: int, column: float) -> tuple[float, float]:
        """The least and the greatest value of a curve in a column; layers are in the middle."""
        of = next(curve for curve in self.plot.curves if curve.colour == colour)
        places = np.clip(np.linspace(column - 0.5, column + 0.5, 65), 0, self.columns[-1])
        values = np.interp(places, self.columns, np.array(of.values, float))
        return float(values.min()), float(values.max())


def held_to_the_numbers(seen: Seen) -> dict[str, int]:
    """Hold every cell to the numbers; how many there are of each part."""
    a_cell = seen.value(1.0) - seen.value(0.0)
    slack = _SLACK * a_cell
    layers = {column: layer for layer, column in enumerate(seen.columns)}
    counts: dict[str, int] = {}
    shaded = seen.plot.tints and seen.plot.markers != "ascii"
    for row, column, cell in seen.inside():
        counts[cell.part] = counts.get(cell.part, 0) + 1
        parts: list[tuple[int, float, float]] = []
        if cell.part in ("band", "gap"):
            edge = LOWER.index(cell.character) / 8
            assert cell.part == "gap" or edge == 0 or cell.colour is not None
            if cell.part == "band" and edge:
                parts.append((cell.colour, 0.0, edge))
            if cell.band is not None:
                parts.append((cell.band, edge, 1.0))
        elif cell.part == "texture":
            for low, high in covered_dots(cell.character) or [COVERED[cell.character]]:
                # A dot is where its middle is; what is drawn in halves covers them whole.
                middle = (low + high) / 2
                whole = not covered_dots(cell.character)
                parts.append((cell.colour, low if whole else middle, high if whole else middle))
        elif cell.band is not None and cell.part not in ("point", "curve"):
            parts.append((cell.band, 0.0, 1.0))
        for colour, low, high in parts:
            bottom, top = seen.band(colour, column)
            assert bottom - slack <= seen.value(row + low), "a band is drawn wider than it is"
            assert seen.value(row + high) <= top + slack, "a band is drawn wider than it is"
        if cell.part == "":
            for band in seen.plot.bands:
                bottom, top = seen.band(band.colour, column)
                if shaded and bottom < seen.value(row) and seen.value(row + 1) < top:
                    raise AssertionError("a cell inside a band is not shaded")
        if cell.part == "zero":
            assert abs(seen.value(row + 0.5)) <= slack
        if cell.part == "bar":
            of = [bars for bars in seen.plot.bars if bars.colour == cell.colour]
            low, high = COVERED[cell.character]
            resolution = 0.25 if seen.plot.markers != "ascii" else 0.5
            assert column in layers
            assert of[0].low[layers[column]] <= seen.value(row + low + resolution) + slack
            assert seen.value(row + high - resolution) <= of[0].high[layers[column]] + slack
        if cell.part in ("point", "curve"):
            low, high = seen.curve(cell.colour, column)
            of_character = covered_dots(cell.character) if cell.part == "curve" else []
            for bottom, top in of_character or [(0.0, 1.0)]:
                assert seen.value(row + bottom) <= high + slack
                assert low - slack <= seen.value(row + top)
        if cell.part == "point":
            value = next(c for c in seen.plot.curves if c.colour == cell.colour).values[layers[column]]
            assert seen.value(row) - slack <= value <= seen.value(row + 1) + slack
            # The point: beyond the shading is beyond the null, and on the shading is inside it.
            if shaded and len(seen.plot.bands) == 1:
                bottom, top = seen.band(seen.plot.bands[0].colour, column)
                assert (cell.band is not None) == (bottom <= value <= top)
        if cell.part == "curve" and cell.band is not None:
            low, high = seen.curve(cell.colour, column)
            bottom, top = seen.band(cell.band, column)
            assert low <= top + slack
            assert bottom - slack <= high
    return counts


# Excess of demo-small at its last step: as `analyze --permutations 200 --errors image --json` gives it.
COARSE = (0.78, 0.84, 0.94, 0.94, 0.93, 0.97, 0.98, 0.98, 1.05, 1.12, 1.17, 1.33)
FINE = (3.22, 3.43, 3.51, 3.63, 3.69, 3.70, 3.71, 3.71, 3.68, 3.65, 3.61, 3.58)
NULL = tuple(-0.33 - 0.0245 * i for i in range(12)), tuple(0.34 + 0.019 * i for i in range(12))
HEADLINE = Plot(
    (Curve(FINE, 1, shape=1), Curve(COARSE, 0)),
    (Band(*NULL, 0),),
    (
        Bars(tuple(v - 1.3 for v in FINE), tuple(v + 1.3 for v in FINE), 1),
        Bars(tuple(v - 1.1 for v in COARSE), tuple(v + 1.1 for v in COARSE), 0),
    ),
    zero=True,
)


def drawn(plot: Plot, size: tuple[int, int], markers: Markers, tints: bool) -> Seen:
    plot = Plot(plot.curves, plot.bands, plot.bars, zero=plot.zero, markers=markers, tints=tints)
    cells = draw(plot, *size)
    assert cells
    return Seen(cells, plot)


@pytest.mark.parametrize("tints", [True, False])
@pytest.mark.parametrize("markers", ["braille", "blocks", "ascii"])
@pytest.mark.parametrize("size", SIZES)
def test_an_excess_beyond_its_null_is_seen_beyond_it(
    size: tuple[int, int], markers: Markers, tints: bool
) -> None:
    seen = drawn(HEADLINE, size, markers, tints)
    counts = held_to_the_numbers(seen)
    assert counts["point"] == 24
    assert counts["zero"]
    assert counts.get("band", 0) + counts.get("gap", 0) + counts.get("texture", 0) > 0 or size[1] < 9
    points = [cell for _, _, cell in seen.inside() if cell.part == "point"]
    assert {cell.band for cell in points} == {None}


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    layers = draw(st.integers(2, 60))
    numbers = st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=layers, max_size=layers)
    near = np.array(draw(numbers)) * draw(st.sampled_from([0.2, 1.0, 4.0]))
    middle, half = (
        np.array(draw(numbers)) * 0.3,
        np.abs(draw(numbers)) * draw(st.sampled_from([0.05, 0.5, 2.0])),
    )
    error = np.abs(draw(numbers))
    return Plot(
        (Curve(tuple(near), 0),),
        (Band(tuple(middle - half), tuple(middle + half), 1),),
        (Bars(tuple(near - error), tuple(near + error), 0),),
        zero=draw(st.booleans()),
    )


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    plot=plots(),
    size=st.sampled_from(SIZES[:4]),
    markers=st.sampled_from(["braille", "blocks", "ascii"]),
    tints=st.booleans(),
)
@example(HEADLINE, (49, 9), "braille", True)
def test_no_cell_says_other_than_the_numbers(
    plot: Plot, size: tuple[int, int], markers: Markers, tints: bool
) -> None:
    seen = drawn(plot, size, markers, tints)
    # Where layers share a column, what is between them has no place of its own.
    assume(len(set(seen.columns)) == plot.layers)
    held_to_the_numbers(seen)


def test_two_bands_share_a_cell_as_far_as_it_has_colours() -> None:
    # The later one is on top; where a third colour would be needed, the one behind gives way.
    curve = Curve((0.0, 10.0), 2, points=False)
    behind, top = Band((1.3,) * 2, (8.9,) * 2, 0), Band((3.3,) * 2, (5.6,) * 2, 1)
    seen = drawn(Plot((curve,), (behind, top)), (60, 23), "braille", True)
    held_to_the_numbers(seen)
    column = {row: cell for row, at, cell in seen.inside() if at == 3 and cell.part in ("band", "gap")}
    assert {cell.band for cell in column.values()} | {cell.colour for cell in column.values()} >= {0, 1}
    assert any(cell.colour == 1 and cell.band == 0 for cell in column.values())


@pytest.mark.parametrize("markers", ["braille", "blocks", "ascii"])
def test_limits_cut_off_what_is_outside_them(markers: Markers) -> None:
    plot = Plot(HEADLINE.curves, HEADLINE.bands, HEADLINE.bars, limits=(0.0, 2.0), markers=markers)
    seen = Seen(draw(plot, 96, 14), plot)
    assert seen.value(0.0) <= 0.0
    assert 2.0 <= seen.value(12.0) < 3.0
    held_to_the_numbers(seen)
    assert {cell.colour for _, _, cell in seen.inside() if cell.part == "point"} == {0}


def test_a_bar_or_band_down_to_zero_has_no_lower_end_on_a_logarithmic_axis() -> None:
    curve, low = Curve((10.0, 100.0, 1000.0), 0), (-5.0, 0.0, 500.0)
    high = (20.0, 200.0, 2000.0)
    cells = draw(Plot((curve,), (Band(low, high, 0),), (Bars(low, high, 0),), log=True), 40, 14)
    bottom = cells[-3]
    first = 1 + next(x for x, cell in enumerate(cells[-2]) if cell.character != " ")
    assert bottom[first].part == "bar"
    assert bottom[first + 2].band == 0


def test_the_zero_line_does_not_cut_a_hole_into_a_band_behind_another() -> None:
    layers = 12
    wide, narrow = Band((-0.6,) * layers, (0.55,) * layers, 0), Band((-0.16,) * layers, (0.16,) * layers, 1)
    plot = Plot((Curve(FINE, 1), Curve(COARSE, 0)), (wide, narrow), zero=True)
    seen = drawn(plot, (49, 10), "braille", True)
    held_to_the_numbers(seen)
    zero = [cell for row, _, cell in seen.inside() if cell.part == "zero"]
    assert len(zero) == 42
    assert None not in {cell.band for cell in zero}
