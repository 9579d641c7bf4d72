"""A report on disk: whole, self-contained, true to its names, never in another file's place."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims import CLAIMS, Report, report_of
from subspacelens_tui.analysis.output import ExportError
from subspacelens_tui.analysis.output import report as report_files
from subspacelens_tui.analysis.output.report import new_report, report_path, write_report
from subspacelens_tui.analysis.output.report.html import html
from subspacelens_tui.analysis.output.report.markdown import markdown
from subspacelens_tui.sessions import open_session
from tests.app.sparse_result import sparse_result
from tests.conftest import PlantedSession

_VOID = {"meta", "link", "br"}
HOSTILE = "<script>alert(1)</script> | `x` [y](z)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("sessions")
    session = PlantedSession(folder / "run", layers=5, seeds=2, guidance=(3.0,))
    other = PlantedSession(folder / "control", layers=5, seeds=2, guidance=(3.0,), signal=0.0)
    opened, control = (open_session(of.start().record().path) for of in (session, other))
    prompts = [
        of.model_copy(update={"labels": {**of.labels, "fine": HOSTILE}})
        if of.labels["fine"] == "pizza"
        else of
        for of in opened.manifest.prompts
    ]
    opened.manifest = opened.manifest.model_copy(update={"prompts": prompts})
    return report_of(Analyzer(opened), Settings(permutations=19), Analyzer(control))


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return html(report)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()


def test_html_is_one_file_that_fetches_nothing(report: Report, page: str) -> None:
    text, found = page, _Page()
    found.feed(text)
    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    assert "script" not in found.tags
    assert found.tags.count("svg") == sum(not figure.missing for figure in report.figures) >= 9
    assert all(link.startswith(("#", "data:")) for link in found.links)
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)
    assert not re.search(r"url\((?!#)", text)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "#000000" not in text[text.index("<svg") :]  # ink is the page's, light or dark
    assert "&lt;script&gt;alert(1)" in text  # a class with such a name, in a matrix


def test_both_forms_say_every_verdict_with_its_numbers(report: Report, page: str) -> None:
    for text in (page, markdown(report)):
        assert "control" in text.lower()
        for judged in report.claims:
            assert judged.claim.title.split("'")[0] in text
            assert judged.finding.verdict.value in text.lower()
        values = [of.finding for of in report.claims if of.finding.p is not None]
        assert all(f"{finding.p:.3f}" in text for finding in values)
    assert [of.claim.key for of in report.claims] == list(CLAIMS)
    rows = [line for line in markdown(report).splitlines() if line.startswith("|")]
    bars = re.compile(r"(?<!\\)\|")
    widths = {len(bars.findall(line)) for line in rows}
    assert widths <= {3, 4, 5}


def test_a_report_takes_no_other_files_place(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report_files, "html", lambda report: "<!doctype html>")  # plots take their time
    path = report_path("run", None)
    assert path == Path("run-report.html")
    write_report(report, path)
    before = path.read_bytes()
    with pytest.raises(ExportError, match="is there already: name another file with --to"):
        report_path("run", None)
    with pytest.raises(ExportError, match="is there already"):
        write_report(report, path)  # it came while the verdicts were computed
    assert path.read_bytes() == before
    assert new_report(report, tmp_path / "exports") == tmp_path / "exports" / "report.html"
    assert new_report(report, tmp_path / "exports").name == "report-2.html"
    assert sorted(of.name for of in tmp_path.iterdir()) == ["exports", "run-report.html"]
    with pytest.raises(ExportError, match=r"a report is \.html or \.md, not 'report\.pdf'"):
        report_path("run", Path("report.pdf"))
    with pytest.raises(ExportError, match="there is no folder missing: make it first"):
        report_path("run", Path("missing/report.md"))


def test_without_matplotlib_there_is_markdown(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExportError, match="matplotlib"):
        report_path("run", tmp_path / "report.html")
    write_report(report, report_path("run", tmp_path / "report.md"))
    assert new_report(report, tmp_path / "exports").name == "report.md"


def test_lenses_of_tokens_are_a_section_of_their_own(report: Report, page: str) -> None:
    assert 'id="lenses"' not in page
    whole = sparse_result(3)
    with_lenses = replace(report, lenses=(whole, replace(whole, without_position=True)))
    shown = html(with_lenses)
    assert '<a href="#lenses">' in shown
    assert '<a href="#lenses">' not in page
    for text in (shown.replace("\u00a0", " "), markdown(with_lenses)):
        assert "Sparse against dense" in text
        # 9 nats of 25 subspaces are 13 bits; half a nat of error 0.7.
        assert "+13.0 ± 0.7" in text
        assert "−1.4 ± 0.7" in text
        assert "subspaces" in text
        assert text.count("+13.0 ± 0.7") == 6
        assert text.count("subtracting from each token the mean at its position") == 1
    why = replace(report, lenses="all images are of one subject")
    assert "Missing: all images are of one subject." in markdown(why)
