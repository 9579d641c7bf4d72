"""Write docs/example-report.md, the report of the session that comes with the program.

`python -m tools.example_report` takes about two minutes.
"""

import sys
from pathlib import Path

from subspacelens_tui.analysis import Analyzer, Settings
from subspacelens_tui.analysis.claims import report_of
from subspacelens_tui.analysis.output.report.markdown import markdown
from subspacelens_tui.sessions import open_session

ROOT = Path(__file__).parents[1]
SESSION, PAGE = ROOT / "sessions" / "demo-small", ROOT / "docs" / "example-report.md"


def main() -> int:
    """Judge and write."""
    report = report_of(Analyzer(open_session(SESSION)), Settings(permutations=200))
    PAGE.write_text(markdown(report), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
