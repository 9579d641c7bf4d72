import math

import pytest

from subspacelens_tui.app.drawing.plot import draw, layer_at
from subspacelens_tui.app.drawing.plot_parts import Band, Bars, Cells, Curve, Plot


def text(cells: Cells) -> str:
    return "\n".join("".join(cell.character for cell in row).rstrip() for row in cells)


def test_a_curve_with_a_gap_a_band_and_a_cursor() -> None:
    rising = tuple(float(i) if i != 4 else None for i in range(10))
    band = Band(tuple([2.0] * 10), tuple([4.0] * 10), 1)
    assert text(draw(Plot((Curve(rising, 0),), (band,), cursor=8), 40, 11)) == GOLDEN


GOLDEN = """\
  10.0┤                            ┊
      │                            ┊⣀⠤⠔●
   7.5┤                         ●⠤⠒●
      │                    ⢀●⠔⠊⠉   ┊
   5.0┤                  ●⠊⠁       ┊
      │▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅
   2.5┤▁▁▁▁▁▁▁●▁▁▁●▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
      │   ⣀●⠒⠉                     ┊
   0.0┤●⠊⠉┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┊┄┄┄┄
      └┬─────────────────┬─────────────┬
       0      layer      5             9"""


def test_what_is_beside_the_points_says_what_it_is() -> None:
    curve = Curve((1.0, 3.0, 2.0), 0, beyond=(True, False, True), shape=1)
    bars = Bars((0.0, 2.0, 1.5), (2.0, 5.0, 2.5), 0)
    for markers, points, bar in (("braille", "◆◇◆", "╷│╵"), ("ascii", "XxX", "|")):
        cells = draw(Plot((curve,), bars=(bars,), markers=markers), 30, 16)
        drawn = [cell for column in zip(*cells, strict=True) for cell in column]
        assert "".join(cell.character for cell in drawn if cell.part == "point") == points
        assert {cell.character for cell in drawn if cell.part == "bar"} <= set(bar)
        assert "".join(cell.character for cell in cells[-1] if cell.part == "name") == "layer"


def test_a_logarithmic_axis_has_powers_of_ten_and_no_place_for_zero() -> None:
    spectrum = Curve((1000.0, 100.0, 10.0, 1.0, 0.1, 0.0), 0)
    drawn = text(draw(Plot((spectrum,), log=True, first=1), 40, 14)).splitlines()
    assert [line[:6].strip() for line in drawn if line[:6].strip()] == [
        *("1e4", "1e3", "1e2", "1e1", "1e0", "1e-1")
    ]
    assert drawn[-1].split() == ["1", "3", "layer", "5", "6"]
    # A straight line, for the values fall tenfold from place to place; then a gap.
    assert not any(line[38:].strip("─┬ ") for line in drawn[:-2])


def test_ascii_draws_in_ascii() -> None:
    drawn = text(draw(Plot((Curve((0.0, 2.0, 1.0), 0),), markers="ascii", cursor=1), 30, 9))
    assert drawn.isascii()
    assert "*" in drawn


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (10, 3), (11, 4), (300, 90)])
@pytest.mark.parametrize(
    "curves",
    [
        (),
        (Curve((), 0),),
        (Curve((None, None), 0),),
        (Curve((1.0,), 0),),
        (Curve((5.0,) * 60, 0), Curve((None,) * 60, 1)),
        (Curve((1e-12, 2e-12), 0), Curve((-1e9, 1e9), 1, dashed=True)),
        (Curve((math.inf, 1.0, math.nan), 0),),
    ],
)
def test_nothing_a_curve_can_hold_crashes(curves: tuple[Curve, ...], size: tuple[int, int]) -> None:
    cells = draw(Plot(curves, cursor=1, zero=True), *size)
    assert cells == () or (len(cells) == size[1] and all(len(row) == size[0] for row in cells))


def test_cells_know_their_curve() -> None:
    cells = draw(Plot((Curve((0.0, 0.0, 0.0), 3), Curve((9.0, 9.0, 9.0), 1))), 40, 12)
    assert {cell.colour for row in cells for cell in row if cell.part == "curve"} == {3, 1}


def test_the_axis_holds_still_while_values_move_a_little() -> None:
    frame = [
        [
            [cell for cell in row if cell.part == "frame"]
            for row in draw(Plot((Curve((0.0, top), 0),)), 40, 10)
        ]
        for top in (81.0, 83.0, 86.0)
    ]
    assert frame[0] == frame[1] == frame[2]


def test_every_layer_can_be_clicked() -> None:
    cells = draw(Plot((Curve(tuple(map(float, range(12))), 0),)), 60, 10)
    assert {layer_at(x, cells, 12) for x in range(7, 60)} == set(range(12))
    assert layer_at(3, cells, 12) is None
    assert layer_at(30, (), 12) is None


def points(cells: Cells, colour: int) -> list[int]:
    """The columns of a curve's points."""
    columns = enumerate(zip(*cells, strict=True))
    return [
        column for column, of in columns if any(cell.part == "point" and cell.colour == colour for cell in of)
    ]


def test_models_of_different_depths_share_an_axis_of_relative_depth() -> None:
    deep, shallow = Curve(tuple(map(float, range(9))), 0), Curve((8.0, 7.0, 6.0), 1)
    bars = Bars((7.5, 6.5, 5.5), (8.5, 7.5, 6.5), 1)
    band = Band((1.0, 1.0, 1.0), (2.0, 2.0, 2.0), 1)
    cells = draw(Plot((deep, shallow), (band,), (bars,), cursor=8, relative=True), 60, 20)
    left, right = points(cells, 0)[0], points(cells, 0)[-1]
    assert points(cells, 1) == [left, (left + right) // 2, right]
    assert "".join(cell.character for cell in cells[-1]).split() == [*("0", "0.5", "relative", "depth", "1")]
    # The band reaches from the first layer to the last of its curve.
    shaded = [column for column, of in enumerate(zip(*cells, strict=True)) if any(c.band == 1 for c in of)]
    assert {left, right} <= set(shaded)
    with_cursor = [row[-1].part for row in cells[:-2]]
    assert "cursor" in with_cursor
    assert draw(Plot((deep, shallow), relative=True), 12, 8) != ()


@pytest.mark.parametrize(
    ("breaks", "numbers"),
    [((2, 4), ()), ((), (0, 1, 4, 5, 9)), ((2,), (2, 3, 4, 5, 9))],
    ids=["widths", "layers not recorded", "both"],
)
def test_nothing_joins_layers_of_different_widths_or_over_missing_ones(
    breaks: tuple[int, ...], numbers: tuple[int, ...]
) -> None:
    flat = (1.0, 1.0, 3.0, 3.0, 1.0)
    band = Band((0.0,) * 5, (0.5,) * 5, 0, breaks=breaks)
    cells = draw(Plot((Curve(flat, 0, breaks=breaks),), (band,), numbers=numbers), 60, 12)
    at = points(cells, 0)
    drawn = [
        column
        for column, of in enumerate(zip(*cells, strict=True))
        if any(cell.part in ("curve", "band", "gap") or cell.band is not None for cell in of)
    ]
    for before, after, joined in zip(at, at[1:], (True, False, True, False), strict=False):
        between = set(range(before + 1, after))
        assert between <= set(drawn) if joined else not between & set(drawn)
