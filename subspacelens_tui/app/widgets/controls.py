"""The bar of controls: what is analysed, every value a click or a key away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.geometry import Size

from subspacelens_tui.app.fitting import cut
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.app.view import CHOICES, View
from subspacelens_tui.app.widgets.painted import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.sessions.plain import plain

_VALUE_AT_MOST = 16
_ROWS_AT_MOST = 2
_BETWEEN = "  "


@dataclass(frozen=True)
class _Group:
    """One control: in full, and folded to its current value."""

    full: list[Piece]
    folded: list[Piece]


class ControlsBar(Painted):
    """Each control with its values, the current one marked; folded to that one where there is no room.

    The underlined letter of a control is its key.
    """

    recording: Recording | None = None
    view: View | None = None
    analysis: Analysis | None = None

    def update(self, recording: Recording | None, view: View | None, analysis: Analysis | None) -> None:
        """Show this."""
        rows = self.get_content_height(self.size, self.size, self.size.width)
        self.recording, self.view, self.analysis = recording, view, analysis
        if self.get_content_height(self.size, self.size, self.size.width) != rows:
            self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Textual's hook: a second row only where one is too short."""
        if self.recording is None or self.view is None:
            return 1
        rows = _wrapped([group.full for group in self._groups(self.recording, self.view)], width)
        return min(_ROWS_AT_MOST, len(rows))

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The groups, wrapped into the rows there are."""
        if self.recording is None or self.view is None:
            return
        groups = self._groups(self.recording, self.view)
        for fold in range(len(groups) + 1):
            # The widest values fold first; what is still too wide is cut.
            rows = _wrapped([self._folded(groups, group, fold) for group in groups], width)
            if len(rows) <= height:
                break
        for row in rows[:height]:
            yield cut_row([(" ", self.ink()), *row], width)

    @staticmethod
    def _folded(groups: Sequence[_Group], group: _Group, fold: int) -> list[Piece]:
        widest = sorted(groups, key=lambda g: row_width(g.folded) - row_width(g.full))
        return group.folded if group in widest[:fold] else group.full

    def _groups(self, recording: Recording, view: View) -> list[_Group]:
        manifest = recording.manifest
        groups = [self._choice("labels", "l"), self._eps(view), self._choice("branch", "b")]
        groups += [self._choice("step", "s"), self._choice("features", "f")]
        if len(manifest.guidance) > 1:
            groups.append(self._choice("guidance", "g"))
        return [*groups, self._rank(view), self._null()]

    def _choice(self, name: str, key: str) -> _Group:
        assert self.recording is not None
        assert self.view is not None
        choice, manifest = CHOICES[name], self.recording.manifest
        values = [cut(plain(value), _VALUE_AT_MOST) for value in choice.values(manifest, self.view)]
        current = choice.index(self.view, manifest)
        label = self._label(name, key, f"screen.next_choice('{name}', 1)")
        full = list(label)
        for index, value in enumerate(values):
            full += [("│", self.ink("faint"))] if index else []
            full.append(self._value(value, f"screen.choose('{name}', {index})", index == current))
        arrows = len(values) > 1
        folded = [
            *label,
            *([self._value("‹", f"screen.next_choice('{name}', -1)", False)] if arrows else []),
            self._value(values[current], f"screen.next_choice('{name}', 1)", True),
            *([self._value("›", f"screen.next_choice('{name}', 1)", False)] if arrows else []),
        ]
        return _Group(full, folded)

    def _eps(self, view: View) -> _Group:
        pieces = [
            *self._label("ε", "ε", "screen.type_eps"),
            self._value("−", "screen.eps(-1)", False),
            self._value(f"{view.settings.eps:g}", "screen.type_eps", True),
            self._value("+", "screen.eps(1)", False),
        ]
        return _Group(pieces, pieces)

    def _rank(self, view: View) -> _Group:
        rank = "auto" if view.settings.rank is None else str(view.settings.rank)
        pieces = [
            *self._label("rank", "r", "screen.rank(1)"),
            self._value("−", "screen.rank(-1)", False),
            self._value(rank, "screen.rank(1)", True),
            self._value("+", "screen.rank(1)", False),
        ]
        return _Group(pieces, pieces)

    def _null(self) -> _Group:
        count = self.analysis.permutations if self.analysis else 0
        pieces = [("null ", self.ink("dim")), (f"{count or '–':>3}", self.ink())]
        return _Group(pieces, pieces)

    def _label(self, name: str, key: str, action: str) -> list[Piece]:
        click = Style.from_meta({"@click": action})
        before, letter, after = name.partition(key)
        return [
            (before, self.ink("dim") + click),
            (letter, self.ink("accent") + Style(underline=True) + click),
            (after + " ", self.ink("dim") + click),
        ]

    def _value(self, text: str, action: str, current: bool) -> Piece:
        style = self.ink("chosen") if current else self.ink()
        # Brackets, so that the chosen value is known without colours too.
        shown = f"[{text}]" if current else f" {text} "
        return shown, style + Style.from_meta({"@click": action})


def _wrapped(groups: Sequence[list[Piece]], width: int) -> list[list[Piece]]:
    """The groups in rows, none broken."""
    rows: list[list[Piece]] = [[]]
    for group in groups:
        gap = [(_BETWEEN, Style())] if rows[-1] else []
        if rows[-1] and row_width(rows[-1]) + len(_BETWEEN) + row_width(group) > width - 1:
            rows.append(list(group))
        else:
            rows[-1] += [*gap, *group]
    return rows
