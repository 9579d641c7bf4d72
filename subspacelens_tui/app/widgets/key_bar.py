"""The footer: the keys of the moment, made from the key table; each can be clicked."""

from collections.abc import Iterable, Sequence

from rich.style import Style

from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, row_width
from subspacelens_tui.app.keys import Key, key_name


class KeyBar(Painted):
    """As many keys as fit, in their order."""

    def __init__(self, keys: Sequence[Key], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = list(keys)

    def update(self, keys: Sequence[Key]) -> None:
        """Show these."""
        if list(keys) != self._keys:
            self._keys = list(keys)
            self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """Key and word, one after the other."""
        row: list[Piece] = [(" ", self.ink())]
        for key in self._keys:
            click = Style.from_meta({"@click": key.run})
            piece: list[Piece] = [
                (key_name(key.keys.split(",")[0]), self.ink("accent") + click),
                (f" {key.short}", self.ink("dim") + click),
                ("  ", self.ink()),
            ]
            if row_width(row) + row_width(piece) - 2 <= width:
                row += piece
        yield row
