"""Everything the command line prints on stdout: text for people, JSON for programs."""

from subspacelens_tui.analysis.report.comparison import print_comparison
from subspacelens_tui.analysis.report.figures import figures_json, print_figures
from subspacelens_tui.analysis.report.listing import print_listing
from subspacelens_tui.analysis.report.sweep import print_sweep
from subspacelens_tui.analysis.report.tables import print_tables
from subspacelens_tui.analysis.report.tokens import print_tokens

__all__ = [
    "figures_json",
    "print_comparison",
    "print_figures",
    "print_listing",
    "print_sweep",
    "print_tables",
    "print_tokens",
]
