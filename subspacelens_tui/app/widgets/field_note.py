"""The line beside a field of a form: what it is for, what it came to, or what is wrong with it."""

from collections.abc import Iterable

from rich.cells import cell_len

from subspacelens_tui.app.drawing.painted_widget import Painted, Row, cut_row
from subspacelens_tui.sessions.sanitise import plain

_SIGN = 2


class FieldNote(Painted):
    """One line; an error wins over what the field came to, that over what it is for."""

    def __init__(self, says: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._says = says
        self.error: str | None = None
        self._note: str | None = None

    def update(self, error: str | None, note: str | None) -> None:
        """Show this."""
        self.error, self._note = error, note
        self.set_class(error is not None, "wrong")
        self.repaint()

    @property
    def words(self) -> str:
        """What it says, whether there is room for all of it or not."""
        return next(of for of in (self.error, self._note, self._says) if of is not None)

    @property
    def is_cut(self) -> bool:
        """Whether some of it is not seen."""
        return cell_len(plain(self.words)) + _SIGN > self.size.width

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """An error has a sign, for those who see no colours."""
        if self.error is not None:
            sign, inks = "✗ ", ("error", "error")
        elif self._note is not None:
            sign, inks = "= ", ("faint", "")
        else:
            sign, inks = "  ", ("", "dim")
        yield cut_row([(sign, self.ink(inks[0])), (plain(self.words), self.ink(inks[1]))], width)
