"""What HTML and Markdown both say: numbers, rows of tables, what a report is of."""

import math
import re
from collections.abc import Iterator

from subspacelens_tui import __version__
from subspacelens_tui.analysis.claims import Finding, Judged, Report, ReportFigure, Verdict
from subspacelens_tui.analysis.output.console import number
from subspacelens_tui.analysis.output.sparse import LENS_NAMES
from subspacelens_tui.analysis.quantities import quantity
from subspacelens_tui.analysis.result import LayerResult, Result
from subspacelens_tui.analysis.sparse_results import SparseLayer, SparseResult
from subspacelens_tui.analysis.tables import first_middle_last
from subspacelens_tui.sessions.sanitise import plain

ARTICLE = "the SubspaceLens article (hammamiomar)"
MINUS = "\N{MINUS SIGN}"
_NEGATIVE = re.compile(r"(?<![\w–])-(?=[\d.])")


def signed_number(value: float | None) -> str:
    """Four digits with a true minus sign."""
    return number(value).replace("-", MINUS)


def dashes(words: str) -> str:
    """Words with true minus signs before numbers."""
    return _NEGATIVE.sub(MINUS, words)


def title(report: Report) -> str:
    """Of the whole."""
    return f"{plain(report.session.name)}: the article’s claims"


def subject(report: Report) -> str:
    """What it is of, in a line."""
    settings, model = report.settings, report.session.manifest.model
    random = ", random weights" if model.random_init else ""
    return (
        f"{report.images} images of {plain(model.id)}{random}; step {report.step_name}, guidance "
        f"{settings.guidance:g}, ε {settings.eps:g}; {settings.permutations} permutations, errors by the "
        f"jackknife over {report.errors}"
    )


def made_by() -> str:
    """What made it."""
    return (
        f"Made by subspacelens-tui {__version__}. docs/report.md gives each rule in full and how it "
        "was validated."
    )


def in_short(report: Report) -> str:
    """How many of each verdict."""
    counts = {verdict: sum(of.finding.verdict is verdict for of in report.claims) for verdict in Verdict}
    said = [f"{count} {_of(verdict, count)}" for verdict, count in counts.items() if count]
    also = sum(of.in_control for of in report.claims)
    beside = f" The control supports {also} of those supported as well." if report.control is not None else ""
    return f"{len(report.claims)} claims: {', '.join(said)}.{beside}"


def _of(verdict: Verdict, count: int) -> str:
    return verdict.value.replace("its null", "their nulls") if count > 1 else verdict.value


def beside(judged: Judged) -> str:
    """What the control says of a claim."""
    if judged.control is None:
        return ""
    return judged.control.verdict.value + (" as well" if judged.in_control else "")


def numbers(finding: Finding) -> Iterator[tuple[str, str]]:
    """What a finding is made of: names and values, those that there are."""
    unit = f" {finding.unit}" if finding.unit else ""
    if finding.value is not None:
        yield finding.quantity, signed_number(finding.value) + unit
    if finding.null is not None:
        yield f"null: {finding.null_is}", signed_number(finding.null) + unit
    of = " of value minus null" if finding.of_excess else ""
    if finding.standard_error is not None:
        yield f"standard error{of}", signed_number(finding.standard_error) + unit
    if finding.low is not None and finding.high is not None:
        yield (
            f"confidence interval{of}",
            f"{signed_number(finding.low)} to {signed_number(finding.high)}{unit}",
        )
    if finding.p is not None:
        yield "p", f"{finding.p:.3f}"
    if finding.tests:
        yield "tests", str(finding.tests)


def figure_rows(figure: ReportFigure) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the numbers behind a figure, at the first, the middle and the last layer."""
    if not figure.curves or figure.quantity in ("overlap", "cka", "gains"):
        return [], []
    asked = quantity(figure.quantity)
    layers = first_middle_last(figure.curves[0])
    headings = [asked.words, *(f"layer {layer.number}" for layer in layers)]
    rows = [
        [side_words(result, figure.curves), *(_cell(result.layers[layer.layer], figure) for layer in layers)]
        for result in figure.curves
    ]
    return headings, rows


LENSES = "Sparse against dense"
_LENSES = ("position_known", "scales_8", "class", "subspaces_25", "sparse")


def lens_tables(report: Report) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """What each table of the lenses is of, its headings and its rows; or why there is none."""
    if report.lenses is None:
        return
    if isinstance(report.lenses, str):
        yield f"Missing: {plain(report.lenses)}.", [], []
        return
    names = [LENS_NAMES[key] for key in ("gauss", *_LENSES)]
    for found in report.lenses:
        yield (
            _lens_words(found),
            ["layer", *names, "verdict"],
            [_lens_row(layer) for layer in found.layers],
        )


def _lens_words(found: SparseResult) -> str:
    if found.without_position:
        return (
            "The same after subtracting from each token the mean at its position, so that no code saves "
            "anything by telling positions apart."
        )
    return (
        f"Bits per token at a squared error of {found.distortion:g} of the variance: for one Gaussian, and "
        f"what other codes save, ± half a 95 % interval over {len(found.split.test)} held-out images with "
        "other seeds and subjects. docs/sparse.md explains each of them."
    )


def _lens_row(layer: SparseLayer) -> list[str]:
    per = 1 / math.log(2)
    lenses = {} if isinstance(layer.found, str) else layer.found.lenses
    gauss = lenses.get("gauss")
    saved = [lenses.get(key) for key in _LENSES]
    cells = ["–" if of is None else f"{per * of.saved:+.1f} ± {per * of.saved_error:.1f}" for of in saved]
    return [
        str(layer.layer),
        "–" if gauss is None else f"{per * gauss.rate:.1f}",
        *(dashes(cell.replace("+-", "-")) for cell in cells),
        plain(layer.verdict.words),
    ]


def side_words(result: Result, among: tuple[Result, ...]) -> str:
    """What distinguishes a curve from the others of its figure."""
    settings = result.settings
    parts = {
        "labels": plain(settings.labels or ""),
        "branch": settings.branch,
        "step": f"step {result.step_name}",
    }
    differing = [
        words for name, words in parts.items() if len({getattr(of.settings, name) for of in among}) > 1
    ]
    return ", ".join(differing or [parts["labels"]])


def _cell(layer: LayerResult, figure: ReportFigure) -> str:
    """A value with its error and the band of its null."""
    asked = quantity(figure.quantity)
    value = asked.value(layer)
    if value is None:
        return f"missing: {plain(layer.why_missing(figure.quantity))}"
    words = signed_number(value)
    low, high = asked.error_band(layer)
    if low is not None and high is not None:
        words += f" [{signed_number(low)}, {signed_number(high)}]"
    low, high = asked.null_band(layer)
    if low is not None and high is not None:
        words += f"; null {signed_number(low)} to {signed_number(high)}"
    return words
