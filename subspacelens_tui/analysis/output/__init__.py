"""Results as text for people, JSON for programs, tables and plots on disk."""

from subspacelens_tui.analysis.output.class_pairs import print_pairs
from subspacelens_tui.analysis.output.comparison import print_comparison
from subspacelens_tui.analysis.output.curve_plots import curve_plot
from subspacelens_tui.analysis.output.export_part import Part
from subspacelens_tui.analysis.output.export_session import DEFAULT_FORMATS, export
from subspacelens_tui.analysis.output.files import (
    FORMATS,
    PLOT_FORMATS,
    TABLE_FORMATS,
    ExportError,
    parse_formats,
    tabbed,
    write_table,
)
from subspacelens_tui.analysis.output.list_table import print_listing
from subspacelens_tui.analysis.output.notes import print_notes
from subspacelens_tui.analysis.output.over_eps import print_over_eps
from subspacelens_tui.analysis.output.plots import (
    Plot,
    gains_plot,
    layers_plot,
    matrices_plot,
    matrix_plot,
    spectrum_plot,
    sweep_plot,
    write_plot,
)
from subspacelens_tui.analysis.output.provenance import Provenance
from subspacelens_tui.analysis.output.results import print_result, result_json
from subspacelens_tui.analysis.output.sparse import print_sparse
from subspacelens_tui.analysis.output.sparse_plots import rate_plot, saved_plot
from subspacelens_tui.analysis.output.steering import print_steering
from subspacelens_tui.analysis.output.sweep import print_sweep
from subspacelens_tui.analysis.output.tables import print_tables
from subspacelens_tui.analysis.output.tokens import print_tokens

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "PLOT_FORMATS",
    "TABLE_FORMATS",
    "ExportError",
    "Part",
    "Plot",
    "Provenance",
    "curve_plot",
    "export",
    "gains_plot",
    "layers_plot",
    "matrices_plot",
    "matrix_plot",
    "parse_formats",
    "print_comparison",
    "print_listing",
    "print_notes",
    "print_over_eps",
    "print_pairs",
    "print_result",
    "print_sparse",
    "print_steering",
    "print_sweep",
    "print_tables",
    "print_tokens",
    "rate_plot",
    "result_json",
    "saved_plot",
    "spectrum_plot",
    "sweep_plot",
    "tabbed",
    "write_plot",
    "write_table",
]
