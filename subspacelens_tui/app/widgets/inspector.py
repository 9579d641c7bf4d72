"""Every figure of the selected layer, with what the labels alone would give and its error."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from subspacelens_tui.analysis.figures import Figures, LayerFigures
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import fit
from subspacelens_tui.app.keys import FIGURES, bindings
from subspacelens_tui.app.widgets.painted import Row, cut_row
from subspacelens_tui.app.widgets.pane import Numbers, Pane
from subspacelens_tui.sessions.plain import plain

_NAME, _VALUE, _NULL, _SCORE, _ERROR = 9, 6, 7, 7, 7
_HEAD = 2
_WAITING = "…"


@dataclass(frozen=True)
class _Line:
    """A line of the table: its name, its figure, and how that is written."""

    name: str
    figure: str
    written: Callable[[float | None], str] = numbers.figure


def _thousandths(value: float | None) -> str:
    return numbers.fraction(value, 3)


_RATES = (_Line("R", "R"), _Line("Rc", "Rc"), _Line("ΔR", "delta_R"))
_RATIO = _Line("Rc/R", "ratio", _thousandths)
_RANKS = (
    _Line("erank", "effective_rank"),
    _Line("erank λ", "eigenvalue_rank"),
    _Line("PR", "participation_ratio"),
    _Line("PR unb.", "participation_ratio_unbiased"),
    _Line("stable r", "stable_rank"),
)
_OVERLAPS = (
    _Line("overlap", "overlap_mean", _thousandths),
    _Line("explained", "explained_mean", _thousandths),
)
_HOYER = _Line("Hoyer", "hoyer", _thousandths)
# Of these there are no more than in the figures of all layers.
_NOT_CLOSER = tuple(line.figure for line in (*_RATES, _RATIO, _HOYER))


class Inspector(Pane):
    """The figures of one layer, each with its null and its error where it has them, or why it is missing.

    What costs seconds comes when the layer has been looked at for that long. It scrolls if it must.
    """

    keys = FIGURES
    BINDINGS: ClassVar[list[BindingType]] = bindings(FIGURES)

    heading = "Figures"
    tab = "Figures"
    jump = "6"
    of_a_step = True
    _top = 0
    _rows = 0

    def title_detail(self) -> str:
        """Which figures these are."""
        return " · ".join(self.analysis.view.main) if self.analysis else ""

    def _shown(self) -> LayerFigures | None:
        main = self.analysis.main if self.analysis else None
        return main.layers[self.selected] if main and self.selected < len(main.layers) else None

    def subtitles(self) -> Sequence[str]:
        """That there is more than is seen."""
        room = self.size.height - _HEAD
        return ["pgdn, pgup: more"] if 0 < room < self._rows else ()

    def numbers(self) -> Numbers:
        """Every figure of the layer, with its null and its error."""
        from subspacelens_tui.analysis.export.rows import layer_rows

        layer, main = self._shown(), self.analysis.main if self.analysis else None
        if layer is None or main is None or self.analysis is None:
            return []
        rows = {row["figure"]: row for row in layer_rows(main, layer)}
        if closer := self.analysis.closer.get(self.selected):
            found = {row["figure"]: row for row in layer_rows(main, closer, self.analysis.closer_images)}
            rows |= {figure: row for figure, row in found.items() if figure not in _NOT_CLOSER}
        return list(rows.values())

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """A table of the figures, then the notes on the sample, from where it was scrolled to."""
        layer = self._shown()
        main = self.analysis.main if self.analysis else None
        if layer is None or main is None:
            yield ()
            yield from self.absence_rows(width)
            return
        place = (fit(f"L{self.selected}", _NAME), self.ink("accent"))
        yield cut_row([place, (plain(layer.name), self.ink("dim"))], width)
        yield cut_row([(_head(layer), self.ink("dim"))], width)
        rows = [cut_row(row, width) for row in self._table(layer, main, width)]
        self._rows = len(rows)
        self._top = min(self._top, max(0, len(rows) - max(1, height - _HEAD)))
        yield from rows[self._top :]

    def scroll_figures(self, rows: int) -> None:
        """Show what is further down, or up."""
        self._top = max(0, self._top + rows)
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        event.stop()
        self.scroll_figures(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        event.stop()
        self.scroll_figures(-1)

    def _table(self, layer: LayerFigures, main: Figures, width: int) -> Iterator[Row]:
        assert self.analysis is not None
        closer = self.analysis.closer.get(self.selected)
        for line in _RATES:
            yield from self._line(line, layer, width)
        yield self._excess(layer)
        yield from self._line(_RATIO, layer, width)
        if main.settings.iso_rate is not None:
            yield self._words("ε", f"{layer.eps:.4g}, so that R is as wanted")
        for line in _RANKS:
            yield from self._line(line, closer or layer, width)
        binds = "N < d: set by N" if main.images < layer.width else "d ≤ N: set by d"
        yield self._words("ceiling", f"{layer.rank_ceiling:>6}  {binds}")
        for line in _OVERLAPS:
            yield from self._line(line, closer or layer, width)
        yield from self._halves(closer, width)
        yield from self._line(_HOYER, layer, width)
        yield from self._laws(closer, width)
        yield from self._normality(closer, width)
        sample = f"N {main.images}  d {layer.width}  K {len(main.classes)}  n {_range(main.class_sizes)}"
        yield [(sample, self.ink("dim"))]
        if closer is not None and self.analysis.closer_images != main.images:
            yield self._words("", f"halves and normality at N = {self.analysis.closer_images}")
        for note in main.notes:
            yield from (((row, self.ink("dim")),) for row in textwrap.wrap(plain(note), max(10, width)))

    def _line(self, line: _Line, layer: LayerFigures, width: int) -> Iterator[Row]:
        if reason := layer.missing.get(line.figure):
            yield from self._reason(line.name, reason, width)
            return
        name = (fit(line.name, _NAME), self.ink("dim"))
        null, error = layer.nulls.get(line.figure), layer.errors.get(line.figure)
        value = line.written(getattr(layer, line.figure))
        row = [name, (fit(value, _VALUE, "right"), self.ink("strong"))]
        row.append((fit(line.written(null.mean) if null else "", _NULL, "right"), self.ink("dim")))
        row.append((fit(numbers.score(null.z) if null else "", _SCORE, "right"), self.ink("dim")))
        if error is not None:
            row.append((fit(f"±{line.written(error.standard_error)}", _ERROR, "right"), self.ink("dim")))
        yield row

    def _excess(self, layer: LayerFigures) -> Row:
        null, error = layer.null, layer.errors.get("delta_R")
        name = (fit("excess", _NAME), self.ink("dim"))
        if null is None:
            waiting = plain(layer.missing.get("nulls", "permuting labels …"))
            return [name, (" " + waiting if layer.delta_R is not None else "", self.ink("faint"))]
        excess = fit(numbers.figure(null.excess, signed=True), _VALUE, "right")
        # Of the same kind as that of ΔR: the mean of the null is a constant beside it.
        half = f"±{numbers.figure(error.standard_error)}" if error else ""
        words = fit(f"p {numbers.probability(null.p)}", _NULL + _SCORE, "centre") + fit(half, _ERROR, "right")
        return [name, (excess, self.ink("accent")), (words, self.ink("dim"))]

    def _halves(self, closer: LayerFigures | None, width: int) -> Iterator[Row]:
        """The overlap of random halves of the classes: what the overlap of halves is to be held against."""
        if closer is not None and (reason := closer.missing.get("split_half_ceiling")):
            yield from self._reason(" halves", reason, width)
            return
        own = _thousandths(closer.split_half_ceiling) if closer else _WAITING
        others = _thousandths(closer.split_half_mean) if closer else _WAITING
        yield self._value(" halves", own, f"of two: {others}")

    def _laws(self, closer: LayerFigures | None, width: int) -> Iterator[Row]:
        for name, figure in ((" Gauss", "hoyer_gaussian"), (" Laplace", "hoyer_laplace")):
            value = _thousandths(getattr(closer, figure)) if closer else _WAITING
            yield self._value(name, value, "entries, same d")

    def _normality(self, closer: LayerFigures | None, width: int) -> Iterator[Row]:
        """The share of projections on which Jarque–Bera rejects; the surrogate is its null."""
        if closer is not None and (reason := closer.missing.get("normality")):
            yield from self._reason("JB rejects", reason, width)
            return
        found = closer.normality if closer else None
        critical = f"{found.critical_value:.3g}" if found else _WAITING
        yield self._words("JB", f"share over {critical}, the 1 % point")
        for name, figure in (
            (" pooled", "pooled"),
            (" centred", "class_centred"),
            (" surrog.", "surrogate"),
        ):
            value = _thousandths(getattr(found, figure)) if found else _WAITING
            says = {"class_centred": "by class", "surrogate": "Gauss, same cov."}
            yield self._value(name, value, says.get(figure, "of all"))

    def _reason(self, name: str, reason: str, width: int) -> Iterator[Row]:
        """Why a figure is missing, to its end."""
        for row in textwrap.wrap(plain(reason), max(10, width - _NAME - 1)):
            yield [(fit(name, _NAME), self.ink("dim")), (" " + row, self.ink("warning"))]
            name = ""

    def _words(self, name: str, words: str) -> Row:
        return [(fit(name, _NAME), self.ink("dim")), (words, self.ink("dim"))]

    def _value(self, name: str, value: str, words: str) -> Row:
        return [
            (fit(name, _NAME), self.ink("dim")),
            (fit(value, _VALUE, "right"), self.ink("strong")),
            ("  " + words, self.ink("dim")),
        ]


def _head(layer: LayerFigures) -> str:
    head = " " * _NAME + fit("value", _VALUE, "right")
    if not (layer.nulls or layer.errors):
        return head
    head += fit("null" if layer.nulls else "", _NULL, "right")
    head += fit("z" if layer.nulls else "", _SCORE, "right")
    return head + (fit("±s.e.", _ERROR, "right") if layer.errors else "")


def _range(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return numbers.NONE
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)}–{max(sizes)}"
