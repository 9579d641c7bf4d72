"""An image as half-blocks: two pixels a cell, one the ink and one the ground of `▀`.

Colours are chosen once for the picture, among those that the terminal has, so that neighbours are often the
same and cost no bytes. Why this is our own: docs/design.md.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from PIL import Image, ImageOps
from rich.color import Color
from rich.style import Style

from subspacelens_tui.app.drawing.palette import SHADES
from subspacelens_tui.app.drawing.picture_cells import Colours, Drawn

_Pixel = tuple[int, int, int]
_UPPER = "▀"
# In a picture of some hundred pixels nobody misses more, and the runs get longer.
_COLOURS_A_PICTURE = 48
# What Rich takes the sixteen colours to be; brown is the exception.
_SIXTEEN: list[_Pixel] = [
    (85 * (light + 2 * (n & 1)), 85 * (light + 2 * (n >> 1 & 1)), 85 * (light + 2 * (n >> 2 & 1)))
    for light in (0, 1)
    for n in range(8)
]
_SIXTEEN[3] = (170, 85, 0)


def half_blocks(
    picture: Image.Image,
    width: int,
    height: int,
    colours: Colours,
    dark: bool = True,
    ascii_only: bool = False,
) -> Drawn:
    """The picture (RGB) in so many columns and rows.

    Args:
        picture: the picture.
        width, height: in cells, as `drawn.fitted` gives them.
        colours: of the terminal; where it has none, shades stand for luminance.
        dark: whether ink is brighter than the ground.
        ascii_only: one colour a cell, on blanks.
    """
    if colours == "none":
        return _shades(picture, width, height, dark)
    if ascii_only:
        pixels = _pixels(picture, width, height, colours)
        return Drawn(tuple(_runs((" ", _style(None, pixel)) for pixel in row) for row in pixels), width)
    pixels = _pixels(picture, width, 2 * height, colours)
    pairs = zip(pixels[::2], pixels[1::2], strict=True)
    return Drawn(tuple(_runs(map(_cell, upper, lower)) for upper, lower in pairs), width)


def _pixels(picture: Image.Image, width: int, height: int, colours: Colours) -> list[list[_Pixel]]:
    """Rows of pixels in colours that the terminal has."""
    smaller = picture.width >= width
    small = picture.resize((width, height), Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC)
    if colours == "16":
        small = small.quantize(palette=_sixteen(), dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")
    elif colours == "256":
        small = small.quantize(palette=_cube(), dither=Image.Dither.NONE).convert("RGB")
    else:
        small = small.quantize(_COLOURS_A_PICTURE, dither=Image.Dither.NONE).convert("RGB")
    flat = small.tobytes()
    row = 3 * width
    return [
        [(flat[i], flat[i + 1], flat[i + 2]) for i in range(start, start + row, 3)]
        for start in range(0, row * height, row)
    ]


def _cell(upper: _Pixel, lower: _Pixel) -> tuple[str, Style]:
    return (" ", _style(None, lower)) if upper == lower else (_UPPER, _style(upper, lower))


# Styles are large, and many cells share one.
@lru_cache(maxsize=16384)
def _style(ink: _Pixel | None, ground: _Pixel) -> Style:
    return Style(color=Color.from_rgb(*ink) if ink else None, bgcolor=Color.from_rgb(*ground))


def _runs(cells: Iterator[tuple[str, Style]]) -> tuple[tuple[str, Style], ...]:
    """Cells of one style together."""
    return tuple(
        ("".join(text for text, _ in run), style) for style, run in groupby(cells, key=lambda cell: cell[1])
    )


def _shades(picture: Image.Image, width: int, height: int, dark: bool) -> Drawn:
    """Luminance in shades of ink, dithered: five alone would leave flat areas."""
    grey = ImageOps.autocontrast(picture.convert("L").resize((width, height), Image.Resampling.BOX), cutoff=1)
    levels = Image.new("P", (1, 1))
    values = [round(255 * i / (len(SHADES) - 1)) for i in range(len(SHADES))]
    levels.putpalette([channel for value in values for channel in (value,) * 3])
    flat = grey.convert("RGB").quantize(palette=levels, dither=Image.Dither.FLOYDSTEINBERG).tobytes()
    inks = SHADES if dark else SHADES[::-1]
    return Drawn(
        tuple(
            (("".join(inks[i] for i in flat[start : start + width]), Style()),)
            for start in range(0, width * height, width)
        ),
        width,
    )


@lru_cache(maxsize=1)
def _sixteen() -> Image.Image:
    return _palette(_SIXTEEN)


@lru_cache(maxsize=1)
def _cube() -> Image.Image:
    """The colours from 16 on: the others are each terminal's own."""
    return _palette([Color.from_ansi(number).get_truecolor() for number in range(16, 256)])


def _palette(colours: Sequence[_Pixel]) -> Image.Image:
    image = Image.new("P", (1, 1))
    image.putpalette([channel for colour in colours for channel in colour])
    return image
