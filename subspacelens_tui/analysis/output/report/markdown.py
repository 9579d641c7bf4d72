"""A report as Markdown: words and tables."""

from collections.abc import Iterable, Iterator, Sequence

from subspacelens_tui.analysis.claims import Judged, Report, ReportFigure
from subspacelens_tui.analysis.output.report.words import (
    ARTICLE,
    LENSES,
    beside,
    dashes,
    figure_rows,
    in_short,
    lens_tables,
    made_by,
    numbers,
    subject,
    title,
)
from subspacelens_tui.sessions.sanitise import plain

_SPECIAL = "\\`*_[]<>|#"


def markdown(report: Report) -> str:
    """The whole file."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {_text(title(report))}", "", _text(subject(report)) + ".", "")
    if report.control is not None:
        yield from (f"Control: {_text(plain(report.control.name))}.", "")
    yield from (f"**{_text(in_short(report))}**", "")
    yield from (f"- {_text(plain(note))}" for note in report.notes)
    yield from ("", "## Verdicts", "")
    control = ["control"] if report.control is not None else []
    rows = [
        [of.claim.title, plain(of.finding.words), *([beside(of)] if control else [])] for of in report.claims
    ]
    yield from _table(["claim", "verdict", *control], rows)
    for judged in report.claims:
        yield from _claim(judged)
    yield from ("", f"## Figures of {_text(ARTICLE)}, redrawn from this session", "")
    for figure in report.figures:
        yield from _figure(figure)
    if report.lenses is not None:
        yield f"## {LENSES}"
        for words, headings, lens_rows in lens_tables(report):
            yield from ("", _text(words), "", *_table(headings, lens_rows))
    yield from ("", _text(made_by()))


def _claim(judged: Judged) -> Iterator[str]:
    claim, finding = judged.claim, judged.finding
    yield from ("", f"### {_text(claim.title)}", "")
    if claim.quote:
        yield from (f"> {_text(claim.quote)}", "")
    yield f"**{finding.verdict.value.capitalize()}.** {_text(dashes(plain(finding.sentence)))}"
    yield from ("", f"Measured: {_text(claim.measured)}", "")
    yield from _table(["", ""], numbers(finding))
    if judged.control is not None:
        yield from (
            "",
            f"Control: {judged.control.verdict.value}. {_text(dashes(plain(judged.control.sentence)))}",
        )


def _figure(figure: ReportFigure) -> Iterator[str]:
    headings, rows = figure_rows(figure)
    if not (rows or figure.says or figure.missing):
        return
    yield from (f"### {_text(figure.title)}", "")
    if figure.article:
        yield from (f"> {_text(figure.article)}", "")
    if figure.missing:
        yield from (f"Missing: {_text(figure.missing)}.", "")
    elif figure.says:
        yield from (_text(dashes(plain(figure.says))), "")
    else:
        yield from _table(headings, rows)
        yield ""


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    cells = [[_text(cell) for cell in row] for row in rows]
    if cells:
        rule = ["---", *["---:"] * (len(headings) - 1)]
        for row in ([_text(heading) for heading in headings], rule, *cells):
            yield "| " + " | ".join(row) + " |"


def _text(words: str) -> str:
    """Words as they are: nothing in a name begins a link, a table cell or HTML."""
    return "".join(f"\\{character}" if character in _SPECIAL else character for character in words)
