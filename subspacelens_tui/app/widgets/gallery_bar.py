"""The bar of the gallery: which images of which classes are shown, every value a click away."""

from collections.abc import Iterable, Sequence

from rich.style import Style

from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.sessions.sanitise import plain

_LONGEST = 16
ALL = "all"


class GalleryBar(Painted):
    """Label schemes and classes, the current ones marked; folded to these where there is no room."""

    _schemes: Sequence[str] = ()
    _class_names: Sequence[str] = ()
    _current = 0
    _only: int | None = None
    _count = ""

    def update(
        self, schemes: Sequence[str], scheme: int, classes: Sequence[str], chosen: int | None, count: str
    ) -> None:
        """Show these.

        Args:
            schemes: all label schemes.
            scheme: index of the current one.
            classes: its classes.
            chosen: index of the one that is shown alone, None for all.
            count: how many images that is.
        """
        self._schemes, self._current = schemes, scheme
        self._class_names, self._only, self._count = classes, chosen, count
        self.repaint()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """One row, in the widest form that fits."""
        if not self._schemes:
            return
        count = [(self._count, self.ink("dim"))]
        forms = (
            [*self._labels(True), *self._class_values(True), *count],
            [*self._labels(True), *self._class_values(False), *count],
            [*self._labels(False), *self._class_values(False), *count],
        )
        yield cut_row(next((form for form in forms if row_width(form) <= width), forms[-1]), width)

    def _labels(self, full: bool) -> list[Piece]:
        row = self._control(" ", "l", "abels ", "screen.next_scheme(1)")
        for index, scheme in enumerate(self._schemes):
            if full or index == self._current:
                row.append(self._value(scheme, f"screen.choose_scheme({index})", index == self._current))
        return [*row, ("  ", self.ink())]

    def _class_values(self, full: bool) -> list[Piece]:
        row = self._control("", "c", "lass ", "screen.next_class(1)")
        if full:
            row.append(self._value(ALL, "screen.choose_class(-1)", self._only is None))
            row += [
                self._value(name, f"screen.choose_class({index})", index == self._only)
                for index, name in enumerate(self._class_names)
            ]
        else:
            name = ALL if self._only is None else self._class_names[self._only]
            row += [
                self._value("‹", "screen.next_class(-1)", False),
                self._value(name, "screen.next_class(1)", True),
                self._value("›", "screen.next_class(1)", False),
            ]
        return [*row, ("  ", self.ink())]

    def _control(self, before: str, key: str, after: str, action: str) -> list[Piece]:
        click = Style.from_meta({"@click": action})
        return [
            (before, self.ink("dim")),
            (key, self.ink("accent") + Style(underline=True) + click),
            (after, self.ink("dim") + click),
        ]

    def _value(self, text: str, action: str, current: bool) -> Piece:
        shown = cut(plain(text), _LONGEST)
        style = self.ink("chosen") if current else self.ink()
        return f"[{shown}]" if current else f" {shown} ", style + Style.from_meta({"@click": action})
