"""A report on disk: one file, HTML or Markdown by its suffix."""

import itertools
import os
from pathlib import Path

from subspacelens_tui.analysis.claims import Report
from subspacelens_tui.analysis.output.files import UNDECODED, ExportError, need, why_unwritable
from subspacelens_tui.analysis.output.report.html import html
from subspacelens_tui.analysis.output.report.markdown import markdown
from subspacelens_tui.sessions.atomic_files import temporary_beside

HTML_SUFFIXES, MARKDOWN_SUFFIXES = (".html", ".htm"), (".md", ".markdown")


def report_path(session: str, asked: Path | None) -> Path:
    """Where a report goes: where it was asked to, else `SESSION-report.html` here.

    Raises:
        ExportError: it cannot go there, in one line that says why; said before anything is computed.
    """
    path = asked if asked is not None else Path(f"{session}-report.html")
    if path.suffix.lower() not in (*HTML_SUFFIXES, *MARKDOWN_SUFFIXES):
        raise ExportError(f"a report is .html or .md, not {path.name!r}")
    if path.suffix.lower() in HTML_SUFFIXES:
        need("svg")
    if why := why_unwritable(path):
        raise ExportError(why)
    return path


def new_report(report: Report, folder: Path) -> Path:
    """Write a report to a folder under a name that is free there: HTML, or Markdown without matplotlib.

    Raises:
        ExportError: it cannot be written.
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        need("svg")
        suffix = HTML_SUFFIXES[0]
    except ExportError:
        suffix = MARKDOWN_SUFFIXES[0]
    names = itertools.chain([f"report{suffix}"], (f"report-{n}{suffix}" for n in itertools.count(2)))
    path = next(folder / name for name in names if not os.path.lexists(folder / name))
    write_report(report, path)
    return path


def write_report(report: Report, path: Path) -> None:
    """Write a report to a path of `report_path`; what is there by now stays.

    Raises:
        ExportError: it cannot be written.
    """
    text = markdown(report) if path.suffix.lower() in MARKDOWN_SUFFIXES else html(report)
    temporary = temporary_beside(path)
    try:
        temporary.write_text(text, encoding="utf-8", errors=UNDECODED)
        # A link, unlike a renaming, takes no other file's place.
        os.link(temporary, path)
    except FileExistsError:
        raise ExportError(f"{path} is there already: name another file with --to") from None
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
