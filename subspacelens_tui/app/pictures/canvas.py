"""How pictures are drawn on this terminal."""

from dataclasses import dataclass

from PIL import Image

from subspacelens_tui.app.pictures.drawn import Colours, Drawn, fitted
from subspacelens_tui.app.pictures.half_blocks import half_blocks

# Where the terminal does not say: nearly all fonts are about twice as high as wide.
_CELL = (10, 20)


@dataclass(frozen=True)
class Canvas:
    """What pictures are drawn on.

    Attributes:
        colours: of the terminal.
        dark: whether ink is brighter than the ground.
        ascii_only: whether blanks must do.
        cell: width and height of a cell, in pixels.
    """

    colours: Colours
    dark: bool = True
    ascii_only: bool = False
    cell: tuple[int, int] = _CELL

    def rows(self, columns: int) -> int:
        """The rows of a square of so many columns."""
        return max(1, round(columns * self.cell[0] / self.cell[1]))

    def pixels(self, columns: int, rows: int) -> int:
        """The longer side of an image that fills so many cells without being scaled up."""
        return max(columns, 2 * rows)

    def draw(self, picture: Image.Image, columns: int, rows: int) -> Drawn:
        """The picture (RGB), as large as fits in so many cells."""
        width, height = fitted(picture.size, (columns, rows), self.cell)
        return half_blocks(picture, width, height, self.colours, self.dark, self.ascii_only)
