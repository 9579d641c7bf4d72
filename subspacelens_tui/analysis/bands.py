"""The former name of `quantities`, for the screens that still use it."""

from subspacelens_tui.analysis.quantities import Values, error_bands, null_bands

__all__ = ["Values", "error_bands", "null_bands"]
