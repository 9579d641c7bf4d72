"""What an image has become on its way to the terminal: rows of cells."""

from dataclasses import dataclass
from typing import Literal

from rich.style import Style

Colours = Literal["none", "16", "256", "truecolor"]

_COLOURS: dict[str | None, Colours] = {
    "truecolor": "truecolor",
    "256": "256",
    "standard": "16",
    "windows": "16",
}


@dataclass(frozen=True)
class Drawn:
    """An image in cells.

    Attributes:
        rows: text and style of each row, all rows as wide as the image.
        width: of the image, in cells.
        before: what the terminal is sent before it is given the rows.
        over: what is drawn over the rows, from their first cell on.
        after: what lets the terminal forget it.
    """

    rows: tuple[tuple[tuple[str, Style], ...], ...]
    width: int
    before: str = ""
    over: str = ""
    after: str = ""


def fitted(size: tuple[int, int], room: tuple[int, int], cell: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows that an image takes in a room of cells, its proportions kept; at least one of each.

    Args:
        size: width and height of the image, in pixels.
        room: columns and rows there are.
        cell: width and height of a cell, in pixels; only their proportion matters.
    """
    scale = min(room[0] * cell[0] / size[0], room[1] * cell[1] / size[1])
    columns = round(size[0] * scale / cell[0])
    rows = round(size[1] * scale / cell[1])
    return max(1, min(room[0], columns)), max(1, min(room[1], rows))


def colours_of(color_system: str | None) -> Colours:
    """How many colours there are, from Rich's name of the terminal's colour system."""
    return _COLOURS.get(color_system, "none")
