"""Images as sixels: https://vt100.net/docs/vt3xx-gp/chapter14.html"""

import re

import numpy as np
from PIL import Image
from rich.style import Style

from subspacelens_tui.app.drawing.picture_cells import Drawn

_COLOURS = 64
_BAND = 6
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)


def sixel(picture: Image.Image, width: int, height: int, cell: tuple[int, int]) -> Drawn:
    """The picture (RGB) in so many columns and rows of cells of so many pixels: drawn over blanks."""
    size = (width * cell[0], height * cell[1])
    data = encoded(picture.resize(size, Image.Resampling.BICUBIC))
    # Blanks of one picture differ from those of another, so that these are sent anew where it changes.
    blank = (" " * width, Style(meta={"picture": hash(data)}))
    return Drawn(((blank,),) * height, width, over=data)


def encoded(picture: Image.Image) -> str:
    """The picture as one sixel sequence, in at most 64 colours."""
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    pixels = np.asarray(few)
    palette = few.getpalette() or []
    used = np.unique(pixels).tolist()
    percent = {n: [round(channel * 100 / 255) for channel in palette[3 * n : 3 * n + 3]] for n in used}
    head = f'\x1bP0;1q"1;1;{picture.width};{picture.height}' + "".join(
        f"#{n};2;{red};{green};{blue}" for n, (red, green, blue) in percent.items()
    )
    bands = (_band(pixels[top : top + _BAND]) for top in range(0, picture.height, _BAND))
    return head + "-".join(bands) + "\x1b\\"


def _band(pixels: np.ndarray) -> str:
    """Six rows: for each colour a row of characters, a bit for each of the six."""
    weights = 1 << np.arange(len(pixels))
    rows = []
    for number in np.unique(pixels).tolist():
        bits = (pixels == number).T @ weights
        characters = bytes((bits + 63).astype(np.uint8))
        rows.append(f"#{number}" + _RUN.sub(_shortened, characters.rstrip(b"?")).decode())
    return "$".join(rows)


def _shortened(run: re.Match[bytes]) -> bytes:
    return b"!%d%s" % (len(run[0]), run[1])
