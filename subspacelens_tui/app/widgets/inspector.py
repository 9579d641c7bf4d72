"""Every figure of the selected layer, with what the labels alone would give."""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import fit
from subspacelens_tui.app.widgets.painted import Piece, Row, cut_row
from subspacelens_tui.app.widgets.pane import Pane
from subspacelens_tui.sessions.plain import plain

_NAME, _VALUE, _NULL, _SCORE, _ERROR = 9, 6, 7, 7, 7


@dataclass(frozen=True)
class _Line:
    """A line of the table: its name, its figure, and how that is written."""

    name: str
    figure: str
    written: Callable[[float | None], str] = numbers.figure


def _thousandths(value: float | None) -> str:
    return numbers.fraction(value, 3)


_LINES = (
    _Line("R", "R"),
    _Line("Rc", "Rc"),
    _Line("ΔR", "delta_R"),
    _Line("Rc/R", "ratio", _thousandths),
    _Line("erank", "effective_rank"),
    _Line("erank λ", "eigenvalue_rank"),
    _Line("PR", "participation_ratio"),
    _Line("PR unb.", "participation_ratio_unbiased"),
    _Line("stable r", "stable_rank"),
    _Line("overlap", "overlap_mean", _thousandths),
    _Line("explained", "explained_mean", _thousandths),
    _Line("Hoyer", "hoyer", _thousandths),
)
# Where there is little height, the other ranks give way.
_LESS = ("eigenvalue_rank", "participation_ratio", "participation_ratio_unbiased", "stable_rank")
_AROUND = 5


class Inspector(Pane):
    """The figures of one layer, each with its null where it has one, or why it is missing."""

    heading = "Figures"
    tab = "Figures"
    jump = "6"

    def title_detail(self) -> str:
        """Which figures these are."""
        return " · ".join(self.analysis.view.main) if self.analysis else ""

    def _shown(self) -> LayerFigures | None:
        main = self.analysis.main if self.analysis else None
        return main.layers[self.selected] if main and self.selected < len(main.layers) else None

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """A table of the figures, then the notes on the sample."""
        layer = self._shown()
        main = self.analysis.main if self.analysis else None
        if layer is None or main is None:
            yield ()
            yield cut_row([(self.absence(), self.ink("dim"))], width)
            return
        place = (fit(f"L{self.selected}", _NAME), self.ink("accent"))
        yield cut_row([place, (plain(layer.name), self.ink("dim"))], width)
        yield cut_row([(_head(layer), self.ink("dim"))], width)
        room = height - _AROUND
        for line in _LINES:
            if room >= len(_LINES) or line.figure not in _LESS:
                yield cut_row(self._line(line, layer), width)
            if line.figure == "delta_R":
                yield cut_row(self._excess(layer), width)
        sample = f"N {main.images}  d {layer.width}  K {len(main.classes)}  n {_range(main.class_sizes)}"
        yield cut_row([(sample, self.ink("dim"))], width)
        for note in main.notes:
            yield from (((row, self.ink("dim")),) for row in textwrap.wrap(plain(note), max(10, width)))

    def _line(self, line: _Line, layer: LayerFigures) -> list[Piece]:
        name = (fit(line.name, _NAME), self.ink("dim"))
        if reason := layer.missing.get(line.figure):
            return [name, (" " + plain(reason), self.ink("warning"))]
        null, error = layer.nulls.get(line.figure), layer.errors.get(line.figure)
        value = line.written(getattr(layer, line.figure))
        row = [name, (fit(value, _VALUE, "right"), self.ink("strong"))]
        row.append((fit(line.written(null.mean) if null else "", _NULL, "right"), self.ink("dim")))
        row.append((fit(numbers.score(null.z) if null else "", _SCORE, "right"), self.ink("dim")))
        if error is not None:
            row.append((fit(f"±{line.written(error.standard_error)}", _ERROR, "right"), self.ink("dim")))
        return row

    def _excess(self, layer: LayerFigures) -> list[Piece]:
        null = layer.null
        name = (fit("excess", _NAME), self.ink("dim"))
        if null is None:
            waiting = plain(layer.missing.get("nulls", "permuting labels …"))
            return [name, (" " + waiting if layer.delta_R is not None else "", self.ink("faint"))]
        excess = fit(numbers.figure(null.excess, signed=True), _VALUE, "right")
        words = f" ±{numbers.figure(null.std)}  p {numbers.probability(null.p)}"
        return [name, (excess, self.ink("accent")), (words, self.ink("dim"))]


def _head(layer: LayerFigures) -> str:
    head = " " * _NAME + fit("value", _VALUE, "right")
    if layer.nulls:
        head += fit("null", _NULL, "right") + fit("z", _SCORE, "right")
    return head + (fit("error", _ERROR, "right") if layer.errors else "")


def _range(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return numbers.NONE
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)}–{max(sizes)}"
