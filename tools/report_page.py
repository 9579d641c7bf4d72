"""Write the rules in docs/report.md from the claims' declarations: `python -m tools.report_page`.

`--check` says whether the page is what it would write. The rules stand between `<!-- claims -->` and
`<!-- end -->`; the rest of the page is written by hand.
"""

import re
import sys
from pathlib import Path

from subspacelens_tui.analysis.claims import CLAIMS, Claim
from tools.pages import write_or_check

PAGE = Path(__file__).parents[1] / "docs" / "report.md"
_RULES = re.compile(r"(<!-- claims -->\n).*?(<!-- end -->)", re.DOTALL)


def page() -> str:
    """The whole page."""
    rules = "\n".join(_rule(claim) for claim in CLAIMS.values())
    return _RULES.sub(lambda found: f"{found[1]}\n{rules}\n{found[2]}", PAGE.read_text(encoding="utf-8"))


def _rule(claim: Claim) -> str:
    lines = [f"### {claim.title}", "", f"`{claim.key}`. The article: “{claim.quote}”", ""]
    lines += [f"- **Measured:** {claim.measured}", f"- **Supported:** {claim.rule}"]
    return "\n".join([*lines, f"- **Explained by its null:** {claim.explained}", ""])


def main() -> int:
    """Write the page, or check it."""
    return write_or_check(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
