"""The line beside a field of a form: what it is for, what it came to, or what is wrong with it."""

from collections.abc import Iterable

from subspacelens_tui.app.drawing.painted import Painted, Row, cut_row
from subspacelens_tui.sessions.sanitise import plain


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

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """An error has a sign, for those who see no colours."""
        if self.error is not None:
            yield cut_row([("✗ ", self.ink("error")), (plain(self.error), self.ink("error"))], width)
        elif self._note is not None:
            yield cut_row([("= ", self.ink("faint")), (plain(self._note), self.ink())], width)
        else:
            yield cut_row([("  ", self.ink()), (plain(self._says), self.ink("dim"))], width)
