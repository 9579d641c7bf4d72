"""Export: tables as CSV, JSON and Parquet, plots as SVG and PNG with the numbers behind them."""

from subspacelens_tui.analysis.export.files import (
    FORMATS,
    PLOT_FORMATS,
    TABLE_FORMATS,
    ExportError,
    parse_formats,
    tabbed,
    write_table,
)
from subspacelens_tui.analysis.export.plots import (
    Plot,
    curve_plot,
    matrices_plot,
    matrix_plot,
    spectrum_plot,
    sweep_plot,
    write_plot,
)
from subspacelens_tui.analysis.export.session import DEFAULT_FORMATS, export

__all__ = [
    "DEFAULT_FORMATS",
    "FORMATS",
    "PLOT_FORMATS",
    "TABLE_FORMATS",
    "ExportError",
    "Plot",
    "curve_plot",
    "export",
    "matrices_plot",
    "matrix_plot",
    "parse_formats",
    "spectrum_plot",
    "sweep_plot",
    "tabbed",
    "write_plot",
    "write_table",
]
