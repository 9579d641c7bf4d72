"""The article's claims, each with a rule that says whether a session supports it (docs/report.md)."""

from subspacelens_tui.analysis.claims import (  # noqa: F401  (each declares its claims)
    branches,
    density,
    growth,
    hierarchy,
    mechanism,
    overlap,
    ranks,
    shape,
)
from subspacelens_tui.analysis.claims.claim import CLAIMS, CannotTell, Claim, Finding, Verdict
from subspacelens_tui.analysis.claims.evidence import Evidence
from subspacelens_tui.analysis.claims.judge import Judged, judged
from subspacelens_tui.analysis.claims.report import Report, ReportFigure, report_of

__all__ = [
    "CLAIMS",
    "CannotTell",
    "Claim",
    "Evidence",
    "Finding",
    "Judged",
    "Report",
    "ReportFigure",
    "Verdict",
    "judged",
    "report_of",
]
