"""The former names of `deferred`, for the screens that still use them."""

from subspacelens_tui.analysis.deferred import deferred_errors as close_errors
from subspacelens_tui.analysis.deferred import deferred_metrics as closely
from subspacelens_tui.analysis.deferred import rank_errors, split_halves

__all__ = ["close_errors", "closely", "rank_errors", "split_halves"]
