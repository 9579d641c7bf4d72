"""What the axes of plots say: whatever is drawn, its scale can be read."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from subspacelens_tui.app.drawing.axis import value_axis
from subspacelens_tui.app.drawing.plot import draw, has_values, least_size
from subspacelens_tui.app.drawing.plot_parts import Band, Cells, Curve, Markers, Plot

Values = tuple[float | None, ...]

magnitudes = st.sampled_from([1e-300, 1e-12, 5e-6, 1e-3, 0.3, 1.0, 42.0, 1e3, 1e5, 1e9, 1e38, 1e150])
numbers = st.floats(-1, 1)


@st.composite
def curves(draw: st.DrawFn) -> Values:
    """Values of one size, perhaps around some other value, with gaps of every kind."""
    size, centre = draw(magnitudes), draw(st.just(0.0) | magnitudes | magnitudes.map(lambda x: -x))
    inside = numbers.map(lambda x: max(-1e150, min(1e150, centre + size * x)))
    gaps = st.sampled_from([None, math.nan, math.inf, -math.inf])
    return tuple(draw(st.lists(inside, min_size=1, max_size=40) | st.lists(inside | gaps, max_size=40)))


def written(cells: Cells) -> list[tuple[int, str]]:
    """The labels of the axis of values with their rows, from top to bottom."""
    left = next(x for x, cell in enumerate(cells[-2]) if cell.character != " ")
    texts = ["".join(cell.character for cell in row[:left]).strip() for row in cells[:-2]]
    if cells[-2][left].character == "└":  # in ASCII a tick looks like the axis
        ticks = [row for row, cells_of in enumerate(cells[:-2]) if cells_of[left].character == "┤"]
        assert ticks == [row for row, text in enumerate(texts) if text]
    return [(row, text) for row, text in enumerate(texts) if text]


def drawn(values: Sequence[float | None], log: bool) -> list[float]:
    return [v for v in values if v is not None and abs(v) <= 1e150 and (v >= 1e-150 or not log)]


@settings(max_examples=200, deadline=None)
@given(
    values=curves(),
    height=st.integers(1, 60),
    zero=st.booleans(),
    log=st.booleans(),
    markers=st.sampled_from(["braille", "blocks", "ascii"]),
)
@example((-5e-6, 5e-6), 9, False, False, "braille")
@example((-5e-6, 5e-6), 5, True, False, "ascii")
@example((1e9, 1e9 + 300), 40, False, False, "braille")
@example((-7.0, -7.0), 12, False, False, "braille")
@example((1.0, 3.0), 5, False, True, "braille")
@example((3.0,), 20, False, True, "braille")
@example((1e-12, 1e9), 6, False, True, "braille")
def test_the_scale_of_whatever_is_drawn_can_be_read(
    values: Values, height: int, zero: bool, log: bool, markers: Markers
) -> None:
    plot = Plot((Curve(values, 0),), (Band(values, values, 0),), zero=zero, log=log, markers=markers)
    inside = drawn(values, log)
    assert has_values(plot) == bool(inside)
    if not inside:
        assert draw(plot, 60, height) == ()
        return
    columns, rows = least_size(plot, height)
    cells = draw(plot, columns, height)
    assert bool(cells) == (height >= rows)
    assert draw(plot, columns - 1, height) == ()
    if not cells:
        return
    assert len(cells) == height
    assert {len(row) for row in cells} == {columns}
    labels = written(cells)
    said = [float(text) for _, text in labels]
    assert len(said) > 1
    assert said == sorted(set(said), reverse=True)
    # The scale that two of the labels give holds for the others, and for the values.
    place = math.log10 if log else float
    (top, _), (bottom, _) = labels[0], labels[-1]
    a_row = (place(said[0]) - place(said[-1])) / (bottom - top)
    for (row, _), value in zip(labels, said, strict=True):
        assert abs((place(said[0]) - place(value)) / a_row - (row - top)) <= 1
    lowest = place(said[0]) - (height - 3 - top + 1) * a_row
    highest = place(said[0]) + (top + 1) * a_row
    shown = [place(value) for value in inside] + ([0.0] if zero and not log else [])
    assert lowest <= min(shown)
    assert max(shown) <= highest
    if not log and min(shown) <= 0 <= max(shown) and max(map(abs, shown)) > 0:
        assert 0 in said


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 1200), st.integers(0, 300), st.sampled_from([0, 1]))
@example(9999, 0, 1)
@example(10000, 7, 0)
@example(12000, 300, 1)
def test_the_names_of_layers_do_not_touch(layers: int, more: int, first: int) -> None:
    plot = Plot((Curve((1.0,) * layers, 0),), first=first)
    cells = draw(plot, least_size(plot, 8)[0] + more, 8)
    names = "".join(" " if cell.part == "name" else cell.character for cell in cells[-1]).split()
    assert [int(name) for name in names] == sorted({int(name) for name in names})
    ticks = "".join(cell.character for cell in cells[-2]).count("┬")
    assert (ticks, int(names[-1])) == (len(names), layers - 1 + first)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((-5e-6, 5e-6), ["5e-6", "2.5e-6", "0", "-2.5e-6", "-5e-6"]),
        ((1e-12, 3e-12), ["3e-12", "2.5e-12", "2e-12", "1.5e-12", "1e-12"]),
        ((-1e9, 2e9), ["2e9", "1e9", "0", "-1e9"]),
        ((-120000.0, 80000.0), ["5e4", "0", "-5e4", "-1e5"]),
        ((123456.0, 123460.0), ["123460", "123459", "123458", "123457", "123456"]),
        ((1234.5, 1234.8), ["1234.8", "1234.7", "1234.6", "1234.5"]),
        ((-0.004, 0.001), ["0.000", "-0.002", "-0.004"]),
    ],
)
def test_labels_are_short_and_keep_their_sign(values: Values, labels: list[str]) -> None:
    cells = draw(Plot((Curve(values, 0),)), 40, 11)
    assert [text for _, text in written(cells)] == labels


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (-5.0, -2.0), (0.2, 0.4), (-0.4, -0.2)])
def test_zero_has_its_place_where_it_must_be_shown(low: float, high: float) -> None:
    axis = value_axis(low, high, 8, zero=True)
    assert 0.0 in axis.ticks
    assert axis.low <= 0 <= axis.high
    assert 0.0 not in value_axis(low, high, 8).ticks
