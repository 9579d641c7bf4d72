"""Every metric of the selected layer, with what the labels alone would give and its error."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.content import Content

from subspacelens_tui.analysis.compare import Difference
from subspacelens_tui.analysis.metrics import METRICS, Cost, Format, Metric, Shape
from subspacelens_tui.analysis.quantities import HEADLINE, glossary
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.app import numbers
from subspacelens_tui.app.drawing.cell_text import cut, fit
from subspacelens_tui.app.drawing.painted_widget import Piece, Row, cut_row, row_width, whole_pieces
from subspacelens_tui.app.keys import Key, bindings
from subspacelens_tui.app.panes.pane import COMPUTING, WAITING, Numbers, Pane
from subspacelens_tui.geometry import NullSummary
from subspacelens_tui.sessions.sanitise import plain

_NAME, _VALUE, _NULL, _SCORE, _ERROR = 9, 6, 7, 7, 7
_HEAD = 2
_CEILING, _SAMPLE = glossary()["ceiling"], glossary()["N, d, K, n"]
# Where the table ends, and what a row is in words begins where there is room.
_WORDS_AT, _WORDS_AT_LEAST = _NAME + _VALUE + _NULL + _SCORE + _ERROR + 3, 30
# A name and its value; the head and one of them.
_LEAST = (_NAME + _VALUE, _HEAD + 1)


_DIFFERENCE_HEAD = [
    " " * _NAME + fit("uncond", _VALUE, "right"),
    fit("cond", _VALUE, "right"),
    fit("c − u", _NULL + 1, "right"),
    fit("±95 %", _ERROR, "right"),
]


def _written(metric: Metric, value: float | None) -> str:
    return numbers.fraction(value, 3) if metric.format is Format.SHARE else numbers.number(value)


class Inspector(Pane):
    """The metrics of one layer, each with its null and its error where it has them, or why it is missing.

    What costs seconds comes when the layer has been looked at for that long. It scrolls if it must.
    """

    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "figures-down", "pagedown", "scroll_metrics(5)", "metrics: scroll down", "In the metrics", "more"
        ),
        Key("figures-up", "pageup", "scroll_metrics(-5)", "metrics: scroll up", "In the metrics"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(keys)

    pane_name = "inspector"
    heading = "Metrics"
    tab = "Metrics"
    jump = "6"
    place = "inspector"
    in_column = "right"
    says = "metrics of the layer"
    of_a_layer = True
    of_a_step = True
    least = _LEAST
    _top = 0
    _rows = 0
    _explained: Sequence[str] = ()

    def title_detail(self) -> str:
        """Which metrics these are."""
        return self.analysis.main_words if self.analysis is not None else ""

    def _shown(self) -> LayerResult | None:
        return self.analysis.layer(self.selected) if self.analysis else None

    def subtitles(self) -> Sequence[str]:
        """That there is more than is seen."""
        if self.absence():
            return ()
        room = self.size.height - _HEAD
        return ["pgdn, pgup: more"] if 0 < room < self._rows else ()

    def numbers(self) -> Numbers:
        """Every metric of the layer, with its null and its error."""
        from subspacelens_tui.analysis.output.rows import metric_rows

        layer, main = self._shown(), self.analysis.main if self.analysis else None
        if layer is None or main is None or self.analysis is None:
            return []
        if self.analysis.is_difference:
            return self._difference_rows()
        rows = list(metric_rows(main, layer))
        if older := self.analysis.older_layer(self.selected):
            known = {row["figure"] for row in rows}
            found = metric_rows(main, older, self.analysis.closer_images)
            rows += [row for row in found if row["figure"] not in known and row["value"] is not None]
        return rows

    def absence(self) -> str:
        """Why there are no metrics, or no difference."""
        return super().absence() or self.no_difference()

    def paint(self, width: int, height: int) -> Iterable[Row]:
        """A table of the metrics, then the notes on the sample, from where it was scrolled to."""
        layer = self._shown()
        main = self.analysis.main if self.analysis else None
        if layer is None or main is None:
            yield from self.said(COMPUTING, width, height)
            return
        place = (fit(self.name_of(self.selected), _NAME), self.ink("accent"))
        yield cut_row([place, (plain(layer.name), self.ink("dim"))], width)
        difference = self.analysis is not None and self.analysis.is_difference
        head = _DIFFERENCE_HEAD if difference else _head(layer)
        yield whole_pieces([(text, self.ink("dim")) for text in head], width)
        rows = list(self._differences(main, width) if difference else self._table(layer, main, width))
        self._rows = len(rows)
        self._top = min(self._top, max(0, len(rows) - max(1, height - _HEAD)))
        self._explained = [words for _, words in rows[self._top :]]
        yield from (row for row, _ in rows[self._top :])

    def action_scroll_metrics(self, rows: int) -> None:
        """Show what is further down, or up."""
        self._top = max(0, self._top + rows)
        self.repaint()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say what the row under the mouse is."""
        offset = event.get_content_offset(self)
        place = offset.y - _HEAD if offset is not None else -1
        words = self._explained[place] if 0 <= place < len(self._explained) else ""
        shown = Content(words) if words else None
        if shown != self.tooltip:
            self.tooltip = shown

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel scrolls."""
        event.stop()
        self.action_scroll_metrics(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel scrolls."""
        event.stop()
        self.action_scroll_metrics(-1)

    def _table(self, layer: LayerResult, main: Result, width: int) -> Iterator[tuple[Row, str]]:
        """Every row, with what explains it."""
        assert self.analysis is not None
        older = self.analysis.older_layer(self.selected)
        for family, metrics in METRICS.families().items():
            for metric in metrics:
                yield from self._explain(metric, self._metric(metric, layer, older, width), width)
            if family == METRICS[HEADLINE].family and main.settings.iso_rate is not None:
                yield self._words("ε", f"{layer.eps:.4g}, so that R is as wanted", width), ""
            if any(metric.ceiling for metric in metrics):
                binds = "N < d: set by N" if main.images < layer.width else "d ≤ N: set by d"
                yield self._value("ceiling", f"{layer.rank_ceiling}", binds, width), _CEILING
        sample = f"N {main.images}  d {layer.width}  K {len(main.classes)}  n {_range(main.class_sizes)}"
        yield cut_row([(sample, self.ink("dim"))], width), _SAMPLE
        for note in main.notes:
            yield from ((((row, self.ink("dim")),), "") for row in textwrap.wrap(plain(note), max(10, width)))

    def _explain(self, metric: Metric, rows: Iterable[Row], width: int) -> Iterator[tuple[Row, str]]:
        words = f"{metric.label}: {metric.formula}. {metric.about}"
        room = width - _WORDS_AT
        said = _words_beside(metric, room) if room >= _WORDS_AT_LEAST else ""
        for row in rows:
            gap = _WORDS_AT - row_width(row)
            yield [*row, (" " * gap + said, self.ink("dim"))] if said and gap > 1 else row, words
            said = ""

    def _difference_rows(self) -> Numbers:
        assert self.analysis is not None
        found = self.analysis.difference_of(self.selected) or {}
        return [{"layer": self.selected, "figure": name, **asdict(of)} for name, of in found.items()]

    def _differences(self, main: Result, width: int) -> Iterator[tuple[Row, str]]:
        """Each metric on uncond and on cond, the difference, and its error; with what explains it."""
        assert self.analysis is not None
        found = self.analysis.difference_of(self.selected)
        if found is None:
            yield self._words("", COMPUTING, width), ""
            return
        for metric in (metric for metrics in METRICS.families().values() for metric in metrics):
            if metric.key in found:
                row = self._difference(metric, metric.short, found[metric.key], width)
                yield from self._explain(metric, [row], width)
            if metric.key == HEADLINE:
                yield self._difference(metric, "excess", found["excess"], width), glossary()["excess"]
        sample = f"N {main.images}  K {len(main.classes)}  n {_range(main.class_sizes)}"
        yield cut_row([(sample, self.ink("dim"))], width), _SAMPLE

    def _difference(self, metric: Metric, name: str, of: Difference, width: int) -> Row:
        row: list[Piece] = [(fit(name, _NAME), self.ink("dim"))]
        blank = self.blank
        for value in (of.a, of.b):
            row.append(
                (fit(blank if value is None else _written(metric, value), _VALUE, "right"), self.ink("dim"))
            )
        changed = blank if of.difference is None else _written(metric, of.difference)
        if of.difference is not None and of.difference >= 0:
            changed = f"+{changed}"
        row.append((fit(changed, _NULL + 1, "right"), self.ink("strong")))
        if of.half_width is not None:
            row.append((fit(f"±{_written(metric, of.half_width)}", _ERROR, "right"), self.ink("dim")))
        return whole_pieces(row, width)

    def _metric(
        self, metric: Metric, layer: LayerResult, older: LayerResult | None, width: int
    ) -> Iterator[Row]:
        """The rows of a metric; those of matrices and curves are panes of their own."""
        if metric.key in self._in_rows_of_their_own:
            yield from self._in_rows_of_their_own[metric.key](self, layer, older, width)
        elif metric.shape is Shape.SCALAR and metric.cost is Cost.DEFERRED:
            yield from self._deferred(metric, layer, older, width)
        elif metric.shape is Shape.SCALAR:
            yield from self._line(metric, layer, width)
        if metric.key == HEADLINE:
            yield whole_pieces(self._excess(layer), width)

    def _line(self, metric: Metric, layer: LayerResult, width: int) -> Iterator[Row]:
        """Value, null, z and error."""
        if reason := layer.missing.get(metric.key):
            yield from self._reason(metric.short, reason, width)
            return
        name = (fit(metric.short, _NAME), self.ink("dim"))
        null, error = layer.nulls.get(metric.key), layer.errors.get(metric.key)
        value = _written(metric, layer.values.get(metric.key))
        if value == numbers.NONE:
            value = self.blank
        row = [name, (fit(value, _VALUE, "right"), self.ink("strong"))]
        row.append((fit(_written(metric, null.mean) if null else "", _NULL, "right"), self.ink("dim")))
        row.append((fit(numbers.score(null.z) if null else "", _SCORE, "right"), self.ink("dim")))
        if error is not None:
            half = f"±{_written(metric, error.half_width)}"
            row.append((fit(half, _ERROR, "right"), self.ink("dim")))
        yield whole_pieces(row, width)
        if moved := layer.rounding.get(metric.key):
            yield from self._reason("", f"rounding may change it by {moved:.2g}", width)

    def _excess(self, layer: LayerResult) -> Row:
        null, error = layer.null, layer.errors.get("excess")
        name = (fit("excess", _NAME), self.ink("dim"))
        if null is None:
            waiting = plain(layer.missing.get("nulls", "permuting labels …"))
            return [name, (" " + waiting if layer.delta_R is not None else "", self.ink("faint"))]
        excess = fit(numbers.number(null.excess, signed=True), _VALUE, "right")
        half = f"±{numbers.number(error.half_width)}" if error else ""
        return [
            name,
            (excess, self.ink("accent")),
            self._p(null),
            (fit(half, _ERROR, "right"), self.ink("dim")),
        ]

    def _p(self, null: NullSummary) -> Piece:
        """The p-value; while more permutations are on their way faint, with how many it rests on."""
        assert self.analysis is not None
        p = numbers.probability(null.p, null.permutations)
        if self.analysis.refining:
            return fit(f"p {p} n{null.permutations}", _NULL + _SCORE, "centre"), self.ink("faint")
        return fit(f"p {p}", _NULL + _SCORE, "centre"), self.ink("dim")

    # What costs seconds is of the images that the rest is of, or says of how many it is, or is on its way.

    def _halves(self, layer: LayerResult, older: LayerResult | None, width: int) -> Iterator[Row]:
        """The overlap of random halves of the classes: what the overlap of halves is to be held against."""
        if reason := layer.missing.get("split_half_ceiling"):
            yield from self._reason(f" {METRICS['split_half_ceiling'].short}", reason, width)
            return
        of = older if layer.split_half_ceiling is None and older is not None else layer
        known = of.split_half_ceiling is not None
        own, others = (
            numbers.fraction(value, 3) if known else WAITING
            for value in (of.split_half_ceiling, of.split_half_mean)
        )
        name, other = (METRICS[key].short for key in ("split_half_ceiling", "split_half_mean"))
        yield self._value(f" {name}", own, f"{other}: {others}", width)
        if known and of is older:
            yield self._older(width)

    def _deferred(
        self, metric: Metric, layer: LayerResult, older: LayerResult | None, width: int
    ) -> Iterator[Row]:
        """The value, and what is to be said of it."""
        if reason := layer.missing.get(metric.key):
            yield from self._reason(f" {metric.short}", reason, width)
            return
        value = layer.values.get(metric.key)
        known = older.values.get(metric.key) if value is None and older is not None else value
        yield self._value(
            f" {metric.short}", WAITING if known is None else _written(metric, known), metric.remark, width
        )
        # What needs no images is the same of any number of them.
        if value is None and known is not None and metric.needs:
            yield self._older(width)

    def _normality(self, layer: LayerResult, older: LayerResult | None, width: int) -> Iterator[Row]:
        """The share of projections on which Jarque–Bera rejects; the surrogate is its null."""
        if reason := layer.missing.get("normality"):
            yield from self._reason("JB rejects", reason, width)
            return
        found = layer.normality or (older.normality if older else None)
        critical = f"{found.critical_value:.3g}" if found else WAITING
        yield self._words("JB", f"share over {critical}, the 1 % point", width)
        for name, metric in (
            (" pooled", "pooled"),
            (" centred", "class_centred"),
            (" surrog.", "surrogate"),
        ):
            value = numbers.fraction(getattr(found, metric), 3) if found else WAITING
            says = {"class_centred": "by class", "surrogate": "Gauss, same cov."}
            yield self._value(name, value, says.get(metric, "of all"), width)
        if found is not None and layer.normality is None:
            yield self._older(width)

    _in_rows_of_their_own: ClassVar[Mapping[str, Callable[..., Iterator[Row]]]] = {
        "split_half_mean": lambda *_: iter(()),
        "split_half_ceiling": _halves,
        "normality": _normality,
    }

    def _older(self, width: int) -> Row:
        """Below metrics of fewer images than the rest."""
        assert self.analysis is not None
        return self._words("", f"↑ at N = {self.analysis.closer_images}", width)

    def _reason(self, name: str, reason: str, width: int) -> Iterator[Row]:
        """Why a metric is missing, to its end."""
        for row in textwrap.wrap(plain(reason), max(6, width - _NAME - 1)):
            yield [(fit(name, _NAME), self.ink("dim")), (" " + row, self.ink("warning"))]
            name = ""

    def _words(self, name: str, words: str, width: int) -> Row:
        return cut_row([(fit(name, _NAME), self.ink("dim")), (words, self.ink("dim"))], width)

    def _value(self, name: str, value: str, words: str, width: int) -> Row:
        row = [
            (fit(name, _NAME), self.ink("dim")),
            (fit(value, _VALUE, "right"), self.ink("strong")),
            ("  " + words, self.ink("dim")),
        ]
        return cut_row(row, width)


def _words_beside(metric: Metric, room: int) -> str:
    """What a metric is, in as many words as there is room for."""
    whole = f"{metric.label}. {metric.about}"
    return whole if cell_len(whole) <= room else cut(metric.label, room)


def _head(layer: LayerResult) -> list[str]:
    head = [" " * _NAME + fit("value", _VALUE, "right")]
    if not (layer.nulls or layer.errors):
        return head
    head.append(fit("null" if layer.nulls else "", _NULL, "right"))
    head.append(fit("z" if layer.nulls else "", _SCORE, "right"))
    return [*head, fit("±95 %", _ERROR, "right")] if layer.errors else head


def _range(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return numbers.NONE
    return str(sizes[0]) if min(sizes) == max(sizes) else f"{min(sizes)}–{max(sizes)}"
