"""Every figure of the selected layer, with what the labels alone would give."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from subspacelens_tui.analysis.figures import LayerFigures
from subspacelens_tui.app import numbers
from subspacelens_tui.app.fitting import fit
from subspacelens_tui.app.widgets.painted import Row, cut_row
from subspacelens_tui.app.widgets.pane import Pane
from subspacelens_tui.sessions.plain import plain

_NAME = 8
_VALUE = 7
_NULL = 8


@dataclass(frozen=True)
class _Line:
    """A figure: its name, its key in `missing`, value, value under permuted labels, and what it is."""

    name: str
    key: str
    value: str
    null: str = ""
    meaning: str = ""


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
        head = " " * _NAME + fit("value", _VALUE, "right") + fit("null", _NULL, "right")
        yield cut_row([(head, self.ink("dim"))], width)
        for line in _lines(layer):
            yield from self._table_row(line, layer, width)
        yield from self._significance(layer, width)
        sample = f"N {main.images}  d {layer.width}  K {len(main.classes)}  n {_range(main.class_sizes)}"
        yield cut_row([(sample, self.ink("dim"))], width)
        for note in main.notes:
            yield from (((row, self.ink("dim")),) for row in textwrap.wrap(plain(note), max(10, width)))

    def _table_row(self, line: _Line, layer: LayerFigures, width: int) -> Iterable[Row]:
        name = (fit(line.name, _NAME), self.ink("dim"))
        reason = layer.missing.get(line.key)
        if reason:
            yield cut_row([name, (plain(reason), self.ink("warning"))], width)
            return
        row = [name, (fit(line.value, _VALUE, "right"), self.ink("strong"))]
        row.append((fit(line.null, _NULL, "right"), self.ink("dim")))
        if _NAME + _VALUE + _NULL + 2 + len(line.meaning) <= width:
            row.append(("  " + line.meaning, self.ink("dim")))
        yield cut_row(row, width)

    def _significance(self, layer: LayerFigures, width: int) -> Iterable[Row]:
        null = layer.null
        if null is None:
            waiting = "" if layer.delta_R is None else "permuting labels …"
            yield cut_row([(fit("excess", _NAME), self.ink("dim")), (waiting, self.ink("faint"))], width)
            return
        score = f"z {numbers.figure(null.z, signed=True)}  p {numbers.probability(null.p)}"
        permutations = f"{null.permutations} perms"
        yield cut_row(
            [
                (fit("excess", _NAME), self.ink("dim")),
                (fit(numbers.figure(null.excess, signed=True), _VALUE, "right"), self.ink("accent")),
                (fit(f"±{numbers.figure(null.std)}", _NULL, "right"), self.ink("dim")),
                ("  " + permutations, self.ink("dim")),
            ],
            width,
        )
        yield cut_row([(" " * _NAME + " " + score, self.ink("dim"))], width)


def _lines(layer: LayerFigures) -> list[_Line]:
    null, R = layer.null, layer.R
    # R does not depend on the labels, so the nulls of Rc and Rc/R follow from that of ΔR.
    null_rc = R - null.mean if null is not None and R is not None else None
    null_ratio = null_rc / R if null_rc is not None and R else None
    band = f"[{numbers.figure(null.low)}, {numbers.figure(null.high)}]" if null else ""
    return [
        _Line("R", "R", numbers.figure(R), meaning="nats"),
        _Line(
            "Rc",
            "Rc",
            numbers.figure(layer.Rc),
            numbers.figure(null_rc) if null else "",
            "in classes",
        ),
        _Line(
            "ΔR", "delta_R", numbers.figure(layer.delta_R), numbers.figure(null.mean) if null else "", band
        ),
        _Line(
            "Rc/R", "ratio", numbers.fraction(layer.ratio, 3), numbers.fraction(null_ratio, 3) if null else ""
        ),
        _Line("erank", "effective_rank", numbers.figure(layer.effective_rank)),
        _Line("overlap", "overlap_mean", numbers.fraction(layer.overlap_mean, 3), meaning="off-diagonal"),
        _Line("Hoyer", "hoyer", numbers.fraction(layer.hoyer, 3), meaning="sparsity"),
    ]


def _range(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return numbers.NONE
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)}–{max(sizes)}"
