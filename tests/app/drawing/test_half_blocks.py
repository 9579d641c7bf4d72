"""Pictures in cells: each half the colour it should have, in colours that the terminal has."""

import io
from itertools import chain

import numpy as np
import pytest
from PIL import Image
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment, Segments

from subspacelens_tui.app.drawing.half_blocks import half_blocks
from subspacelens_tui.app.drawing.picture_cells import Colours, Drawn, colours_of, fitted

RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def picture(*rows: list[tuple[int, int, int]]) -> Image.Image:
    return Image.fromarray(np.array(rows, dtype=np.uint8))


def photo(side: int = 64) -> Image.Image:
    """Every hue, from dark to light."""
    down, across = np.mgrid[0:side, 0:side] / side
    hsv = np.stack([across, np.full_like(across, 0.8), down], axis=-1)
    return Image.fromarray((255 * hsv).astype(np.uint8), "HSV").convert("RGB")


def cells(drawn: Drawn) -> list[list[tuple[str, tuple[int, int, int], tuple[int, int, int]]]]:
    """Character, colour of its upper half, colour of its lower half."""
    rows = []
    for row in drawn.rows:
        found = []
        for text, style in row:
            ground = tuple(style.bgcolor.triplet)
            ink = tuple(style.color.triplet) if style.color else ground
            found += [(character, ink, ground) for character in text]
        rows.append(found)
    return rows


@pytest.mark.parametrize("colours", ["truecolor", "256", "16"])
def test_each_cell_is_two_pixels(colours: Colours) -> None:
    two = picture([WHITE, BLACK], [BLACK, BLACK])
    assert cells(half_blocks(two, 2, 1, colours)) == [[("▀", WHITE, BLACK), (" ", BLACK, BLACK)]]


def test_true_colours_are_kept() -> None:
    drawn = half_blocks(picture([RED], [BLUE]), 1, 1, "truecolor")
    assert cells(drawn) == [[("▀", RED, BLUE)]]
    wide = half_blocks(photo(), 40, 20, "truecolor")
    assert wide.width == 40
    assert [sum(len(text) for text, _ in row) for row in wide.rows] == [40] * 20
    wanted = np.asarray(photo().resize((40, 40), Image.Resampling.BOX), dtype=float)
    upper = np.array([[ink for _, ink, _ in row] for row in cells(wide)], dtype=float)
    # 48 colours stand for all of them.
    assert np.abs(upper - wanted[::2]).mean() < 12


@pytest.mark.parametrize(("colours", "system", "most"), [("256", "256", 240), ("16", "standard", 16)])
def test_colours_are_those_the_terminal_has(colours: Colours, system: str, most: int) -> None:
    drawn = half_blocks(photo(), 32, 16, colours)
    styles = {style for row in drawn.rows for _, style in row}
    used = {colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None}
    wanted = ColorSystem.EIGHT_BIT if colours == "256" else ColorSystem.STANDARD
    numbers = {tuple(colour.triplet): colour.downgrade(wanted).number for colour in used}
    # Two of ours never become one of the terminal's.
    assert len(set(numbers.values())) == len(numbers) <= most
    assert len(numbers) >= 6
    console = Console(file=io.StringIO(), force_terminal=True, color_system=system, width=80)
    console.print(Segments(Segment(*piece) for row in drawn.rows for piece in row))
    assert ";2;" not in console.file.getvalue()


@pytest.mark.parametrize("dark", [True, False])
def test_without_colours_shades_stand_for_luminance(dark: bool) -> None:
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 60, dtype=np.uint8), (60, 1))).convert("RGB")
    drawn = half_blocks(ramp, 30, 10, "none", dark)
    text = ["".join(text for text, _ in row) for row in drawn.rows]
    assert {style.color or style.bgcolor for row in drawn.rows for _, style in row} == {None}
    assert set(chain(*text)) == set(" ░▒▓█")
    ink = [[" ░▒▓█".index(character) for character in row] for row in text]
    left, right = np.mean([row[:10] for row in ink]), np.mean([row[-10:] for row in ink])
    # Ink is light on a dark ground, and dark on a light one.
    assert (right - left > 2) if dark else (left - right > 2)


def test_ascii_needs_nothing_but_blanks() -> None:
    drawn = half_blocks(photo(), 16, 8, "256", ascii_only=True)
    assert {text.strip() for row in drawn.rows for text, _ in row} == {""}
    assert len({style.bgcolor for row in drawn.rows for _, style in row}) > 10


@pytest.mark.parametrize(
    ("size", "room", "taken"),
    [
        ((64, 64), (16, 8), (16, 8)),
        ((64, 64), (40, 8), (16, 8)),
        ((64, 64), (8, 40), (8, 4)),
        ((128, 64), (16, 8), (16, 4)),
        ((32, 64), (16, 8), (8, 8)),
        ((2048, 1), (16, 8), (16, 1)),
    ],
)
def test_proportions_are_kept(size: tuple[int, int], room: tuple[int, int], taken: tuple[int, int]) -> None:
    assert fitted(size, room, (10, 20)) == taken


def test_rich_s_names_of_colour_systems() -> None:
    wanted = {"truecolor": "truecolor", "256": "256", "standard": "16", None: "none"}
    assert {name: colours_of(name) for name in wanted} == wanted
