"""A report as one HTML file: nothing is fetched, it reads in light and dark, and it prints."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from subspacelens_tui.analysis.claims import Finding, Judged, Report, ReportFigure, Verdict
from subspacelens_tui.analysis.output.curve_plots import curve_plot
from subspacelens_tui.analysis.output.plots import (
    Plot,
    gains_plot,
    layers_plot,
    matrices_plot,
    matrix_plot,
    plot_svg,
    sweep_plot,
)
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

_KINDS = {
    Verdict.SUPPORTED: "yes",
    Verdict.EXPLAINED: "null",
    Verdict.NOT_SUPPORTED: "no",
    Verdict.CANNOT_TELL: "open",
}
_ID = re.compile(r'(?<=id=")[^"]+|(?<=url\(#)[^)]+|(?<=href="#)[^"]+')


def html(report: Report) -> str:
    """The whole file."""
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            "style-src 'unsafe-inline'; img-src data:\">",
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_text(title(report))}</title>",
            # An icon that is none: browsers ask for one otherwise.
            '<link rel="icon" href="data:,">',
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            *_header(report),
            "<main>",
            *_verdicts(report),
            *_claims(report),
            *_figures(report),
            *_lenses(report),
            "</main>",
            f"<footer><p>{_text(made_by())}</p></footer>",
            "</body>",
            "</html>",
            "",
        )
    )


def _header(report: Report) -> Iterator[str]:
    yield "<header>"
    yield f"<h1>{_text(title(report))}</h1>"
    yield f"<p>{_text(subject(report))}.</p>"
    if report.control is not None:
        yield f"<p>Control: {_text(plain(report.control.name))}.</p>"
    yield f'<p class="short">{_text(in_short(report))}</p>'
    if report.notes:
        yield from ("<ul>", *(f"<li>{_text(plain(note))}</li>" for note in report.notes), "</ul>")
    yield '<nav aria-label="Sections"><a href="#verdicts">Verdicts</a> <a href="#claims">Claims</a> '
    yield '<a href="#figures">Figures</a>'
    yield f' <a href="#lenses">{LENSES}</a></nav>' if report.lenses is not None else "</nav>"
    yield "</header>"


def _verdicts(report: Report) -> Iterator[str]:
    control = ["Control"] if report.control is not None else []
    yield '<section id="verdicts" aria-labelledby="verdicts-title">'
    yield '<h2 id="verdicts-title">Verdicts</h2>'
    yield '<div class="wide"><table>'
    yield _row(["Claim", "Verdict", *control], "th scope=col")
    for of in report.claims:
        link = f'<a href="#claim-{of.claim.key}">{_text(of.claim.title)}</a>'
        cells = [link, _badge(of.finding.verdict) + _why(of.finding), *([_text(beside(of))] * bool(control))]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table></div>"
    yield "</section>"


def _claims(report: Report) -> Iterator[str]:
    yield '<section id="claims" aria-labelledby="claims-title">'
    yield '<h2 id="claims-title">Claims</h2>'
    for of in report.claims:
        yield from _claim(of)
    yield "</section>"


def _claim(judged: Judged) -> Iterator[str]:
    claim, finding = judged.claim, judged.finding
    yield f'<article id="claim-{claim.key}">'
    yield f"<h3>{_text(claim.title)} {_badge(finding.verdict)}</h3>"
    if claim.quote:
        yield f"<blockquote><p>{_text(claim.quote)}</p></blockquote>"
    yield f'<p class="says">{_sentence(finding)}</p>'
    found = list(numbers(finding))
    if found:
        yield "<dl>"
        for name, value in found:
            yield f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
        yield "</dl>"
    if judged.control is not None:
        yield f"<p>Control: {_badge(judged.control.verdict)} {_sentence(judged.control)}</p>"
    yield "<details><summary>Rule</summary>"
    yield f"<p>Measured: {_text(claim.measured)}</p><p>Supported: {_text(claim.rule)}</p>"
    if claim.explained:
        yield f"<p>Explained by its null: {_text(claim.explained)}</p>"
    yield "</details>"
    yield "</article>"


def _figures(report: Report) -> Iterator[str]:
    yield '<section id="figures" aria-labelledby="figures-title">'
    yield f'<h2 id="figures-title">Figures of {_text(ARTICLE)}, redrawn from this session</h2>'
    for number, figure in enumerate(report.figures, start=1):
        yield from _figure(number, figure)
    yield "</section>"


def _figure(number: int, figure: ReportFigure) -> Iterator[str]:
    yield f'<article id="figure-{figure.key}">'
    yield f"<h3>{number}. {_text(figure.title)}</h3>"
    if figure.article:
        yield f"<blockquote><p>{_text(figure.article)}</p></blockquote>"
    if figure.missing:
        yield f"<p>Missing: {_text(figure.missing)}.</p>"
    else:
        plot = _plot(figure)
        drawn = _inline(plot_svg(plot), f"f{number}", figure.title)
        caption = f"<figcaption>{_text(words)}</figcaption>" if (words := _caption(figure)) else ""
        yield f"<figure>{drawn}{caption}</figure>"
        yield from _numbers(*figure_rows(figure))
    yield "</article>"


def _lenses(report: Report) -> Iterator[str]:
    if report.lenses is None:
        return
    yield '<section id="lenses" aria-labelledby="lenses-title">'
    yield f'<h2 id="lenses-title">{LENSES}</h2>'
    for words, headings, rows in lens_tables(report):
        yield f"<p>{_text(words)}</p>"
        yield from _numbers(headings, rows, kind="numbers worded")
    yield "</section>"


def _numbers(headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "numbers") -> Iterator[str]:
    """A table, where there are rows; "numbers worded" if its last column is of words."""
    if rows:
        yield f'<div class="wide"><table class="{kind}">'
        yield _row(headings, "th scope=col")
        yield from (_row(row, "td") for row in rows)
        yield "</table></div>"


def _plot(figure: ReportFigure) -> Plot:
    if figure.sweep is not None:
        return sweep_plot(figure.key, figure.sweep)
    if figure.quantity == "gains":
        return gains_plot(figure.key, figure.curves[0], figure.layers[0])
    if figure.quantity == "cka":
        return layers_plot(figure.key, figure.curves[0], "cka")
    if figure.quantity != "overlap":
        return curve_plot(figure.key, figure.curves, figure.quantity)
    if len(figure.layers) == 1:
        return matrix_plot(figure.key, figure.curves[0], figure.layers[0])
    return matrices_plot(figure.key, figure.curves[0], figure.layers)


def _caption(figure: ReportFigure) -> str:
    if figure.sweep is not None:
        return "Conditional branch, coarse labels; ▲ the most prominent inner maximum of a row, ▼ minimum."
    if figure.says:
        return dashes(plain(figure.says))
    if figure.quantity == "overlap":
        return "Mean squared cosine of the principal angles between the subspaces of two classes; 1 if identical."
    # The drawing says itself what stands for null and error.
    return ""


def _inline(svg: str, prefix: str, name: str) -> str:
    """A drawing for the inside of a page: its ids its own, its ink the page's, its size the column's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = _ID.sub(lambda found: f"{prefix}-{found[0]}", svg)
    svg = re.sub(r'(<g id="[^"]*patch_[12]">\s*<path [^>]*?style=")fill: #ffffff', r"\1fill: none", svg)
    svg = (
        svg.replace("#000000", "currentColor")
        .replace("#808080", "var(--faint)")
        .replace("#666666", "var(--faint)")
    )
    svg = re.sub(r'(<svg [^>]*?) (?:width|height)="[\d.]+pt"', r"\1", svg)
    svg = re.sub(r'(<svg [^>]*?) (?:width|height)="[\d.]+pt"', r"\1", svg)
    label = escape(name, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def _badge(verdict: Verdict) -> str:
    return f'<span class="verdict {_KINDS[verdict]}">{verdict.value}</span>'


def _why(finding: Finding) -> str:
    """What is lacking where it cannot be told."""
    told = finding.verdict is not Verdict.CANNOT_TELL
    return "" if told else f"<br><small>{_sentence(finding)}</small>"


def _row(cells: Sequence[str], tag: str) -> str:
    # A number stays with its sign of error where a cell has to break.
    texts = (_text(cell).replace("± ", "±\u00a0") for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{text}</{tag.split()[0]}>" for text in texts) + "</tr>"


def _sentence(finding: Finding) -> str:
    return _text(dashes(plain(finding.sentence)))


def _text(words: str) -> str:
    return escape(words, quote=False)
