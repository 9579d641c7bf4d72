"""Rows of the screen as a PNG: text in the fonts that come with matplotlib, braille and blocks drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.color import Color
from textual.strip import Strip

from subspacelens_tui.app.drawing.subcells import COVERED, LOWER

_WIDTH, _HEIGHT, _SIZE = 18, 36, 30
_INK, _GROUND = (224, 224, 224), (18, 18, 18)
# Places of the dots of braille in a cell, by bit.
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75, "█": 1.0}
_LEFT = " ▏▎▍▌▋▊▉"

_Triplet = tuple[int, int, int]


def pane_png(seen: Sequence[Strip], path: Path, description: str = "") -> Path:
    """Draw the rows, with a description in the file; needs matplotlib, for its fonts."""
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

    font = ImageFont.truetype(Path(get_data_path(), "fonts/ttf/DejaVuSansMono.ttf"), _SIZE)
    columns = max((strip.cell_length for strip in seen), default=1)
    image = Image.new("RGB", (columns * _WIDTH, len(seen) * _HEIGHT), _GROUND)
    pen = ImageDraw.Draw(image)
    for row, strip in enumerate(seen):
        column = 0
        for text, style, _ in strip:
            ink = _triplet(style.color if style else None, _INK)
            ground = _triplet(style.bgcolor if style else None, _GROUND)
            if style is not None and style.reverse:
                ink, ground = ground, ink
            for character in text:
                wide = cell_len(character)
                box = (column * _WIDTH, row * _HEIGHT, (column + wide) * _WIDTH - 1, (row + 1) * _HEIGHT - 1)
                if wide:
                    pen.rectangle(box, fill=ground)
                    _cell(pen, font, character, box, ink, ground)
                    if style is not None and style.underline:
                        pen.line((box[0], box[3], box[2], box[3]), fill=ink, width=2)
                column += wide
    said = PngImagePlugin.PngInfo()
    if description:
        said.add_text("Description", description)
    image.save(path, pnginfo=said)
    return path


def _triplet(colour: Color | None, default: _Triplet) -> _Triplet:
    return default if colour is None or colour.is_default else colour.get_truecolor()


def _cell(
    pen: Any, font: Any, character: str, box: tuple[int, int, int, int], ink: _Triplet, ground: _Triplet
) -> None:
    left, top, right, bottom = box
    if "\u2800" <= character <= "\u28ff":
        for bit, (across, down) in enumerate(_DOTS):
            if (ord(character) - 0x2800) >> bit & 1:
                x, y = left + (2 * across + 1) * _WIDTH // 4, top + (2 * down + 1) * _HEIGHT // 8
                pen.ellipse((x - 3, y - 3, x + 2, y + 2), fill=ink)
    elif character in _SHADES:
        share = _SHADES[character]
        mixed = tuple(round(share * a + (1 - share) * b) for a, b in zip(ink, ground, strict=True))
        pen.rectangle(box, fill=mixed)
    elif character in LOWER or character == "▀":
        low, high = (round(_HEIGHT * part) for part in COVERED[character])
        if high > low:
            pen.rectangle((left, bottom + 1 - high, right, bottom - low), fill=ink)
    elif character in _LEFT:
        pen.rectangle((left, top, left + _WIDTH * _LEFT.index(character) // 8 - 1, bottom), fill=ink)
    elif not character.isspace():
        pen.text((left, top), character, fill=ink, font=font)
