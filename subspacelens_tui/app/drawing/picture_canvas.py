"""How pictures are drawn on this terminal."""

from dataclasses import dataclass
from typing import Literal

from PIL import Image

from subspacelens_tui.app.drawing.half_blocks import half_blocks
from subspacelens_tui.app.drawing.kitty import MOST_CELLS, kitty
from subspacelens_tui.app.drawing.picture_cells import Colours, Drawn, fitted
from subspacelens_tui.app.drawing.sixel import sixel
from subspacelens_tui.app.preferences.schema import Pictures
from subspacelens_tui.app.terminal_graphics import Terminal

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
        kind: what they are drawn with.
        wrapped: whether what is sent to the terminal must be wrapped for tmux.
    """

    colours: Colours
    dark: bool = True
    ascii_only: bool = False
    cell: tuple[int, int] = _CELL
    kind: Literal["half-blocks", "kitty", "sixel"] = "half-blocks"
    wrapped: bool = False

    def rows(self, columns: int) -> int:
        """The rows of a square of so many columns."""
        return max(1, round(columns * self.cell[0] / self.cell[1]))

    def pixels(self, columns: int, rows: int) -> int:
        """The longer side of an image that fills so many cells without being scaled up."""
        if self.kind == "half-blocks":
            return max(columns, 2 * rows)
        return max(columns * self.cell[0], rows * self.cell[1])

    def draw(self, picture: Image.Image, columns: int, rows: int) -> Drawn:
        """The picture (RGB), as large as fits in so many cells."""
        if self.kind == "kitty":
            columns, rows = min(columns, MOST_CELLS), min(rows, MOST_CELLS)
        width, height = fitted(picture.size, (columns, rows), self.cell)
        if self.kind == "kitty":
            return kitty(picture, width, height, self.colours != "truecolor", self.wrapped)
        if self.kind == "sixel":
            return sixel(picture, width, height, self.cell)
        return half_blocks(picture, width, height, self.colours, self.dark, self.ascii_only)


def canvas_for(
    wanted: Pictures, terminal: Terminal, colours: Colours, dark: bool, ascii_only: bool, in_tmux: bool
) -> Canvas:
    """The canvas of a terminal.

    Sixels go first: terminals that have both (WezTerm, Konsole) lack Kitty's placeholders. They need the size
    of a cell, or they would cover text: unless asked for by name, they are not chosen without it. Kitty's
    placeholders need 256 colours, for a colour is the image's number. Without colours there are only shades.
    """
    cell = terminal.cell or _CELL
    if colours != "none":
        if wanted == "sixel" or (wanted == "auto" and terminal.sixel and terminal.cell):
            return Canvas(colours, dark, ascii_only, cell, "sixel")
        if colours != "16" and (wanted == "kitty" or (wanted == "auto" and terminal.kitty)):
            return Canvas(colours, dark, ascii_only, cell, "kitty", in_tmux)
    return Canvas(colours, dark, ascii_only, cell)
