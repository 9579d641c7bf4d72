"""The bar of controls: what is analysed, every value a click or a key away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.geometry import Size

from subspacelens_tui.app.drawing.cell_text import cut
from subspacelens_tui.app.drawing.painted_widget import Painted, Piece, Row, cut_row, row_width
from subspacelens_tui.app.selection import CHOICES, Selection
from subspacelens_tui.app.snapshots import Analysis, Recording
from subspacelens_tui.sessions import Manifest
from subspacelens_tui.sessions.sanitise import plain
from subspacelens_tui.sessions.steps import timestep_name

_VALUE_AT_MOST = 18
_ROWS_AT_MOST = 2
_BETWEEN = "  "


@dataclass(frozen=True)
class _Group:
    """One control: in full, folded to its current value between arrows, and that value bare.

    `barest` is without what is said beside the value, where something is.
    """

    full: list[Piece]
    folded: list[Piece]
    bare: list[Piece]
    barest: list[Piece] | None = None

    @property
    def forms(self) -> tuple[list[Piece], ...]:
        """From wide to narrow."""
        forms = (self.full, self.folded, self.bare)
        return forms if self.barest is None else (*forms, self.barest)


class ControlsBar(Painted):
    """Each control with its values, the current one marked; folded to that one where there is no room.

    The underlined letter of a control is its key.
    """

    recording: Recording | None = None
    selection: Selection | None = None
    analysis: Analysis | None = None

    def update(
        self, recording: Recording | None, selection: Selection | None, analysis: Analysis | None
    ) -> None:
        """Show this."""
        rows = self.get_content_height(self.size, self.size, self.size.width)
        self.recording, self.selection, self.analysis = recording, selection, analysis
        if self.get_content_height(self.size, self.size, self.size.width) != rows:
            self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Textual's hook: a second row only where one is too short."""
        if self.recording is None or self.selection is None:
            return 1
        rows = _wrapped([group.forms[0] for group in self._groups(self.recording, self.selection)], width)
        return min(_ROWS_AT_MOST, len(rows))

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """The groups, wrapped into the rows there are."""
        if self.recording is None or self.selection is None:
            return
        for row in _fitting(self._groups(self.recording, self.selection), width, height)[:height]:
            yield cut_row([(" ", self.ink()), *row], width)

    def _groups(self, recording: Recording, selection: Selection) -> list[_Group]:
        manifest = recording.manifest
        groups = [self._choice("labels", "l"), self._eps(selection), self._choice("branch", "b")]
        groups += [self._step(manifest, selection), self._choice("features", "f")]
        if len(manifest.guidance) > 1:
            groups.append(self._choice("guidance", "g"))
        return [*groups, self._rank(selection), self._null(), self._choice("intervals", "i")]

    def _choice(self, name: str, key: str, of_current: str = "") -> _Group:
        """A control with its values; `of_current` is said of the chosen one where there is room."""
        assert self.recording is not None
        assert self.selection is not None
        choice, manifest = CHOICES[name], self.recording.manifest
        values = [cut(plain(value), _VALUE_AT_MOST) for value in choice.values(manifest, self.selection)]
        current = choice.index(self.selection, manifest)
        barest = self._value(values[current], f"screen.next_choice('{name}', 1)", True)
        values[current] += of_current
        label = self._label(name, key, f"screen.next_choice('{name}', 1)")
        full = list(label)
        for index, value in enumerate(values):
            full += [("│", self.ink("faint"))] if index else []
            full.append(self._value(value, f"screen.choose('{name}', {index})", index == current))
        arrows = len(values) > 1
        chosen = self._value(values[current], f"screen.next_choice('{name}', 1)", True)
        folded = [
            *label,
            *([self._value("‹", f"screen.next_choice('{name}', -1)", False)] if arrows else []),
            chosen,
            *([self._value("›", f"screen.next_choice('{name}', 1)", False)] if arrows else []),
        ]
        return _Group(full, folded, [*label, chosen], [*label, barest] if of_current else None)

    def _step(self, manifest: Manifest, selection: Selection) -> _Group:
        """The captured steps, the chosen one with its timestep."""
        step = selection.settings.step
        timestep = None if step is None else manifest.timestep(step)
        if timestep is None:
            return self._choice("step", "s")
        return self._choice("step", "s", f" ({timestep_name(timestep)})")

    def _eps(self, selection: Selection) -> _Group:
        iso = selection.settings.iso_rate
        label = self._label("ε" if iso is None else "R", "ε" if iso is None else "R", "screen.iso_rate")
        value = self._value(f"{selection.settings.eps if iso is None else iso:g}", "screen.type_eps", True)
        group = self._stepper(label, value, "eps")
        if iso is None:
            return group
        # What is held equal is not ε: that must be plain.
        word: Piece = (" in all layers", self.ink("dim"))
        return _Group([*group.full, word], group.folded, group.bare)

    def _rank(self, selection: Selection) -> _Group:
        main = self.analysis.main if self.analysis else None
        asked, found = selection.settings.subspace_dim, main.settings.subspace_dim if main else None
        r = str(asked or ("auto" if found is None else f"auto {found}"))
        label = self._label("dim r", "r", "screen.rank(1)")
        return self._stepper(label, self._value(r, "screen.rank(1)", True), "rank")

    def _stepper(self, label: list[Piece], value: Piece, action: str) -> _Group:
        """A number between its steps down and up."""
        down = self._value("−", f"screen.{action}(-1)", False)
        up = self._value("+", f"screen.{action}(1)", False)
        pieces = [*label, down, value, up]
        return _Group(pieces, pieces, [*label, value])

    def _null(self) -> _Group:
        """The design of the null, and how many permutations the metrics rest on by now."""
        group = self._choice("null", "u")
        current = self.analysis is not None and self.analysis.selection == self.selection
        count = self.analysis.permutations if self.analysis and current else 0
        main = self.analysis.main if self.analysis and current else None
        # What the automatic choice came to: a null is nothing without its design.
        design = (
            main.settings.design if main and self.selection and self.selection.settings.design is None else ""
        )
        suffix = (f" {design} ×{count:<3}".replace("  ", " ") if count else "  …  ", self.ink("dim"))
        return _Group([*group.full, suffix], [*group.folded, suffix], [*group.bare, suffix])

    def _label(self, name: str, key: str, action: str) -> list[Piece]:
        click = Style.from_meta({"@click": action})
        before, letter, after = name.partition(key) if key in name else (name, "", "")
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


def _fitting(groups: Sequence[_Group], width: int, height: int) -> list[list[Piece]]:
    """The groups in at most `height` rows if that can be: first the widest fold, then arrows go."""
    forms = [0] * len(groups)
    while True:
        rows = _wrapped([group.forms[form] for group, form in zip(groups, forms, strict=True)], width)
        foldable = [i for i, form in enumerate(forms) if form < len(groups[i].forms) - 1]
        if len(rows) <= height or not foldable:
            return rows
        least = min(forms[i] for i in foldable)
        widest = max(
            (i for i in foldable if forms[i] == least), key=lambda i: row_width(groups[i].forms[forms[i]])
        )
        forms[widest] += 1


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
